"""`main.py photometric`: black level, flat field and colours, from images, into a calibration file."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from capture.errors import CalibrationError

if TYPE_CHECKING:
    from capture.frames import Image, Role
    from capture.photometric.model import CameraPhotometric

STEPS = """\
Every step is optional. A folder holds mono/ and color/ (or one of them), or is a captured dataset.
  --black    lenses capped, exposure as in use
  --white    an evenly lit white target that fills the view; several, the rig turned in between, are better
  --checker  the 24-patch chart before the colour camera; found by itself, or at --corners
  --grey     a grey card in place of the chart, at --region
The values are kept in the calibration file and applied to the rectified images; recordings stay raw.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = STEPS
    parser.add_argument("calibration", type=Path, metavar="CALIBRATION", help="calibration file of the rig")
    parser.add_argument("--black", type=Path, metavar="DIR", help="images with capped lenses")
    parser.add_argument("--white", type=Path, metavar="DIR", help="images of a white target")
    chart = parser.add_mutually_exclusive_group()
    chart.add_argument("--checker", type=Path, metavar="IMAGE", help="image of the colour checker")
    chart.add_argument("--grey", type=Path, metavar="IMAGE", help="image of a grey card")
    parser.add_argument(
        "--corners",
        metavar="X,Y,…",
        help="eight numbers: outer corners of the chart's patches, clockwise from the brown one, px",
    )
    parser.add_argument("--region", metavar="X,Y,W,H", help="where the grey card is, px (default: middle)")
    parser.add_argument(
        "--gamma-mono",
        type=float,
        metavar="G",
        help="Gamma of the mono camera as set (default: as kept, or 1)",
    )
    parser.add_argument(
        "--gamma-color",
        metavar="G",
        help='Gamma of the colour camera as set, or "auto": from the greys of the chart',
    )
    parser.add_argument("--remove", action="store_true", help="forget what the file holds of this before")
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write (default: CALIBRATION)")


def run(args: argparse.Namespace) -> int:
    """Measure step by step, say what was found, write the file. Raises CalibrationError."""
    from capture.calibration import load_calibration, save_calibration
    from capture.photometric.model import CameraPhotometric, Photometric

    calibration = load_calibration(args.calibration)
    if not (args.black or args.white or args.checker or args.grey or args.remove):
        raise CalibrationError("nothing to measure: give --black, --white, --checker or --grey")
    kept = Photometric() if args.remove else calibration.photometric or Photometric()
    sizes = {"mono": calibration.mono.size_px, "color": calibration.color.size_px}
    cameras: dict[Role, CameraPhotometric] = {
        "mono": kept.mono or CameraPhotometric(),
        "color": kept.color or CameraPhotometric(),
    }
    for role, camera in cameras.items():
        started = _with_gamma(camera, args.gamma_mono if role == "mono" else args.gamma_color)
        cameras[role] = _measure(started, role, args, sizes[role])
    cameras["color"] = _colors(cameras["color"], args, sizes["color"])
    empty = CameraPhotometric()
    found = {role: None if _same(camera, empty) else camera for role, camera in cameras.items()}
    photometric = Photometric(found["mono"], found["color"])
    out = args.out or args.calibration
    something = photometric.mono is not None or photometric.color is not None
    save_calibration(replace(calibration, photometric=photometric if something else None), out)
    print(f"Written to {out}.")
    return 0


def _with_gamma(camera: CameraPhotometric, gamma: float | str | None) -> CameraPhotometric:
    if gamma is None or gamma == "auto":
        return camera
    try:
        return replace(camera, gamma=float(gamma))
    except ValueError as error:
        raise CalibrationError(f'--gamma-color must be a number or "auto", not {gamma!r}') from error


def _measure(
    camera: CameraPhotometric, role: Role, args: argparse.Namespace, size_px: tuple[int, int]
) -> CameraPhotometric:
    """Return the camera with black level and flat field, if there are images of it."""
    from capture.photometric.images import load_images
    from capture.photometric.measure import measure_black, measure_flat_field

    word = "mono" if role == "mono" else "colour"
    if args.black and (images := load_images(args.black, role)):
        _check_sizes(images, role, size_px)
        black = measure_black(images)
        camera = replace(camera, black_level=black.level)
        print(f"{word}: black level {black.level:.2%} of full scale, noise {black.noise:.2%}")
        _advise(black.advice)
    if args.white and (images := load_images(args.white, role)):
        _check_sizes(images, role, size_px)
        flat = measure_flat_field(images, camera)
        camera = replace(camera, flat_field=flat.gains)
        print(
            f"{word}: corners lack {flat.falloff:.0%} of the light; "
            f"the target is even to {flat.unevenness:.1%}"
        )
        _advise(flat.advice)
    return camera


def _colors(
    camera: CameraPhotometric, args: argparse.Namespace, size_px: tuple[int, int]
) -> CameraPhotometric:
    """Return the colour camera with white balance and matrix, if there is an image for them."""
    from capture.photometric.images import load_images
    from capture.photometric.measure import measure_grey

    path = args.checker or args.grey
    if path is None:
        if args.gamma_color == "auto":
            raise CalibrationError("--gamma-color auto needs --checker: the curve is read from its greys")
        return camera
    images = load_images(path, "color")
    if not images:
        raise CalibrationError(f"{path} has no image of the colour camera")
    _check_sizes(images, "color", size_px)
    if args.checker:
        return _from_checker(camera, images[0], args)
    width, height = size_px
    region = (width * 3 // 8, height * 3 // 8, width // 4, height // 4)
    if args.region:
        left, top, wide, high = (int(number) for number in _numbers(args.region, 4, "--region"))
        region = (left, top, wide, high)
    gains = measure_grey(images[0], region, camera)
    print(f"colour: white balance red {gains[0]:.3f}, blue {gains[2]:.3f}")
    return replace(camera, white_balance=gains, color_matrix=None)


def _from_checker(camera: CameraPhotometric, image: Image, args: argparse.Namespace) -> CameraPhotometric:
    import numpy as np

    from capture.photometric.checker import estimate_gamma, fit_colors, read_patches
    from capture.photometric.finder import find_checker
    from capture.targets import NotSeen

    if args.corners:
        corners = np.array(_numbers(args.corners, 8, "--corners")).reshape(4, 2)
    else:
        found = find_checker(image, camera)
        if isinstance(found, NotSeen):
            raise CalibrationError(found.reason)
        corners = found
        print(f"colour: chart found at {', '.join(f'{x:.0f},{y:.0f}' for x, y in corners)}")
    patches = read_patches(image, corners, camera)
    if args.gamma_color == "auto":
        camera = replace(camera, gamma=estimate_gamma(patches, camera.black_level))
        print(f"colour: gamma {camera.gamma:.3f}, from the greys of the chart")
    fit = fit_colors(patches, camera)
    print(
        f"colour: white balance red {fit.white_balance[0]:.3f}, blue {fit.white_balance[2]:.3f}\n"
        f"colour: off by ΔE {fit.delta_e_mean:.1f} on average, {fit.delta_e_max:.1f} at most "
        f"({fit.delta_e_before:.1f} with white balance only), {fit.used.sum()} of 24 patches used"
    )
    return replace(camera, white_balance=fit.white_balance, color_matrix=fit.color_matrix)


def _numbers(text: str, count: int, option: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.replace(" ", "").split(",")]
    except ValueError as error:
        raise CalibrationError(f"{option} must be numbers with commas between, not {text!r}") from error
    if len(numbers) != count:
        raise CalibrationError(f"{option} must be {count} numbers, not {len(numbers)}")
    return numbers


def _check_sizes(images: list[Image], role: Role, size_px: tuple[int, int]) -> None:
    for image in images:
        if (image.shape[1], image.shape[0]) != size_px:
            raise CalibrationError(
                f"the {role} image is {image.shape[1]}×{image.shape[0]}, the calibration is for "
                f"{size_px[0]}×{size_px[1]}"
            )


def _advise(lines: tuple[str, ...]) -> None:
    for line in lines:
        print(f"  advice: {line}")


def _same(one: CameraPhotometric, other: CameraPhotometric) -> bool:
    from capture.photometric.model import Photometric, photometric_to_table

    return photometric_to_table(Photometric(color=one)) == photometric_to_table(Photometric(color=other))
