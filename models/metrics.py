"""How alike two images are: SSIM (Wang et al. 2004) and PSNR, differentiable in torch, fast on uint8 images.

One protocol everywhere, training, evaluation and the app: window 11 Gaussian σ 1.5, data range 255 (or 1 for
tensors), population covariance, a border of 10 pixels left out of every mean.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03
BORDER = 10
"""Pixels left out along every side: the window reaches 5, and the outermost columns may have no match."""

_LEAST_VARIANCE = 1e-8  # of values 0 … 1: a fortieth of a grey level, squared
_FAINT_VARIANCE = 1e-4  # two and a half grey levels, squared

_Image = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]


def ssim_map(a: Tensor, b: Tensor, *, data_range: float = 1.0, luminance: bool = True) -> Tensor:
    """Return the SSIM of every pixel, B×C×H×W in −1 … 1, float32, differentiable in both arguments.

    Args:
        a: B×C×H×W, values 0 … `data_range`. Centred chroma has to be shifted by half of the range before: the
            luminance term compares absolute values.
        b: the same shape.
        data_range: the largest value there is.
        luminance: False leaves out the luminance term, as the released network's training loss does: what is
            left compares contrast and structure and ignores a constant difference in brightness.
    """
    a, b = a.float() / data_range, b.float() / data_range
    c1, c2 = K1**2, K2**2
    both = _blur(torch.stack([a, b, a * a + b * b, a * b]))
    mean_a, mean_b, mean_squares, mean_product = both.unbind(0)
    squared_means, product_of_means = mean_a * mean_a + mean_b * mean_b, mean_a * mean_b
    covariance = mean_product - product_of_means
    variances = mean_squares - squared_means
    similarity = (2 * covariance + c2) / (variances + c2)
    if luminance:
        similarity = similarity * (2 * product_of_means + c1) / (squared_means + c1)
    return similarity


def similarity_maps(a: Tensor, b: Tensor, *, data_range: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Return the three factors of SSIM for every pixel: luminance l, contrast c and structure s, each
    B×C×H×W.

    With C₃ = C₂ / 2, as there, l · c · s is `ssim_map` (Wang et al. 2004, eqs. 6, 9, 10 and 12). Arguments as
    in `ssim_map`; differentiable in both.
    """
    a, b = a.float() / data_range, b.float() / data_range
    c1, c2 = K1**2, K2**2
    mean_a, mean_b, square_a, square_b, product = _blur(torch.stack([a, b, a * a, b * b, a * b])).unbind(0)
    # Rounding can leave a variance just below 0, and the root's gradient there would be no number.
    variance_a = (square_a - mean_a * mean_a).clamp_min(_LEAST_VARIANCE)
    variance_b = (square_b - mean_b * mean_b).clamp_min(_LEAST_VARIANCE)
    deviations = (variance_a * variance_b).sqrt()
    covariance = product - mean_a * mean_b
    return (
        (2 * mean_a * mean_b + c1) / (mean_a * mean_a + mean_b * mean_b + c1),
        (2 * deviations + c2) / (variance_a + variance_b + c2),
        (covariance + c2 / 2) / (deviations + c2 / 2),
    )


def contrast_normalized(image: Tensor) -> Tensor:
    """Return the image less its local mean, over its local standard deviation: B×C×H×W, about −3 … 3.

    The window is SSIM's. What another gain, offset or (nearly) gamma does to an image is gone. Where next to
    nothing varies, in units of values 0 … 1, the result goes to 0.
    """
    mean, square = _blur(torch.stack([image, image * image])).unbind(0)
    variance = (square - mean * mean).clamp_min(_LEAST_VARIANCE)
    return (image - mean) / (variance + _FAINT_VARIANCE).sqrt()


def mean_inside(values: Tensor, border: int = BORDER) -> Tensor:
    """Return the mean over rows and columns without the border: B×C×H×W → B×C.

    Raises ValueError where nothing is left inside the border.
    """
    if min(values.shape[-2:]) <= 2 * border:
        raise ValueError(_too_small(values.shape[-1], values.shape[-2], border))
    return values[..., border : values.shape[-2] - border, border : values.shape[-1] - border].mean(
        dim=(-2, -1)
    )


def ssim_image(a: _Image, b: _Image, *, data_range: float = 255.0) -> NDArray[np.float32]:
    """Return the SSIM of every pixel of two images of one shape, H×W or H×W×C: float32, −1 … 1."""
    if a.shape != b.shape:
        raise ValueError(f"images to compare differ in shape: {a.shape} and {b.shape}")
    # Around mid-range the variances E[x²] − E[x]² lose less to cancellation; the means get it back below.
    centre = data_range / 2
    x, y = a.astype(np.float32) - centre, b.astype(np.float32) - centre
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    mean_x, mean_y, mean_product, mean_squares = (_blur_image(v) for v in (x, y, x * y, x * x + y * y))
    covariance = mean_product - mean_x * mean_y
    variances = mean_squares - mean_x * mean_x - mean_y * mean_y
    mean_x += centre
    mean_y += centre
    luminance = (2 * mean_x * mean_y + c1) / (mean_x * mean_x + mean_y * mean_y + c1)
    return np.asarray(luminance * (2 * covariance + c2) / (variances + c2), dtype=np.float32)


def ssim(a: _Image, b: _Image, *, data_range: float = 255.0, border: int = BORDER) -> float:
    """Return the mean SSIM of two images, H×W or H×W×C (mean over channels), without the border.

    Raises ValueError for different shapes, and where nothing is left inside the border.
    """
    return float(_inside(ssim_image(a, b, data_range=data_range), border).mean(dtype=np.float64))


def psnr(a: _Image, b: _Image, *, data_range: float = 255.0, border: int = BORDER) -> float:
    """Return the peak signal-to-noise ratio of two images in dB, without the border; infinity if equal.

    Raises ValueError for different shapes, and where nothing is left inside the border.
    """
    if a.shape != b.shape:
        raise ValueError(f"images to compare differ in shape: {a.shape} and {b.shape}")
    difference = _inside(a.astype(np.float32) - b.astype(np.float32), border)
    mean_square = float(np.mean(np.square(difference), dtype=np.float64))
    return math.inf if mean_square == 0 else 10 * math.log10(data_range**2 / mean_square)


def _gaussian() -> list[float]:
    """Return the window's 11 taps; they sum to 1."""
    taps = [math.exp(-0.5 * ((i - WINDOW // 2) / SIGMA) ** 2) for i in range(WINDOW)]
    return [tap / sum(taps) for tap in taps]


def _blur(images: Tensor) -> Tensor:
    """Return the local mean of every pixel, same shape; the border is repeated outside.

    A sum of shifted copies: on the CPU four times as fast as a grouped convolution; autograd keeps nothing.
    """
    half, taps = WINDOW // 2, _gaussian()
    shape = images.shape
    padded = pad(images.reshape(-1, 1, *shape[-2:]), (half, half, half, half), mode="replicate")
    for dim in (-1, -2):
        size = shape[dim]
        total = padded.narrow(dim, 0, size) * taps[0]
        for i in range(1, WINDOW):
            total.add_(padded.narrow(dim, i, size), alpha=taps[i])
        padded = total
    return padded.reshape(shape)


def _blur_image(image: NDArray[np.float32]) -> NDArray[np.float32]:
    blurred = cv2.GaussianBlur(image, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, dtype=np.float32)


def _inside(values: NDArray[np.float32], border: int) -> NDArray[np.float32]:
    height, width = values.shape[:2]
    if min(height, width) <= 2 * border:
        raise ValueError(_too_small(width, height, border))
    return values[border : height - border, border : width - border]


def _too_small(width: int, height: int, border: int) -> str:
    return f"{width}×{height} leaves nothing inside a border of {border} pixels"
