"""The layers of the `paper` preset: convolutions with batch norm and ReLU, the 3-D U-Net over candidates."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv3d, conv_transpose3d

EPSILON = 1e-3


class _Normed(nn.Module):
    """Convolution, batch norm, ReLU. Outside of training the norm is folded into the convolution."""

    def __init__(
        self, conv: nn.Conv2d | nn.Conv3d | nn.ConvTranspose3d, norm: nn.BatchNorm2d | nn.BatchNorm3d
    ) -> None:
        super().__init__()
        self.conv = conv
        self.norm = norm

    def run(self, *inputs: Tensor) -> Tensor:
        """Apply all three."""
        weight, bias, norm = self.conv.weight, self.conv.bias, self.norm
        assert bias is not None
        if self.training:
            normed: Tensor = norm(self._convolve(weight, bias, *inputs))
            return normed.relu()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        outputs = [1] * weight.dim()
        outputs[1 if isinstance(self.conv, nn.ConvTranspose3d) else 0] = -1
        folded = self._convolve(
            weight * scale.view(outputs), (bias - norm.running_mean) * scale + norm.bias, *inputs
        )
        return folded.relu_()

    def _convolve(self, weight: Tensor, bias: Tensor, *inputs: Tensor) -> Tensor:
        """Convolve the inputs with these parameters."""
        raise NotImplementedError


class NormedConv2d(_Normed):
    """Size-preserving 2-D convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.BatchNorm2d(outputs, eps=EPSILON)
        )

    def forward(self, x: Tensor) -> Tensor:
        """B×inputs×H×W → B×outputs×H×W."""
        return self.run(x)

    def _convolve(self, weight: Tensor, bias: Tensor, *inputs: Tensor) -> Tensor:
        return conv2d(inputs[0], weight, bias, padding=weight.shape[-1] // 2)


class Residual(nn.Module):
    """Two 3×3 convolutions, each with batch norm and ReLU, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = NormedConv2d(channels, channels, 3)
        self.second = NormedConv2d(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """B×C×H×W → B×C×H×W."""
        y: Tensor = self.second(self.first(x))
        return x + y


class NormedConv3d(_Normed):
    """Size-preserving 3×3×3 convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(nn.Conv3d(inputs, outputs, 3, padding=1), nn.BatchNorm3d(outputs, eps=EPSILON))

    def forward(self, x: Tensor) -> Tensor:
        """B×inputs×D×H×W → B×outputs×D×H×W."""
        return self.run(x)

    def _convolve(self, weight: Tensor, bias: Tensor, *inputs: Tensor) -> Tensor:
        return conv3d(inputs[0], weight, bias, padding=1)


class DownConv3d(NormedConv3d):
    """As NormedConv3d with stride 2. D, H and W are even.

    TensorFlow, where the released weights come from, puts the one zero that "same" padding needs behind the
    last candidate, row and column. Its images are turned by 180°: in the upright frame, ours, the zero lies
    before the first row and column, which is what `padding=1` comes to; the candidates keep their order.
    """

    def _convolve(self, weight: Tensor, bias: Tensor, *inputs: Tensor) -> Tensor:
        return conv3d(inputs[0], weight, bias, stride=2, padding=(2, 1, 1))[:, :, 1:]


class UpConv3d(_Normed):
    """Transposed convolution (the adjoint of DownConv3d's), batch norm, ReLU; then the skip is added."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.ConvTranspose3d(inputs, outputs, 3, stride=2), nn.BatchNorm3d(outputs, eps=EPSILON)
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """B×inputs×D×H×W and the skip, B×outputs×2D×2H×2W → the skip's shape."""
        return self.run(x) + skip

    def _convolve(self, weight: Tensor, bias: Tensor, *inputs: Tensor) -> Tensor:
        doubled = conv_transpose3d(
            inputs[0], weight, bias, stride=2, padding=(0, 1, 1), output_padding=(0, 1, 1)
        )
        return doubled[:, :, :-1]


class MatchConv3d(_Normed):
    """The first convolution over the volume of concatenated features, without that volume.

    Entry (k, y, x) of the volume holds the guide's features at (y, x) and the reference's at (y, x + k). Each
    half of the volume only repeats one image, and a convolution is linear: so each image is convolved in 2-D,
    once for each of the three candidates that the kernel spans, and the result is a sum of shifted copies.
    The same numbers as the 3-D convolution's, for a small part of its work and without its input in memory.
    """

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(nn.Conv3d(features, outputs, 3, padding=1), nn.BatchNorm3d(outputs, eps=EPSILON))

    def forward(self, guide: Tensor, candidates: Tensor) -> Tensor:
        """Return B×outputs×D×H×W.

        Args:
            guide: B×C×H×W, features of the image to colorize; C is half of this layer's features.
            candidates: B×C×H×(W + D + 1), features of the reference, zero outside of it: column x + k + 1 is
                candidate k of pixel x. So there is one column more on each end than there are candidates.
        """
        return self.run(guide, candidates)

    def _convolve(self, weight: Tensor, bias: Tensor, *inputs: Tensor) -> Tensor:
        guide, candidates = inputs
        width = guide.shape[-1]
        depth = candidates.shape[-1] - width - 1
        own, other = weight.chunk(2, dim=1)
        own_maps = [conv2d(guide, own[:, :, tap], padding=1) for tap in range(3)]
        total = (sum(own_maps) + bias[:, None, None])[:, :, None].repeat(1, 1, depth, 1, 1)
        total[:, :, 0] -= own_maps[0]
        total[:, :, -1] -= own_maps[2]
        for tap in range(3):
            here = slice(max(0, 1 - tap), depth + min(0, 1 - tap))
            there = slice(here.start + tap - 1, here.stop + tap - 1)
            kernel = other[:, :, tap]
            shifted = conv2d(candidates, kernel, padding=(1, 0)).unfold(-1, width, 1).transpose(2, 3)
            total[:, :, here] += shifted[:, :, there]
            # The volume ends left and right where the image does, while the candidates go on: what the outer
            # columns of the kernel see there is not part of the volume, and is taken off again.
            left = conv2d(candidates[..., :depth], kernel[..., :1], padding=(1, 0)).transpose(2, 3)
            right = conv2d(candidates[..., -depth:], kernel[..., 2:], padding=(1, 0)).transpose(2, 3)
            total[:, :, here, :, 0] -= left[:, :, there]
            total[:, :, here, :, -1] -= right[:, :, there]
        return total


class UNet(nn.Module):
    """3-D U-Net over candidate, row and column: two levels down, two up, skips added."""

    def __init__(self, features: int, n: int) -> None:
        super().__init__()
        self.match = MatchConv3d(features, n)
        self.full = NormedConv3d(n, n)
        self.down1 = nn.Sequential(
            DownConv3d(n, 2 * n), NormedConv3d(2 * n, 2 * n), NormedConv3d(2 * n, 2 * n)
        )
        self.down2 = nn.Sequential(
            DownConv3d(2 * n, 4 * n), NormedConv3d(4 * n, 4 * n), NormedConv3d(4 * n, 4 * n)
        )
        self.up2 = UpConv3d(4 * n, 2 * n)
        self.up1 = UpConv3d(2 * n, n)
        self.last = NormedConv3d(n, 1)

    def forward(self, guide: Tensor, candidates: Tensor) -> Tensor:
        """Return logits ≥ 0, B×D×H×W. Arguments as in `MatchConv3d.forward`; D, H, W are multiples of 4."""
        full = self.full(self.match(guide, candidates))
        half = self.down1(full)
        half = self.up2(self.down2(half), half)
        logits: Tensor = self.last(self.up1(half, full))
        return logits[:, 0]
