"""Values of features as people read and write them."""

from __future__ import annotations

from app.ui.cameras.fields import limit_text
from capture.features import Feature
from capture.rig import SettingValue

ACCESS_WORDS = {
    "RW": "can be read and set",
    "RO": "can only be read",
    "WO": "can only be set",
    "NA": "not available now",
}


def value_text(feature: Feature) -> str:
    """Return a feature's value with its unit, as the camera wants it shown."""
    value = feature.value
    if feature.kind == "command":
        return "Run"
    if feature.kind == "register":
        return "…"
    if value is None:
        return "–"
    return f"{plain_text(feature, value)} {_unit(feature)}".rstrip()


def plain_text(feature: Feature, value: SettingValue) -> str:
    """Return a value without its unit; what is typed in the same form is read by `parsed`."""
    if isinstance(value, bool):
        return "On" if value else "Off"
    if isinstance(value, int):
        return _integer_text(feature, value)
    if isinstance(value, float):
        if feature.unit == "µs":
            return limit_text(value, "µs")
        return f"{value:.7g}"
    return value


def _integer_text(feature: Feature, value: int) -> str:
    if feature.representation == "ipv4":
        return ".".join(str(value >> shift & 0xFF) for shift in (24, 16, 8, 0))
    if feature.representation == "mac":
        return ":".join(f"{value >> shift & 0xFF:02x}" for shift in (40, 32, 24, 16, 8, 0))
    return f"{value:#x}" if feature.representation == "hex" else str(value)


def _unit(feature: Feature) -> str:
    return "" if isinstance(feature.value, float) and feature.unit == "µs" else feature.unit


def parsed(feature: Feature, text: str) -> SettingValue | None:
    """Return what was typed as a value of the feature, None if it is none."""
    text = text.strip()
    if feature.kind == "string":
        return text
    try:
        if feature.kind == "float":
            return float(text.replace(",", "."))
        if feature.representation == "ipv4" and text.count(".") == 3:
            return _joined([int(part) for part in text.split(".")], 4)
        if feature.representation == "mac" and text.count(":") == 5:
            return _joined([int(part, 16) for part in text.split(":")], 6)
        return int(text, 0)
    except ValueError:
        return None


def _joined(parts: list[int], count: int) -> int:
    if len(parts) != count or not all(0 <= part <= 0xFF for part in parts):
        raise ValueError
    return int.from_bytes(bytes(parts))


def range_text(feature: Feature) -> str:
    """Return the limits and the step of a number, or what an enumeration takes; empty if it has neither."""
    if feature.choices:
        return ", ".join(feature.choices)
    low, high = feature.minimum, feature.maximum
    if low is None and high is None:
        return ""
    ends = ["no limit" if end is None else limit_text(end, feature.unit) for end in (low, high)]
    step = f", steps of {feature.increment:g}" if feature.increment else ""
    return f"{ends[0]} to {ends[1]}{step}"


def details(feature: Feature) -> list[tuple[str, str]]:
    """Return everything worth knowing of a feature, as name and text, what does not apply left out."""
    default = "" if feature.default is None else plain_text(feature, feature.default)
    lines = [
        ("Name", feature.name),
        ("Value", "" if feature.kind in ("command", "register") else value_text(feature)),
        ("Takes", range_text(feature)),
        ("Unit", "" if range_text(feature) else feature.unit),
        ("Selected by", ", ".join(f"{name} = {value}" for name, value in feature.selectors)),
        ("Access", ACCESS_WORDS[feature.access]),
        ("Note", "setting it stops acquisition for a moment" if feature.while_stopped else ""),
        ("Level", feature.visibility),
        ("Was", default if feature.differs else ""),
    ]
    return [(name, text) for name, text in lines if text]


def tip_text(feature: Feature) -> str:
    """Return the tooltip of a feature: description first."""
    lines = [feature.description] if feature.description else []
    return "\n".join([*lines, *(f"{name}: {text}" for name, text in details(feature) if name != "Value")])
