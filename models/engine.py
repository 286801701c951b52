"""The inference engine: one rectified pair in, every picture the app shows out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import color
from models.allocator import keep_freed_memory
from models.colorizer import ColorizerOutput, WeightVolume, colorize_first, colorize_second
from models.errors import InferenceFailed
from models.layout import fold_norms
from models.metrics import BORDER, mean_inside, ssim_map
from models.paper import PaperColorizer
from models.presets import Networks, load_networks
from models.refiner import return_error
from models.rows import RowShift, rows_to_move, shift_rows

Rgb8 = NDArray[np.uint8]
FloatMap = NDArray[np.float32]
Device = Literal["auto", "cpu", "cuda", "mps"]

MIN_SIZE_PX = 2 * BORDER + 12
_FULL_SCALE = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
CYCLE_ERROR_SCALE = 6.0
"""Levels of chroma error on the way back that cost confidence a factor of e."""
RETURN_ERROR_SCALE = 4.0
"""Cells of the chroma grid that the way back may miss by, for the same."""


@dataclass(frozen=True)
class SearchRange:
    """Where to look for the colour of mono pixel (j, i): at (j, i ± (offset + k)), k = 0 … max_disparity − 1.

    Attributes:
        max_disparity: d, number of candidates, in pixels of the full-size image.
        offset: first candidate, in pixels; may be negative.
        mirrored: the colour camera stands right of the mono camera, so that content lies further left in the
            reference.
    """

    max_disparity: int = 128
    offset: int = 0
    mirrored: bool = False


def usual_search(width: int) -> SearchRange:
    """Return what to search in images `width` pixels wide of a rig of which nothing is known."""
    return SearchRange(max_disparity=max(1, min(SearchRange.max_disparity, width // 5)))


@dataclass(frozen=True, eq=False)
class Colorization:
    """Everything the networks say of one pair; all arrays read-only, in the orientation of the input images.

    Attributes:
        first_pass: H×W×3 uint8 RGB, I_C: the mono luma with the first pass's chroma.
        second_pass: H×W×3 uint8 RGB, R'_C: the reference's luma with the second pass's chroma (aligned with
            the reference).
        refined: H×W×3 uint8 RGB, I*_C: the mono luma with the refined chroma.
        warped_luma: H×W uint8, the reference's luma averaged with W: what the structure measure compares with
            mono.
        warped_reference: H×W×3 uint8 RGB, the reference averaged with W, its own luma kept.
        confidence: H×W float32 in 0 … 1, from the cycle error, from how far the way there and back misses its
            start, and from the structure similarity: low where the colour camera does not see the pixel.
        disparity: H×W float32, position of the peak of W in px, offset included.
        cycle_error: H×W float32, mean of |ΔCb| and |ΔCr| of R'_C − R_C in levels (aligned with the
            reference).
        structure_similarity: H×W float32 in −1 … 1, SSIM map of mono and warped_luma.
        return_error: H×W float32 px, how far from its start a pixel arrives that goes to its match and back;
            the width of the image where the match lies outside of it.
        cycle_ssim_cb, cycle_ssim_cr: SSIM of R'_C and R_C, 10-pixel border left out.
        stages_ms: time of each stage in ms.
        search: the range that was searched.
        rows: how far below its own row the reference showed what the mono image shows; it was moved by that
            for the matching, and the second pass back. None where rows were taken as they are.
        weights: W of the first pass.
    """

    first_pass: Rgb8
    second_pass: Rgb8
    refined: Rgb8
    warped_luma: NDArray[np.uint8]
    warped_reference: Rgb8
    confidence: FloatMap
    disparity: FloatMap
    cycle_error: FloatMap
    structure_similarity: FloatMap
    return_error: FloatMap
    cycle_ssim_cb: float
    cycle_ssim_cr: float
    stages_ms: Mapping[str, float]
    search: SearchRange
    rows: RowShift | None
    weights: WeightVolume

    def weight_curve(self, x: int, y: int) -> FloatMap:
        """Return W of mono pixel (y, x): float32 (d,), sums to 1; entry k means offset + k px."""
        return self.weights.curve(x, y)

    def match(self, x: int, y: int) -> float:
        """Return the column of the reference that mono pixel (y, x) has its colour from (peak of W)."""
        shift = float(self.disparity[y, x])
        return x - shift if self.search.mirrored else x + shift


class Engine:
    """Owns the networks on one device. `colorize` may be called from one thread at a time; construction does
    no I/O.

    Args:
        model: "live", "paper" (the weights that ship), or a `.safetensors` file.
        device: "auto" takes CUDA, then MPS, then the CPU.
    """

    def __init__(self, model: str | Path = "live", device: Device = "auto") -> None:
        self.model = model
        self.requested_device = device
        self._networks: Networks | None = None
        self._device = torch.device("cpu")

    def load(self) -> None:
        """Read the weights and move them to the device. Raises WeightsMismatch, InferenceFailed (no such
        device).
        """
        choose_device(self.requested_device)
        self.use(load_networks(self.model))

    def use(self, networks: Networks) -> None:
        """Run these networks instead of those of a file; they belong to the engine from now on, which changes
        them. Raises InferenceFailed (no such device).
        """
        device = choose_device(self.requested_device)
        if device.type == "cpu":
            keep_freed_memory()
        for module in networks.modules():
            if not isinstance(module, PaperColorizer):  # which folds its own
                fold_norms(module)
            module.to(device)
        self._device, self._networks = device, networks

    @property
    def device_name(self) -> str:
        """Return the device in use, for people: "CPU (2 threads)", "NVIDIA H200 (half precision)"."""
        if self._device.type == "cuda":
            return f"{torch.cuda.get_device_name(self._device)} (half precision)"
        if self._device.type == "mps":
            return "Apple GPU"
        return f"CPU ({torch.get_num_threads()} threads)"

    @property
    def max_disparity(self) -> int | None:
        """Return the number of candidates the loaded weights were made for, None if any number will do."""
        return self._loaded().max_disparity

    def colorize(
        self,
        mono: NDArray[np.uint8] | NDArray[np.uint16],
        reference: NDArray[np.uint8] | NDArray[np.uint16],
        search: SearchRange,
        align_rows: bool = True,
    ) -> Colorization:
        """Run both passes and the refiner.

        Args:
            mono: I_G, H×W; uint8 or full-scale uint16 (0 … 65535).
            reference: R_C, H×W×3 RGB of the same height and width; uint8 or full-scale uint16.
            search: candidates to search; more candidates than columns are cut to the columns.
            align_rows: measure what rectification left between the rows of the two images, and even it out.
                A rig whose rows are watched and corrected elsewhere saves the time.

        Raises:
            InferenceFailed: sizes differ, too small, wrong type, device failed.
        """
        networks = self._loaded()
        _check(mono, reference, search)
        search = SearchRange(min(search.max_disparity, mono.shape[1]), search.offset, search.mirrored)
        half = torch.autocast(self._device.type, torch.float16, enabled=self._device.type == "cuda")
        try:
            with torch.inference_mode(), half:
                return self._colorize(networks, mono, reference, search, align_rows)
        except (RuntimeError, MemoryError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise InferenceFailed(
                f"colorizing {mono.shape[1]}×{mono.shape[0]} with {search.max_disparity} candidates on "
                f"{self.device_name} failed: {reason}. Try fewer candidates or --device cpu."
            ) from error

    def _loaded(self) -> Networks:
        if self._networks is None:
            raise InferenceFailed("the networks are not loaded yet")
        return self._networks

    def _colorize(
        self,
        networks: Networks,
        mono_image: NDArray[Any],
        reference_image: NDArray[Any],
        search: SearchRange,
        align_rows: bool,
    ) -> Colorization:
        clock = _StageClock(self._device)
        mono = self._to_device(mono_image[..., None], search.mirrored)
        reference = torch.cat(color.split(self._to_device(reference_image, search.mirrored)), dim=1)
        clock.lap("upload")
        where = (search.max_disparity, search.offset, search.mirrored)
        rows = rows_to_move(mono_image, reference_image, *where) if align_rows else None
        shift = None if rows is None else self._shift(rows, mono_image.shape, search.mirrored)
        level = reference if shift is None else shift_rows(reference, shift)
        clock.lap("align")
        first = colorize_first(networks.colorizer, mono, level, search.max_disparity, search.offset)
        clock.lap("first_pass")
        second = colorize_second(networks.colorizer, mono, level, first, search.max_disparity, search.offset)
        clock.lap("second_pass")
        refined = networks.refiner(mono, level, first, second.disparity)
        clock.lap("refine")
        back = second.chroma.float() if shift is None else shift_rows(second.chroma.float(), -shift)
        second = second._replace(chroma=back)
        results = _derive(mono, reference, first, second, refined.float())
        if search.mirrored:
            results = {name: value.flip(-1) for name, value in results.items()}
        results["cycle"] = mean_inside(ssim_map(back + 0.5, reference[:, 1:] + 0.5))[0]
        clock.lap("measure")
        arrays = {name: _to_host(value) for name, value in results.items()}
        clock.lap("download")
        stages_ms = clock.stages_ms()  # the one wait for the device: before it, the arrays are not filled
        cb, cr = (float(v) for v in arrays.pop("cycle"))
        # Padding lies right of what the networks saw, which of a mirrored rig is left of what we show.
        columns = mono_image.shape[1] if search.mirrored else None
        volume = replace(first.volume, mirrored=search.mirrored, columns_px=columns)
        return Colorization(
            **arrays,
            cycle_ssim_cb=cb,
            cycle_ssim_cr=cr,
            stages_ms=stages_ms,
            # The released network begins one pixel further right than it is told to.
            search=replace(search, offset=volume.offset),
            rows=rows,
            weights=volume,
        )

    def _shift(self, rows: RowShift, size: tuple[int, ...], mirrored: bool) -> Tensor:
        """Return the shift of every pixel in the networks' orientation, on the device: H×W."""
        field = torch.from_numpy(rows.field(*size[:2])).to(self._device)
        return field.flip(-1) if mirrored else field

    def _to_device(self, image: NDArray[Any], mirrored: bool) -> Tensor:
        """H×W×C in the camera's type → 1×C×H×W float32, 0 … 1, on the device, mirrored if asked."""
        # A copy also of 8 bits: frames are read-only, and torch has no tensors that are.
        values = np.array(image, dtype=np.uint8 if image.dtype == np.uint8 else np.int32)
        tensor = torch.from_numpy(values).to(self._device, non_blocking=True).movedim(-1, 0).unsqueeze(0)
        tensor = tensor.to(torch.float32) / _FULL_SCALE[image.dtype]
        return tensor.flip(-1) if mirrored else tensor


def choose_device(requested: Device) -> torch.device:
    """Return the device to run on. Raises InferenceFailed if the one that was asked for is not there."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if requested == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if there[name]))
    if not there.get(requested, False):
        found = ", ".join(name for name, available in there.items() if available)
        raise InferenceFailed(f"device {requested!r} is not available here; use one of: auto, {found}")
    return torch.device(requested)


def _check(mono: NDArray[Any], reference: NDArray[Any], search: SearchRange) -> None:
    if mono.ndim != 2 or reference.ndim != 3 or reference.shape[2] != 3:
        raise InferenceFailed(
            f"expected H×W mono and H×W×3 reference, got {mono.shape} and {reference.shape}"
        )
    if mono.dtype not in _FULL_SCALE or reference.dtype not in _FULL_SCALE:
        raise InferenceFailed(f"expected 8 or 16 bit images, got {mono.dtype} and {reference.dtype}")
    if mono.shape != reference.shape[:2]:
        raise InferenceFailed(
            f"mono is {mono.shape[1]}×{mono.shape[0]} but the reference "
            f"{reference.shape[1]}×{reference.shape[0]}: rectify them to one size first"
        )
    if min(mono.shape) < MIN_SIZE_PX:
        raise InferenceFailed(
            f"{mono.shape[1]}×{mono.shape[0]} is too small: at least {MIN_SIZE_PX} pixels each way"
        )
    if search.max_disparity < 1 or abs(search.offset) >= mono.shape[1]:
        raise InferenceFailed(
            f"nothing to search: {search.max_disparity} candidates from {search.offset} px on"
        )


def _derive(
    mono: Tensor, reference: Tensor, first: ColorizerOutput, second: ColorizerOutput, refined: Tensor
) -> dict[str, Tensor]:
    """Compute every picture and map on the device, in the networks' own orientation."""
    first_chroma, second_chroma, warped = first.chroma.float(), second.chroma.float(), first.luma.float()
    disparity, width = first.peak[0, 0].float(), mono.shape[-1]
    error = (second_chroma - reference[:, 1:]).abs().mean(dim=1)[0] * 255
    column = torch.arange(width, device=mono.device) + disparity.round().long()
    arrived = error.gather(1, column.clamp(0, width - 1))
    missed = return_error(first.disparity.float(), second.disparity.float())[0, 0]
    missed_cells = missed / first.volume.stride
    similarity = ssim_map(warped, mono)[0, 0]
    # Peak and entropy of W stay out of it: they find wrong colours no better than chance (decision 073).
    confidence = torch.exp(-arrived / CYCLE_ERROR_SCALE - missed_cells / RETURN_ERROR_SCALE)
    return {
        "first_pass": _rgb8(mono, first_chroma),
        "second_pass": _rgb8(reference[:, :1], second_chroma),
        "refined": _rgb8(mono, refined),
        "warped_luma": _levels(warped[0, 0]),
        "warped_reference": _rgb8(warped, first_chroma),
        "confidence": confidence * (similarity + 1) / 2,
        "disparity": disparity,
        "cycle_error": error,
        "structure_similarity": similarity,
        "return_error": missed,
    }


def _levels(values: Tensor) -> Tensor:
    return (values * 255).round_().clamp_(0, 255).to(torch.uint8)


def _rgb8(luma: Tensor, chroma: Tensor) -> Tensor:
    """1×1×H×W and 1×2×H×W → 3×H×W uint8 RGB."""
    return _levels(color.combine(luma, chroma)[0])


def _to_host(value: Tensor) -> NDArray[Any]:
    """C×H×W or H×W on the device → read-only, C-contiguous H×W×C or H×W.

    From CUDA the copy is only put in the queue: the array is filled once the device has been waited for.
    """
    ordered = (value.movedim(0, -1) if value.ndim == 3 else value).contiguous()
    if value.device.type == "cuda":
        pinned = torch.empty(ordered.shape, dtype=ordered.dtype, pin_memory=True)
        array = pinned.copy_(ordered, non_blocking=True).numpy()
    else:
        array = ordered.cpu().numpy()
    array.flags.writeable = False
    return array


class _StageClock:
    """Times stages; on CUDA with events, so that asking does not stop the device before the end."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._marks: list[tuple[str, torch.cuda.Event | float]] = [("", self._now())]

    def _now(self) -> torch.cuda.Event | float:
        if not self._cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def lap(self, name: str) -> None:
        """End the stage of this name."""
        self._marks.append((name, self._now()))

    def stages_ms(self) -> dict[str, float]:
        """Return the time of each stage in ms. On CUDA, waits for the device: call it once, at the end."""
        if self._cuda:
            torch.cuda.synchronize()
        stages: dict[str, float] = {}
        for (_, begin), (name, end) in zip(self._marks, self._marks[1:], strict=False):
            if isinstance(begin, float) and isinstance(end, float):
                stages[name] = (end - begin) * 1000
            elif isinstance(begin, torch.cuda.Event) and isinstance(end, torch.cuda.Event):
                stages[name] = begin.elapsed_time(end)
        return stages
