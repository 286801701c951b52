"""Fixtures that every package's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.simulated import build_simulator

# As main.py does: waiting threads sleep instead of spinning (docs/decisions/061-openmp-waits-asleep.md).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with the real pairs, board images and the released network; tests skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the shared data folder is not here")
    return SHARED


@pytest.fixture(scope="session")
def simulator_build(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the simulated GenTL cameras, 160×120 px; tests skip where there is no compiler."""
    cache = getattr(request.config, "cache", None)  # none with -p no:cacheprovider
    name = "simulated-cameras"
    return build_simulator(Path(cache.mkdir(name)) if cache else tmp_path_factory.mktemp(name))


@pytest.fixture
def simulator(simulator_build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, with cameras that remember nothing of other tests: for `simulator_spec(simulator)`."""
    monkeypatch.setenv("CYCLERIG_SIMULATOR_STATE", str(tmp_path))
    return simulator_build
