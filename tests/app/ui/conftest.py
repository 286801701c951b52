"""A window without a screen, and scenes made of generated arrays."""

from __future__ import annotations

import os
from pathlib import Path

# A screen large enough for the window; without it, the platform has 800×600.
os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={Path(__file__).with_name('screen.json')}"

from collections.abc import Callable, Iterator

import numpy as np
import pytest

try:
    import PySide6.QtWidgets  # noqa: F401
except ImportError as error:
    pytest.skip(f"Qt cannot be loaded here: {error}", allow_module_level=True)

import torch
from PySide6.QtWidgets import QApplication

from app.pipeline.live import LiveConfig
from app.pipeline.status import LiveResult, RectifiedPair, Truth
from app.ui.application import delete_now, make_application
from app.ui.bridge import Bridge
from app.ui.layers import LAYERS, Scene
from app.ui.main_window import MainWindow
from app.ui.renderer import Shown
from app.ui.settings import UiSettings
from capture.frames import Frame, FramePair, Layout, frozen
from capture.spec import VirtualSpec
from models.colorizer import WeightVolume
from models.engine import Colorization, SearchRange

WIDTH, HEIGHT, STRIDE, DEPTH, SHIFT = 96, 64, 4, 8, 12


def make_pair(index: int = 0, seed: int = 0) -> RectifiedPair:
    rng = np.random.default_rng(seed)
    mono = frozen(rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8))
    reference = frozen(rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    frames = (
        Frame("mono", mono, Layout.MONO, 8, "Mono8", index, None, 1_000_000 * index, 500.0),
        Frame("color", reference, Layout.RGB, 8, "RGB8", index, None, 1_000_000 * index + 1000, 800.0),
    )
    return RectifiedPair(FramePair(index, *frames, skew_ns=1000), mono, reference, rectified=True)


def make_colorization(seed: int = 0, *, mirrored: bool = False) -> Colorization:
    """Weights with a clear peak at a disparity of SHIFT px everywhere but in the top rows, where it is 0."""
    rng = np.random.default_rng(seed)
    cells = (HEIGHT // STRIDE, WIDTH // STRIDE)
    logits = torch.from_numpy(rng.normal(size=(1, DEPTH, *cells)).astype(np.float32))
    logits[:, SHIFT // STRIDE, 2:] += 5
    logits[:, 0, :2] += 5
    disparity = np.full((HEIGHT, WIDTH), SHIFT, np.float32)
    disparity[: 2 * STRIDE] = 0

    def rgb() -> np.ndarray:
        return rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)

    def unit() -> np.ndarray:
        return rng.random((HEIGHT, WIDTH), dtype=np.float32)

    return Colorization(
        first_pass=rgb(),
        second_pass=rgb(),
        refined=rgb(),
        warped_luma=rgb()[..., 0],
        warped_reference=rgb(),
        confidence=unit(),
        disparity=disparity,
        cycle_error=unit() * 8,
        structure_similarity=unit() * 2 - 1,
        return_error=unit() * 4,
        cycle_ssim_cb=0.97,
        cycle_ssim_cr=0.98,
        stages_ms={"first pass": 10.0},
        search=SearchRange(DEPTH * STRIDE, 0, mirrored),
        rows=None,
        weights=WeightVolume(logits, logits.logsumexp(1), STRIDE, DEPTH * STRIDE, 0, mirrored),
    )


def make_scene(index: int = 0, *, truth: bool = True) -> Scene:
    pair = make_pair(index, seed=index)
    rng = np.random.default_rng(1000 + index)
    known = Truth(
        color=rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8),
        disparity=np.full((HEIGHT, WIDTH), SHIFT + 1, np.float32),
        occluded=np.zeros((HEIGHT, WIDTH), np.bool_),
    )
    result = LiveResult(
        pair, make_colorization(index), 40.0, known if truth else None, 30.0 if truth else None
    )
    return Scene(pair, result)


def make_shown(scene: Scene) -> Shown:
    return Shown(scene, {key: layer.picture(scene) for key, layer in LAYERS.items()})


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    return tmp_path / "CycleRig.ini"


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The application as users see it, theme and all."""
    return make_application()


@pytest.fixture
def make_window(qtbot, settings_file: Path) -> Iterator[Callable[..., MainWindow]]:
    """A factory of windows that share one settings file; each is closed, its pipeline stopped, in the end."""
    windows: list[MainWindow] = []

    def make(config: LiveConfig | None = None, bridge: Bridge | None = None) -> MainWindow:
        window = MainWindow(config or LiveConfig(VirtualSpec()), UiSettings(settings_file), bridge)
        windows.append(window)
        window.show()
        qtbot.waitExposed(window)
        return window

    yield make
    for window in windows:
        window.close()
        qtbot.waitUntil(lambda window=window: not window.isVisible(), timeout=20_000)
        delete_now(window)


@pytest.fixture
def window(make_window: Callable[..., MainWindow]) -> MainWindow:
    """A window with nothing running."""
    return make_window()
