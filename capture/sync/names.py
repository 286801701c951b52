"""How cameras call what SFNC 2.x calls otherwise, or calls so. First the standard's name, then others'.

Checked against the descriptions of real cameras by `tests/capture/sync/test_described.py`.
"""

from __future__ import annotations

FRAME_TRIGGERS = ("FrameStart", "ExposureStart", "FrameBurstStart", "AcquisitionStart")
"""`TriggerSelector`: the trigger that starts one frame, best first. Cameras that expose one frame
per acquisition or burst take the later ones."""

OUTPUT_MODES = ("Output", "Strobe")
"""`LineMode` of a pin that sends ("Strobe": Hikrobot)."""

EXPOSURE_SIGNALS = (
    "ExposureActive",
    "Exposing",
    "ExposureStartActive",
    "ExposureTimeActive",
    "Exposure",
    "Strobe",
)
"""`LineSource` or `SyncOutSource`: high while the sensor collects light. "Exposing": Allied Vision;
"ExposureStartActive": Hikrobot."""

OVERLAPS = ("ReadOut", "PreviousFrame")
"""`TriggerOverlap`: lets a trigger come while the frame before is read out."""

RATE_ENABLES = ("AcquisitionFrameRateEnable", "AcquisitionFrameRateEnabled")
"""Switch for `AcquisitionFrameRate`; the second: older Point Grey."""

OUTPUT_PINS = (
    ("LineSelector", "LineMode", "LineSource", "LineInverter", False),
    ("SyncOutSelector", "", "SyncOutSource", "SyncOutPolarity", "Normal"),
    ("LineOutSelector", "", "LineOutSource", "LineOutPolarity", "Normal"),
)
"""Selector, direction, signal, polarity and its normal value: SFNC 2.x, then Allied Vision's GigE cameras."""

PTP_SWITCHES = (("PtpEnable", True), ("GevIEEE1588", True), ("PtpMode", "Auto"))
"""SFNC 2.3 and later, 2.0 … 2.2 (FLIR), Allied Vision."""

PTP_STATES = ("PtpStatus", "GevIEEE1588Status")
PTP_LATCHES = ("PtpDataSetLatch", "GevIEEE1588DataSetLatch")
"""Commands that bring the states up to date."""

RECIPE_NODES = (
    "ActionDeviceKey",
    "ActionGroupKey",
    "ActionGroupMask",
    "ActionSelector",
    "AcquisitionFrameRate",
    "AcquisitionFrameRateAbs",
    "AcquisitionFrameRateAuto",
    *RATE_ENABLES,
    "ExposureMode",
    "GevIEEE1588",
    "GevIEEE1588Mode",
    "GevIEEE1588Status",
    *(name for names in OUTPUT_PINS for name in names[:4] if isinstance(name, str) and name),
    *PTP_LATCHES,
    "PtpEnable",
    "PtpMode",
    "PtpStatus",
    "StrobeEnable",
    "TriggerActivation",
    "TriggerDelay",
    "TriggerDelayAbs",
    "TriggerMode",
    "TriggerOverlap",
    "TriggerSelector",
    "TriggerSoftware",
    "TriggerSource",
)
"""Every node that a recipe reads or writes."""
