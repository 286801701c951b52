"""What can be set on a virtual camera, named and measured as in SFNC, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

from capture.errors import SettingRejected
from capture.frames import Role
from capture.rig import Setting, SettingValue
from capture.virtual.sensor import PIXEL_FORMATS, SENSORS, Look

EXPOSURE_US = (20.0, 60_000.0)
GAIN_DB = (0.0, 24.0)
GAMMA = (0.25, 1.0)
BALANCE = (0.5, 4.0)
FRAME_RATE_HZ = (0.5, 120.0)
TRIGGER_MODES = ("Off", "On")
BALANCE_CHANNELS = ("Red", "Blue")


class Controls:
    """The settings of one camera; frame rate and trigger belong to the rig and are kept there."""

    def __init__(self, role: Role) -> None:
        self.role: Role = role
        self.look = SENSORS[role].look
        self._channel = "Red"

    @property
    def pixel_format(self) -> str:
        """Return the PFNC name of the format in use."""
        formats = PIXEL_FORMATS[self.role]
        return next(name for name, (_, bits) in formats.items() if bits == self.look.bits)

    def settings(self) -> dict[str, Setting]:
        """Return the camera's own settings."""
        look = self.look
        listed = [
            Setting("PixelFormat", self.pixel_format, choices=tuple(PIXEL_FORMATS[self.role])),
            Setting("ExposureTime", look.exposure_us, *EXPOSURE_US, unit="µs", logarithmic=True),
            Setting("Gain", look.gain_db, *GAIN_DB, unit="dB"),
            Setting("Gamma", look.gamma, *GAMMA),
        ]
        if self.role == "color":
            ratio = look.balance_red if self._channel == "Red" else look.balance_blue
            listed += [
                Setting("BalanceRatioSelector", self._channel, choices=BALANCE_CHANNELS),
                Setting("BalanceRatio", ratio, *BALANCE),
            ]
        return {setting.name: setting for setting in listed}

    def changed(self, name: str, value: SettingValue) -> Look:
        """Return the look after setting a value (kept here as well). Raises SettingRejected."""
        setting = self.settings().get(name)
        if setting is None:
            raise SettingRejected(name, value, f"the {self.role} camera has no such setting")
        if setting.choices:
            choice = chosen(setting, value)
            if name == "PixelFormat":
                self.look = replace(self.look, bits=PIXEL_FORMATS[self.role][choice][1])
            else:
                self._channel = choice
            return self.look
        number = within(setting, value)
        key = f"BalanceRatio{self._channel}" if name == "BalanceRatio" else name
        self.look = _with(self.look, key, number)
        return self.look


def _with(look: Look, key: str, number: float) -> Look:
    match key:
        case "ExposureTime":
            return replace(look, exposure_us=number)
        case "Gain":
            return replace(look, gain_db=number)
        case "Gamma":
            return replace(look, gamma=number)
        case "BalanceRatioRed":
            return replace(look, balance_red=number)
        case _:
            return replace(look, balance_blue=number)


def within(setting: Setting, value: SettingValue) -> float:
    """Return a number that a setting takes. Raises SettingRejected."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingRejected(setting.name, value, "it takes a number")
    assert setting.minimum is not None
    assert setting.maximum is not None
    if not setting.minimum <= value <= setting.maximum:
        unit = f" {setting.unit}" if setting.unit else ""
        reason = f"it takes {setting.minimum:g} … {setting.maximum:g}{unit}"
        raise SettingRejected(setting.name, value, reason)
    return float(value)


def chosen(setting: Setting, value: SettingValue) -> str:
    """Return one of a setting's choices. Raises SettingRejected."""
    if not isinstance(value, str) or value not in setting.choices:
        raise SettingRejected(setting.name, value, f"it takes {', '.join(setting.choices)}")
    return value
