"""What a pane's title line says while the mouse is elsewhere: the pair's number, and how good it is."""

from __future__ import annotations

from app.ui.layers import LAYERS, Scene


def summary_of(key: str, scene: Scene) -> str:
    """Return a few words about a layer of a scene, empty if there is nothing to say."""
    layer = LAYERS[key]
    rectified = scene.pair if layer.fresh else (scene.result.rectified if scene.result else None)
    if rectified is None:
        return ""
    number = f"#{rectified.pair.index}"
    if layer.fresh:
        height, width = rectified.mono.shape[:2]
        return f"{width}×{height}   {number}" if key == "gray" else number
    if scene.result is None:
        return number
    colorization = scene.result.colorization
    if key == "second":
        return (
            f"cycle SSIM  Cb {colorization.cycle_ssim_cb:.3f}  Cr {colorization.cycle_ssim_cr:.3f}   {number}"
        )
    if key == "refined" and scene.result.psnr_truth_db is not None:
        return f"{scene.result.psnr_truth_db:.1f} dB to truth   {number}"
    return number
