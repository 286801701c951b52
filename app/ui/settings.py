"""What the app remembers from one day to the next."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths

from app.ui.pages import LIVE

RECENT_RIGS = 6
RECENT_SOURCES = 8


class UiSettings:
    """Typed access to a `QSettings` file; what is missing or unreadable there has a default.

    Args:
        file: an INI file; None for the user's own.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._own = file
        if file is None:
            self._store = QSettings(
                QSettings.Format.IniFormat, QSettings.Scope.UserScope, "CycleRig", "CycleRig"
            )
        else:
            self._store = QSettings(str(file), QSettings.Format.IniFormat)

    @property
    def folder(self) -> Path:
        """Folder of the settings file: what belongs to no rig file is kept below it."""
        return Path(self._store.fileName()).parent

    @property
    def cache_folder(self) -> Path:
        """Folder for what can be made again: the user's for caches; beside a settings file that was given."""
        if self._own is not None:
            return self._own.parent / "cache"
        place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericCacheLocation)
        return Path(place) / "CycleRig"

    @property
    def geometry(self) -> QByteArray:
        """Size and place of the window, empty if unknown."""
        return self._bytes("window/geometry")

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._store.setValue("window/geometry", value)

    @property
    def docks(self) -> QByteArray:
        """Which docks are open, and where; empty if unknown."""
        return self._bytes("window/docks")

    @docks.setter
    def docks(self, value: QByteArray) -> None:
        self._store.setValue("window/docks", value)

    @property
    def page(self) -> str:
        """Key of the page that was on screen last."""
        return self._text("window/page", LIVE)

    @page.setter
    def page(self, value: str) -> None:
        self._store.setValue("window/page", value)

    @property
    def layer(self) -> str:
        """Key of the layer in the sixth pane."""
        return self._text("panes/layer", "confidence")

    @layer.setter
    def layer(self, value: str) -> None:
        self._store.setValue("panes/layer", value)

    @property
    def maximised(self) -> int:
        """Number of the pane that fills the window, 0 for none."""
        text = self._text("panes/maximised", "0")
        return int(text) if text in tuple("0123456") else 0

    @maximised.setter
    def maximised(self, value: int) -> None:
        self._store.setValue("panes/maximised", str(value))

    @property
    def colour_map(self) -> str:
        """Name of the colour map for all maps, empty: each map its own."""
        return self._text("panes/colour_map", "")

    @colour_map.setter
    def colour_map(self, value: str) -> None:
        self._store.setValue("panes/colour_map", value)

    @property
    def rig(self) -> str:
        """Name of the rig that was open last ("virtual", "replay:DIR", …), empty if none was.

        One that came from the command line as a file has no name ("rig:…") and is not remembered.
        """
        return self._text("rig/last", "")

    @rig.setter
    def rig(self, value: str) -> None:
        if value.startswith("rig:"):
            return
        self._store.setValue("rig/last", value)
        if ":" in value or value.endswith(".toml"):
            recent = [value, *(name for name in self.recent_rigs if name != value)]
            self._store.setValue("rig/recent", "\n".join(recent[:RECENT_RIGS]))

    @property
    def recent_rigs(self) -> tuple[str, ...]:
        """Replay folders and rig files that were open, the newest first."""
        return tuple(filter(None, self._text("rig/recent", "").split("\n")))

    @property
    def rig_folder(self) -> Path:
        """Folder for rig files made in the app: `rigs`, beside the settings."""
        return Path(self._store.fileName()).parent / "rigs"

    @property
    def calibration_folder(self) -> Path:
        """Folder for board shots and calibrations made in the app: `calibrations`, beside the settings."""
        return Path(self._store.fileName()).parent / "calibrations"

    @property
    def calibration_target(self) -> str:
        """The calibration target that was chosen last, as JSON of its table; empty if none was."""
        return self._text("calibration/target", "")

    @calibration_target.setter
    def calibration_target(self, value: str) -> None:
        self._store.setValue("calibration/target", value)

    def calibration_of(self, rig: str) -> Path | None:
        """Return the calibration that was last made for a rig in the app; None if there is none any more."""
        path = Path(self._text(f"calibration/of/{_key(rig)}", ""))
        return path if path.is_file() else None

    def set_calibration_of(self, rig: str, path: Path) -> None:
        """Use this calibration with a rig from now on."""
        self._store.setValue(f"calibration/of/{_key(rig)}", str(path))

    @property
    def dataset_parent(self) -> Path | None:
        """Folder in which the last dataset was opened."""
        text = self._text("dataset/parent", "")
        return Path(text) if text else None

    @dataset_parent.setter
    def dataset_parent(self, value: Path) -> None:
        self._store.setValue("dataset/parent", str(value))

    @property
    def last_dataset(self) -> Path | None:
        """The dataset that was opened last to save to, None if it is gone."""
        text = self._text("dataset/last", "")
        return Path(text) if text and Path(text).is_dir() else None

    @last_dataset.setter
    def last_dataset(self, value: Path) -> None:
        self._store.setValue("dataset/last", str(value))

    @property
    def people(self) -> tuple[str, str]:
        """Who captured last, and with which lenses."""
        return self._text("dataset/operator", ""), self._text("dataset/lens_note", "")

    @people.setter
    def people(self, value: tuple[str, str]) -> None:
        for key, text in zip(("operator", "lens_note"), value, strict=True):
            self._store.setValue(f"dataset/{key}", text)

    @property
    def recent_datasets(self) -> tuple[Path, ...]:
        """Datasets and folders that were browsed, the newest first."""
        return tuple(Path(text) for text in self._text("dataset/recent", "").split("\n") if text)

    def remember_dataset(self, path: Path) -> None:
        """Put a folder first among those that were browsed."""
        recent = [path, *(each for each in self.recent_datasets if each != path)]
        self._store.setValue("dataset/recent", "\n".join(str(each) for each in recent[:RECENT_SOURCES]))

    def layout_of(self, part: str) -> QByteArray:
        """Return how a part of the window was arranged (splitters, columns); empty if that is not known."""
        return self._bytes(f"layout/{_key(part)}")

    def set_layout_of(self, part: str, value: QByteArray) -> None:
        """Remember how a part of the window is arranged."""
        self._store.setValue(f"layout/{_key(part)}", value)

    @property
    def export_folder(self) -> Path | None:
        """Folder that the page Inspect exports to; None: the usual one."""
        text = self._text("inspect/export_folder", "")
        return Path(text) if text else None

    @export_folder.setter
    def export_folder(self, value: Path) -> None:
        self._store.setValue("inspect/export_folder", str(value))

    @property
    def inspect_methods(self) -> tuple[str, ...]:
        """Specs of the methods whose results the page Inspect shows."""
        return tuple(filter(None, self._text("inspect/methods", "live").split("\n")))

    @inspect_methods.setter
    def inspect_methods(self, value: tuple[str, ...]) -> None:
        self._store.setValue("inspect/methods", "\n".join(value))

    @property
    def inspect_cache_gb(self) -> int:
        """How large the kept results of the page Inspect may grow, GB (2³⁰ bytes)."""
        text = self._text("inspect/cache_gb", "4")
        return int(text) if text.isdecimal() and 1 <= int(text) <= 1024 else 4

    @inspect_cache_gb.setter
    def inspect_cache_gb(self, value: int) -> None:
        self._store.setValue("inspect/cache_gb", str(value))

    @property
    def inspect_sides(self) -> str:
        """What the page Inspect compares, and how, as one line; empty if that was never chosen."""
        return self._text("inspect/sides", "")

    @inspect_sides.setter
    def inspect_sides(self, value: str) -> None:
        self._store.setValue("inspect/sides", value)

    @property
    def recent_sources(self) -> tuple[Path, ...]:
        """What was inspected, the newest first."""
        return tuple(Path(text) for text in self._text("inspect/recent", "").split("\n") if text)

    def remember_source(self, path: Path) -> None:
        """Put a path first among those that were inspected."""
        recent = [path, *(each for each in self.recent_sources if each != path)]
        self._store.setValue("inspect/recent", "\n".join(str(each) for each in recent[:RECENT_SOURCES]))

    def save(self) -> None:
        """Write to disk now."""
        self._store.sync()

    def _text(self, key: str, default: str) -> str:
        value = self._store.value(key, default)
        return value if isinstance(value, str) else default

    def _bytes(self, key: str) -> QByteArray:
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()


def _key(text: str) -> str:
    """Return a text without the signs that have a meaning in keys."""
    return text.replace("/", "|").replace("\\", "|").replace("=", "|")
