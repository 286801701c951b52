"""The camera settings that somebody who uses a pair in five years should know."""

from __future__ import annotations

from capture.features import FeatureTree
from capture.presets import Snapshot, StoredValue
from capture.rig import SettingValue

THAT_MATTER = frozenset(
    [
        "DeviceVendorName",
        "DeviceModelName",
        "DeviceFirmwareVersion",
        "DeviceVersion",
        "DeviceTemperature",
        "SensorName",
        "SensorWidth",
        "SensorHeight",
        "SensorPixelWidth",
        "SensorPixelHeight",
        "SensorShutterMode",
        "SensorTaps",
        "Width",
        "Height",
        "OffsetX",
        "OffsetY",
        "BinningHorizontal",
        "BinningVertical",
        "BinningHorizontalMode",
        "BinningVerticalMode",
        "DecimationHorizontal",
        "DecimationVertical",
        "ReverseX",
        "ReverseY",
        "PixelFormat",
        "TestPattern",
        "ExposureMode",
        "ExposureAuto",
        "ExposureTime",
        "GainAuto",
        "Gain",
        "BlackLevel",
        "BlackLevelAuto",
        "Gamma",
        "GammaEnable",
        "BalanceWhiteAuto",
        "BalanceRatio",
        "LUTEnable",
        "ColorTransformationEnable",
        "Saturation",
        "Sharpness",
        "DefectCorrectionEnable",
        "DefectCorrectStaticEnable",
        "ShadingCorrectionMode",
        "AcquisitionFrameRate",
        "AcquisitionFrameRateEnable",
        "TriggerMode",
        "TriggerSource",
        "TriggerActivation",
        "TriggerDelay",
        "LineDebouncerTime",
        "PtpEnable",
        "DeviceLinkThroughputLimit",
    ]
)
"""SFNC names. Exposure time and gain of each frame are noted with the frame as well."""


def nodes_that_matter(tree: FeatureTree, snapshot: Snapshot) -> dict[str, SettingValue]:
    """Return their values by name, with the place of selectors: "BalanceRatio [Red]".

    Args:
        tree: all features of a camera, as they are now: read-only ones too.
        snapshot: values at every place of their selectors, where the camera says that they belong into one.
    """
    now = [StoredValue(each.name, each.value, each.selectors) for each in tree if each.value is not None]
    return {value.label: value.value for value in (*now, *snapshot) if value.name in THAT_MATTER}
