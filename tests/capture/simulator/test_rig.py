"""The simulator as a rig: named, built or not, calibrated exactly."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from harvesters.core import Harvester

from capture.calibration import load_calibration
from capture.develop import develop
from capture.discovery import is_simulated, simulated_producers
from capture.errors import CaptureError, DeviceNotFound
from capture.frames import Frame
from capture.genicam import GenicamRig
from capture.pairing import Pairer
from capture.rectify import Rectifier
from capture.rig_file import parse_rig
from capture.simulator import build as building
from capture.simulator import rig as simulator_rig
from capture.simulator.build import build
from capture.simulator.rig import is_built, producer_path, simulator_spec
from capture.spec import VirtualSpec
from capture.virtual.geometry import true_calibration
from tests.capture.rig_specs import PATIENCE_S
from tests.capture.simulator.cameras import setting, take
from tests.simulated import SHORT, SMALL


def test_a_simulator_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    assert not is_built(tmp_path)
    with pytest.raises(DeviceNotFound, match="run `make simulator`"):
        simulator_spec(tmp_path)


def test_the_name_opens_it_where_it_is_built(simulator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator_rig, "BUILD_FOLDER", simulator)
    assert parse_rig("simulator") == simulator_spec(simulator)
    assert simulated_producers()[0] == producer_path(simulator)
    assert is_simulated(producer_path(simulator))


def test_what_is_up_to_date_is_not_built_again(simulator: Path) -> None:
    before = {
        path: path.stat().st_mtime_ns for path in simulator.glob("*.*") if path.suffix in (".cti", ".bin")
    }
    build(simulator, SMALL, SHORT, flags=("-O1",))
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_without_a_compiler_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(CaptureError, match="needs a C\\+\\+ compiler"):
        build(tmp_path, SMALL, SHORT)
    assert not is_built(tmp_path)


def test_a_compiler_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot compile the simulator"):
        build(tmp_path, SMALL, SHORT, flags=("-include", "no-such-header.h"))
    assert list(tmp_path.iterdir()) == []


def test_bad_sizes_are_refused_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert building.main(["--out", str(tmp_path), "--width", "100"]) == 2
    assert "multiples of 8" in capsys.readouterr().err


def rows_apart(mono: np.ndarray, color: np.ndarray) -> float:
    """Return the median distance in rows, px, of features that both rectified pictures show."""
    detector = cv2.ORB_create(1000, edgeThreshold=8, patchSize=15, fastThreshold=8)
    (points, features), (others, candidates) = (
        detector.detectAndCompute(image, None) for image in (mono, color)
    )
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(features, candidates)
    matches = sorted(matches, key=lambda match: match.distance)[:60]
    return float(np.median([abs(points[m.queryIdx].pt[1] - others[m.trainIdx].pt[1]) for m in matches]))


def test_its_calibration_is_exact(simulator: Path) -> None:
    """Matched features lie in the same row once both pictures are rectified, and not before."""
    spec = simulator_spec(simulator)
    assert spec.calibration is not None
    calibration = load_calibration(spec.calibration)
    exact = true_calibration(VirtualSpec(width=SMALL.width, height=SMALL.height))
    np.testing.assert_allclose(calibration.rotation, exact.rotation)
    frames: dict[str, Frame] = {}
    with GenicamRig(spec) as rig:
        pairer = Pairer(rig.info.shares_trigger, rig.info.frame_rate_hz)
        rig.start()
        pair = None
        while pair is None:
            frame = rig.next_frame(PATIENCE_S)
            assert frame is not None
            pair = pairer.push(frame)
        frames = {"mono": pair.mono, "color": pair.color}
    mono, color = develop(frames["mono"]), develop(frames["color"])
    flat = [np.asarray(image, np.uint8) for image in Rectifier(calibration).rectify(mono, color)]
    assert rows_apart(flat[0], cv2.cvtColor(flat[1], cv2.COLOR_RGB2GRAY)) < 1.0


def test_the_board_is_shown_by_the_commands_of_the_virtual_rig(simulator: Path) -> None:
    with GenicamRig(simulator_spec(simulator)) as rig:
        assert {"ShowBoard", "HideBoard"} <= set(rig.info.commands)
        for command, shown in (("ShowBoard", True), ("HideBoard", False)):
            rig.execute(command)
            features = {feature.name: feature.value for feature in rig.features("color").features}
            assert features["SimulatorBoard"] is shown


def test_starting_and_stopping_leaves_nothing_behind(simulator: Path) -> None:
    process = psutil.Process()

    def private_bytes() -> int:
        memory = process.memory_info()
        return memory.rss - memory.shared  # the scene is a file, mapped as it is needed

    with Harvester() as harvester:
        harvester.add_file(str(producer_path(simulator)))
        harvester.update()
        with harvester.create(0) as camera:
            setting(camera, ExposureTime=20.0, AcquisitionFrameRateEnable=False, ChunkModeActive=True)
            for cycle in range(250):
                if cycle == 50:
                    before = private_bytes(), process.num_fds(), process.num_threads()
                camera.start()
                take(camera, 2)
                camera.stop()
            after = private_bytes(), process.num_fds(), process.num_threads()
    assert after[0] - before[0] < 500_000
    assert after[1:] == before[1:]
