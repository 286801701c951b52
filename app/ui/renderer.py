"""The thread that turns what the pipeline has into pictures; the GUI thread only has to paint them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.pipeline.live import LivePipeline
from app.ui.layers import LAYERS, Scene
from app.ui.overlays import OverlayPainter
from app.ui.picture import Picture

FRAME_S = 1 / 60
"""No faster than screens are."""


@dataclass(frozen=True)
class Wish:
    """What the GUI wants pictures of: layers, the map for values (None: each its own), frozen or live, and
    what is to lie over the cameras' pictures.
    """

    layers: frozenset[str] = frozenset()
    colour_map: str | None = None
    frozen: bool = False
    overlays: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Shown:
    """A scene with its pictures by layer; a wanted layer that the scene lacks has None."""

    scene: Scene = field(default_factory=Scene)
    pictures: Mapping[str, Picture | None] = field(default_factory=dict)


class Renderer:
    """Takes the newest pair and result when poked, renders the wished-for layers, hands them to `publish`.

    Never renders ahead: after `publish`, the next round waits until `taken` was called, so that a slow GUI
    costs nothing but older pictures. What has not changed is not rendered again.

    Args:
        pipeline: where views and results come from.
        publish: called in the renderer's thread with what is ready.
        fail: called in the renderer's thread with a message if a layer cannot be rendered.
    """

    def __init__(
        self, pipeline: LivePipeline, publish: Callable[[Shown], None], fail: Callable[[str], None]
    ) -> None:
        self._pipeline = pipeline
        self._publish = publish
        self._fail = fail
        self._changed = threading.Condition()
        self._dirty = False
        self._taken = True
        self._closing = False
        self._wish = Wish()
        self._scene = Scene()
        self._cache: dict[tuple[str, str | None, frozenset[str]], tuple[object, Picture | None]] = {}
        self._overlays = OverlayPainter()
        self._thread = threading.Thread(target=self._run, name="renderer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End and join. Idempotent."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def poke(self) -> None:
        """Say that the pipeline has something new. Any thread."""
        with self._changed:
            self._dirty = True
            self._changed.notify_all()

    def taken(self) -> None:
        """Say that the GUI has taken what was published."""
        with self._changed:
            self._taken = True
            self._changed.notify_all()

    def wish(self, wish: Wish) -> None:
        """Say what is wanted from now on. Any thread."""
        with self._changed:
            if wish != self._wish:
                self._wish = wish
                self._dirty = True
                self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or (self._dirty and self._taken))
                if self._closing:
                    return
                self._dirty = False
                wish = self._wish
            began = time.monotonic()
            try:
                shown = self._render(wish)
            except Exception as error:  # noqa: BLE001 - a thread never just dies: what went wrong goes to the banner
                self._fail(f"A picture could not be drawn: {error}. Choose another layer or restart the rig.")
            else:
                with self._changed:
                    self._taken = False
                self._publish(shown)
            with self._changed:
                rest = FRAME_S - (time.monotonic() - began)
                self._changed.wait_for(lambda: self._closing, max(rest, 0.0))

    def _render(self, wish: Wish) -> Shown:
        view = self._pipeline.take_view()
        result = self._pipeline.take_result()
        newest = Scene(view or self._scene.pair, result or self._scene.result)
        self._scene = newest
        scene = newest
        if wish.frozen and newest.result is not None:
            # Held pictures belong together: all panes show the pair that was colorized.
            scene = Scene(newest.result.rectified, newest.result)
        pictures = {key: self._picture(key, scene, wish) for key in sorted(wish.layers)}
        wanted = {(key, wish.colour_map, wish.overlays) for key in wish.layers}
        self._cache = {key: entry for key, entry in self._cache.items() if key in wanted}
        return Shown(scene, pictures)

    def _picture(self, key: str, scene: Scene, wish: Wish) -> Picture | None:
        layer = LAYERS[key]
        variant = (key, wish.colour_map, wish.overlays)
        origin: object = scene.pair if layer.fresh else scene.result
        cached = self._cache.get(variant)
        if cached is not None and cached[0] is origin:
            return cached[1]
        mask = None if scene.pair is None else self._overlays.mask(key, scene.pair, wish.overlays)
        picture = layer.picture(scene, wish.colour_map, mask)
        self._cache[variant] = (origin, picture)
        return picture
