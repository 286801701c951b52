"""Rectification: both images of a pair as two ideal cameras beside each other would have seen them."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import ArrayLike, NDArray

from capture.calibration import CameraCalibration, Matrix, RigCalibration
from capture.errors import CalibrationError
from capture.frames import Image
from capture.photometric.apply import Corrector
from capture.photometric.measure import gains_at
from capture.photometric.model import CameraPhotometric, Photometric

# A common view without any empty border is worth this much of the mono camera's field of view, not more: rigs
# whose baseline is far from level would lose half of it.
LARGEST_ZOOM = 1.25
# Below this part of the frame that both cameras see, something in the file is wrong.
SMALLEST_COMMON_VIEW = 0.1


Maps = tuple[MatLike, MatLike]


class RectifiedView:
    """Where points lie after rectification. Immutable, for any thread; made in a millisecond.

    Both images get the size of the mono image, one focal length and one principal point: a point at infinity
    has disparity 0, and the same row in both images is the same epipolar plane. Content of mono pixel (y, x)
    lies at (y, x + disparity) in the reference if the colour camera stands left (`calibration.mirrored` is
    False), at (y, x − disparity) if it stands right. Nothing is flipped here.

    The focal length is the smallest at which neither image has an empty border (stereoRectify, alpha = 0),
    but at most `LARGEST_ZOOM` times that of the camera with the narrower view; corners may stay empty then.

    Attributes:
        calibration: what it was made from.
        size_px: (width, height) of the rectified images.
        camera_matrix: 3×3, shared by both rectified images.
        mono_rotation: R1, 3×3: x_rectified = R1 · x_mono.
        color_rotation: R2, 3×3: x_rectified = R2 · x_color.
        focal_px: focal length of the rectified images.
        baseline_mm: distance of the cameras.

    Raises:
        CalibrationError: the calibration gives no rectified view.
    """

    def __init__(self, calibration: RigCalibration) -> None:
        self.calibration = calibration
        self.size_px = width, height = calibration.mono.size_px
        mono, color = calibration.mono, calibration.color
        # stereoRectify takes one image size: the colour camera is described in pixels of the mono image.
        # Distortion acts on rays, not on pixels, so it stays as it is.
        color_scale = np.diag([width / color.size_px[0], height / color.size_px[1], 1.0])
        mono_rotation, color_rotation, projection, color_projection, *_ = cv2.stereoRectify(
            mono.camera_matrix,
            mono.distortion,
            color_scale @ color.camera_matrix,
            color.distortion,
            (width, height),
            calibration.rotation,
            calibration.translation_mm,
            flags=cv2.CALIB_ZERO_DISPARITY,
            alpha=0,
            newImageSize=(width, height),
        )
        self.mono_rotation = _matrix(mono_rotation)
        self.color_rotation = _matrix(color_rotation)
        self.camera_matrix = _matrix(
            _zoomed_out(projection[:, :3], _largest_focal_px(calibration), self.size_px)
        )
        self.focal_px = float(self.camera_matrix[0, 0])
        self.baseline_mm = calibration.baseline_mm
        if not np.isfinite(projection).all() or not np.isfinite(color_projection).all() or self.focal_px <= 0:
            raise CalibrationError(
                "this calibration gives no rectified view: check camera_matrix and distortion"
            )

    def mono_points(self, points_px: NDArray[np.floating]) -> Matrix:
        """Return N×2 points (x, y) of the raw mono image in the rectified one, float64."""
        return self._points(points_px, self.calibration.mono, self.mono_rotation)

    def color_points(self, points_px: NDArray[np.floating]) -> Matrix:
        """Return N×2 points (x, y) of the raw colour image in the rectified one, float64."""
        return self._points(points_px, self.calibration.color, self.color_rotation)

    def depth_mm(self, disparity_px: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Return depths along the rectified optical axis, focal · baseline / disparity; inf if it is ≤ 0."""
        disparity = np.asarray(disparity_px, dtype=np.float64)
        depth = np.full(disparity.shape, np.inf)
        np.divide(self.focal_px * self.baseline_mm, disparity, out=depth, where=disparity > 0)
        return depth

    def disparity_px(self, depth_mm: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Return the disparity of points at this distance along the rectified optical axis."""
        return np.asarray(self.focal_px * self.baseline_mm / np.asarray(depth_mm, dtype=np.float64))

    def _points(self, points_px: NDArray[np.floating], camera: CameraCalibration, rotation: Matrix) -> Matrix:
        points = np.ascontiguousarray(points_px, dtype=np.float64).reshape(-1, 1, 2)
        mapped = cv2.undistortPointsIter(
            points,
            camera.camera_matrix,
            camera.distortion,
            rotation,
            self.camera_matrix,
            (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-10),
        )
        return _matrix(mapped.reshape(-1, 2))


class Rectifier(RectifiedView):
    """Maps raw images to rectified ones; the maps are made once, here. Immutable, for any thread.

    What the calibration knows of the cameras' light and colours is corrected too (see
    `capture.photometric.model`), unless `photometric` is False.

    Attributes:
        mono_valid, reference_valid: H×W bool, pixels that come from inside the raw image.

    Raises:
        CalibrationError: the cameras hardly see anything in common.
    """

    def __init__(self, calibration: RigCalibration, *, photometric: bool = True) -> None:
        super().__init__(calibration)
        mono, color = calibration.mono, calibration.color
        self._mono_maps, self.mono_valid = self._maps(mono, self.mono_rotation)
        self._color_maps, self.reference_valid = self._maps(color, self.color_rotation)
        known = (photometric and calibration.photometric) or Photometric()
        self._mono_corrector = self._corrector(known.mono, mono.size_px, self._mono_maps, 1)
        self._color_corrector = self._corrector(known.color, color.size_px, self._color_maps, 3)
        common = float((self.mono_valid & self.reference_valid).mean())
        if common < SMALLEST_COMMON_VIEW:
            raise CalibrationError(
                f"rectified, the cameras share {common:.0%} of the view: check rotation and camera_matrix"
            )

    def rectify(self, mono: Image, color: Image) -> tuple[Image, Image]:
        """Return the rectified pair, new read-only arrays of the types given.

        Args:
            mono: H×W uint8 or uint16, size of the calibration's mono camera.
            color: H×W×3 RGB uint8 or uint16, size of the calibration's colour camera.

        Returns:
            (mono H×W, reference H×W×3), both of `size_px`; 0 where the raw image has nothing.

        Raises:
            CalibrationError: an image does not have the size of the calibration.
        """
        return self.rectify_mono(mono), self.rectify_color(color)

    def rectify_mono(self, mono: Image) -> Image:
        """Return the rectified mono image; see `rectify`."""
        _check_size(mono, self.calibration.mono, "mono")
        rectified = _remap(mono, self._mono_maps)
        return rectified if self._mono_corrector is None else self._mono_corrector.apply(rectified)

    def rectify_color(self, color: Image) -> Image:
        """Return the rectified colour image; see `rectify`."""
        _check_size(color, self.calibration.color, "color")
        rectified = _remap(color, self._color_maps)
        return rectified if self._color_corrector is None else self._color_corrector.apply(rectified)

    def _corrector(
        self, camera: CameraPhotometric | None, size_px: tuple[int, int], maps: Maps, channels: int
    ) -> Corrector | None:
        """Return what corrects a rectified image: the flat field is rectified once, as the images are."""
        if camera is None:
            return None
        if camera.flat_field is None:
            return Corrector(camera, channels)
        gains = gains_at(camera, (size_px[1], size_px[0]))
        rectified = cv2.remap(gains, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        rectified = np.asarray(rectified, np.float32).reshape(self.size_px[1], self.size_px[0], -1)
        return Corrector(camera, channels, rectified)

    def _maps(self, camera: CameraCalibration, rotation: Matrix) -> tuple[Maps, NDArray[np.bool_]]:
        """Return maps in fixed point (1/32 px; faster than floating point) and where they stay inside."""
        x, y = cv2.initUndistortRectifyMap(
            camera.camera_matrix, camera.distortion, rotation, self.camera_matrix, self.size_px, cv2.CV_32FC1
        )
        width, height = camera.size_px
        valid = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        valid.flags.writeable = False
        return cv2.convertMaps(x, y, cv2.CV_16SC2), valid


def _largest_focal_px(calibration: RigCalibration) -> float:
    """Return the focal length, in px of the mono image, beyond which the view would get too narrow."""
    width = calibration.mono.size_px[0]
    focal_lengths = [
        camera.camera_matrix[0, 0] / camera.size_px[0] for camera in (calibration.mono, calibration.color)
    ]
    return LARGEST_ZOOM * width * float(max(focal_lengths))


def _zoomed_out(camera_matrix: MatLike, largest_focal_px: float, size_px: tuple[int, int]) -> Matrix:
    """Return the camera matrix with at most this focal length; the image's centre stays where it is."""
    matrix = np.array(camera_matrix, dtype=np.float64)
    scale = min(1.0, largest_focal_px / matrix[0, 0])
    center = (np.array(size_px) - 1) / 2
    matrix[[0, 1], [0, 1]] *= scale
    matrix[:2, 2] = center + (matrix[:2, 2] - center) * scale
    return matrix


def _matrix(values: ArrayLike) -> Matrix:
    matrix = np.array(values, dtype=np.float64)
    matrix.flags.writeable = False
    return matrix


def _check_size(image: Image, camera: CameraCalibration, name: str) -> None:
    height, width = image.shape[:2]
    if (width, height) != camera.size_px:
        raise CalibrationError(
            f"the {name} image is {width}×{height}, the calibration is for "
            f"{camera.size_px[0]}×{camera.size_px[1]}: calibrate the rig at this size"
        )


def _remap(image: Image, maps: Maps) -> Image:
    # Linear: cubic takes 3 times as long and changes less than a demosaic does.
    rectified = cast("Image", cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))
    rectified.flags.writeable = False
    return rectified
