"""Everything a camera can be asked or told, as plain data: its node map by category, or what stands for one.

GenICam cameras describe themselves in a tree of features (GenICam Standard, GenApi; names and units as in
SFNC). `capture/node_features.py` reads it from a node map; rigs without one get a small tree made from their
settings here. Nothing in this module touches a camera.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from capture.rig import Setting, SettingValue

Kind = Literal["integer", "float", "boolean", "enumeration", "string", "command", "register"]
Visibility = Literal["Beginner", "Expert", "Guru"]
Access = Literal["RW", "RO", "WO", "NA"]
VISIBILITIES: tuple[Visibility, ...] = ("Beginner", "Expert", "Guru")

Position = tuple[tuple[str, SettingValue], ...]
"""Where selectors point: names and values. A feature holds one value for each position of its selectors."""

LOGARITHMIC_FROM = 500.0
"""A range whose ends differ by more than this factor is hopeless on a linear slider."""

SECOND_UNITS = {"us": "µs", "usec": "µs", "microseconds": "µs", "Âµs": "µs", "μs": "µs"}
"""Spellings of microseconds in descriptions of real cameras; the last one is the Greek letter."""


@dataclass(frozen=True)
class Feature:
    """One feature of a camera.

    Attributes:
        name: SFNC name, or the maker's.
        kind: type of its value; commands and registers have none.
        category: titles of the categories it lies in, from the top.
        title: the camera's display name.
        visibility: for whom the maker meant it.
        access: what can be done with it now; "RW" also for what is locked only while the camera acquires.
        value: None where it cannot be read (WO, NA, commands, registers).
        minimum, maximum: limits now, None without.
        increment: step between allowed values counted from the minimum, None for any.
        unit: as the camera writes it, microseconds as "µs".
        choices: what an enumeration takes now.
        selectors: the selectors it depends on, with their values now.
        is_selector: other features depend on it.
        streamable: the maker says that it belongs into stored settings.
        representation: how the camera wants numbers to be shown: "linear", "logarithmic", "hex", "ipv4",
            "mac", "number".
        while_stopped: setting it interrupts acquisition for a moment.
        description: what it is, in the maker's words.
        default: its value when the camera was opened, at these positions of its selectors; None if unknown.
    """

    name: str
    kind: Kind
    category: tuple[str, ...] = ()
    title: str = ""
    visibility: Visibility = "Beginner"
    access: Access = "RW"
    value: SettingValue | None = None
    minimum: float | None = None
    maximum: float | None = None
    increment: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    selectors: Position = ()
    is_selector: bool = False
    streamable: bool = False
    representation: str = "linear"
    while_stopped: bool = False
    description: str = ""
    default: SettingValue | None = None

    @property
    def writable(self) -> bool:
        """Whether a value can be set, or a command run, now."""
        return self.access in ("RW", "WO")

    @property
    def differs(self) -> bool:
        """Whether the value is another one than `default`. Clocks and temperatures that run do not count."""
        if self.default is None or self.value is None or not (self.writable or self.streamable):
            return False
        return not same(self.value, self.default)

    @property
    def logarithmic(self) -> bool:
        """Whether a slider over the range should be logarithmic."""
        if self.minimum is None or self.maximum is None or self.minimum <= 0:
            return False
        return self.representation == "logarithmic" or self.maximum / self.minimum > LOGARITHMIC_FROM

    def setting(self) -> Setting:
        """Return it as a setting. Raises ValueError if it has no value."""
        if self.value is None:
            raise ValueError(f"{self.name} has no value")
        return Setting(
            name=self.name,
            value=self.value,
            minimum=self.minimum,
            maximum=self.maximum,
            unit=self.unit,
            choices=self.choices,
            increment=self.increment,
            logarithmic=self.logarithmic,
            while_stopped=self.while_stopped,
            writable=self.writable,
        )


@dataclass(frozen=True)
class FeatureTree:
    """All features of a camera, in the maker's order: categories follow each other, none is interleaved.

    Attributes:
        origin: what `default` of the features is: their values when the camera was opened, or those of its
            user set Default (`capture/user_sets.py`).
    """

    features: tuple[Feature, ...] = ()
    origin: Literal["opened", "user set Default"] = "opened"

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    def get(self, name: str) -> Feature | None:
        """Return a feature by its name, None if the camera has none."""
        return next((feature for feature in self.features if feature.name == name), None)

    def has_command(self, name: str) -> bool:
        """Whether there is a command of this name that can be run now."""
        feature = self.get(name)
        return feature is not None and feature.kind == "command" and feature.writable


def same(one: SettingValue, other: SettingValue) -> bool:
    """Whether two values are one: floats to six digits, because cameras keep them in 32 bits."""
    if isinstance(one, bool) or isinstance(other, bool) or isinstance(one, str) or isinstance(other, str):
        return one == other
    return abs(one - other) <= 1e-6 * max(abs(one), abs(other), 1e-9)


@dataclass
class Defaults:
    """The first value that each feature was seen with, for every position of its selectors."""

    first: dict[tuple[str, Position], SettingValue] = field(default_factory=dict)

    def completed(self, feature: Feature) -> Feature:
        """Return the feature with its default; the first time, that is what it has now."""
        if feature.value is None or feature.kind in ("command", "register"):
            return feature
        return replace(
            feature, default=self.first.setdefault((feature.name, feature.selectors), feature.value)
        )


@dataclass(frozen=True)
class _Place:
    category: str
    description: str


_IMAGE, _ACQUISITION, _ANALOG = "Image Format Control", "Acquisition Control", "Analog Control"
_PLACES: Mapping[str, _Place] = {
    "PixelFormat": _Place(_IMAGE, "Format of the pixels (PFNC)."),
    "ExposureTime": _Place(_ACQUISITION, "How long the sensor is exposed."),
    "AcquisitionFrameRate": _Place(_ACQUISITION, "Frames per second, the same for both cameras."),
    "TriggerMode": _Place(_ACQUISITION, "On: a frame is taken for each trigger; Off: they run freely."),
    "Gain": _Place(_ANALOG, "Amplification of the sensor's signal."),
    "Gamma": _Place(_ANALOG, "Exponent of the curve from light to values; 1 is linear."),
    "BalanceRatioSelector": _Place(_ANALOG, "The channel that BalanceRatio acts on."),
    "BalanceRatio": _Place(_ANALOG, "Gain of the selected channel relative to green."),
}
_OTHER = _Place("Device Control", "")


def tree_of_settings(settings: Mapping[str, Setting], defaults: Defaults) -> FeatureTree:
    """Return the tree of a rig that has settings but no node map; selectors act on their namesakes."""
    features = []
    for setting in settings.values():
        place = _PLACES.get(setting.name, _OTHER)
        selector = settings.get(f"{setting.name}Selector")
        features.append(
            Feature(
                name=setting.name,
                kind=_kind(setting),
                category=(place.category,),
                title=setting.name,
                value=setting.value,
                minimum=setting.minimum,
                maximum=setting.maximum,
                increment=setting.increment,
                unit=setting.unit,
                choices=setting.choices,
                selectors=() if selector is None else ((selector.name, selector.value),),
                is_selector=setting.name.endswith("Selector"),
                streamable=True,
                representation="logarithmic" if setting.logarithmic else "linear",
                while_stopped=setting.while_stopped,
                description=place.description,
            )
        )
    order = {category: number for number, category in enumerate((_IMAGE, _ACQUISITION, _ANALOG))}
    features.sort(key=lambda feature: order.get(feature.category[0], len(order)))
    return FeatureTree(tuple(defaults.completed(feature) for feature in features))


def _kind(setting: Setting) -> Kind:
    if setting.choices:
        return "enumeration"
    if isinstance(setting.value, bool):
        return "boolean"
    if isinstance(setting.value, int):
        return "integer"
    return "float" if isinstance(setting.value, float) else "string"
