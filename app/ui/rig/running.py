"""What is known of a camera that is open in the pipeline, as if it had told the preview. No Qt in here."""

from __future__ import annotations

from collections.abc import Mapping

from capture.discovery import Device
from capture.pixel_formats import FORMATS
from capture.preview import PreviewCamera
from capture.rig import CameraInfo, Setting


def described_by(settings: Mapping[str, Setting], info: CameraInfo, device: Device) -> PreviewCamera:
    """Return the camera, by its settings and by what was opened."""
    formats = settings.get("PixelFormat")
    offered = formats.choices if formats is not None else ()
    rate = settings.get("AcquisitionFrameRate")
    return PreviewCamera(
        device=device,
        pixel_formats=tuple(name for name in offered if name in FORMATS) or (info.pixel_format,),
        pixel_format=info.pixel_format,
        width=info.width,
        height=info.height,
        frame_rate_hz=float(rate.value) if rate is not None else None,
    )
