"""Everything that can go wrong in this package. Vendor exceptions stop at `capture/genicam.py`."""

from __future__ import annotations

from capture.words import printable

LONGEST_MESSAGE = 1500
"""Files and what is in them may be called anything: their names are shown, not obeyed."""


class CaptureError(Exception):
    """A rig, a camera or a stream of frames failed; the message says what happened and what to do."""


class DeviceNotFound(CaptureError):
    """No device answers to the serial number, the producer or the folder that was asked for."""


class DeviceLost(CaptureError):
    """A device that was open stopped answering: unplugged, powered off, or its process died."""


class FrameTimeout(CaptureError):
    """No frame arrived in the time allowed; the device may still be alive."""


class SettingRejected(CaptureError):
    """A camera refused a value. Says which setting, which value, and what it would take."""

    def __init__(self, setting: str, value: object, reason: str) -> None:
        super().__init__(f"{setting} = {value!r} was refused: {reason}")
        self.setting = setting
        self.value = value
        self.reason = reason

    def __reduce__(self) -> tuple[type[SettingRejected], tuple[str, object, str], dict[str, object]]:
        return (
            type(self),
            (self.setting, self.value, self.reason),
            self.__dict__,
        )  # crosses to another process


class AcquisitionLocked(SettingRejected):
    """A camera takes this only while acquisition is stopped: stop, ask again, start."""


class PresetError(CaptureError):
    """A file of camera settings that cannot be used; the message names the file and the key."""


class RigFileError(CaptureError):
    """A rig file or rig name that cannot be used; the message names the file and the key."""


class CalibrationError(Exception):
    """A calibration file, or the images to make one from, cannot be used; the message names what is wrong."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message, LONGEST_MESSAGE))


class DatasetError(Exception):
    """A dataset or pair folder cannot be read or written; the message names the path."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message, LONGEST_MESSAGE))
