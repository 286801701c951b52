"""What tests of the simulated cameras share: a Harvester that has found them, and cameras opened by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harvesters.core import Harvester, ImageAcquirer

from capture.simulator.rig import COLOR_SERIAL, MONO_SERIAL, producer_path


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
        yield acquirer


@pytest.fixture
def color(harvester: Any) -> Iterator[ImageAcquirer]:
    with harvester.create({"serial_number": COLOR_SERIAL}) as acquirer:
        yield acquirer
