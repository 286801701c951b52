"""What tests of the simulated cameras share: a Harvester that has found them, and cameras opened by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harvesters.core import Harvester, ImageAcquirer

from capture.simulator.rig import COLOR_SERIAL, MONO_SERIAL, producer_path

# No frame of a test gets lost because the test is slow.
PLENTY = 32


@pytest.fixture
def harvester(simulator: Path) -> Iterator[Any]:
    found = Harvester()
    found.add_file(str(producer_path(simulator)))
    found.update()
    yield found
    found.reset()


@pytest.fixture
def mono(harvester: Any) -> Iterator[ImageAcquirer]:
    with harvester.create({"serial_number": MONO_SERIAL}) as acquirer:
        acquirer.num_buffers = PLENTY
        yield acquirer


@pytest.fixture
def color(harvester: Any) -> Iterator[ImageAcquirer]:
    with harvester.create({"serial_number": COLOR_SERIAL}) as acquirer:
        acquirer.num_buffers = PLENTY
        yield acquirer
