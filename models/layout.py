"""Memory layout: on CPUs (and on tensor cores) convolutions run up to three times as fast with channels
last.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def prefer_channels_last(module: nn.Module) -> None:
    """Lay out all convolution weights with channels last; what the convolutions return follows them."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
        elif isinstance(layer, nn.Conv3d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last_3d)


def fold_norms(module: nn.Module) -> None:
    """Fold every batch norm that follows a convolution, child after child, into it: for inference only."""
    for parent in module.modules():
        for (_, layer), (name, norm) in itertools.pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv2d | nn.Conv3d) and isinstance(norm, nn.BatchNorm2d | nn.BatchNorm3d):
                fused = fuse_conv_bn_eval(layer, norm)
                layer.weight, layer.bias = fused.weight, fused.bias
                setattr(parent, name, nn.Identity())
    prefer_channels_last(module)


class SmallConv3d(nn.Conv3d):
    """A 3-D convolution that is fast on small volumes too.

    For a single volume, PyTorch decides by the first two spatial dimensions whether oneDNN or its own (four
    times slower) loop runs. Ours are short along the first (candidates); turned around they qualify. The
    result is the same.
    """

    def forward(self, volume: Tensor) -> Tensor:
        """Convolve B×C×D×h×w."""
        assert not isinstance(self.padding, str)
        stride, padding = self.stride[::-1], self.padding[::-1]
        turned = F.conv3d(volume.transpose(2, 4), self.weight.transpose(2, 4), self.bias, stride, padding)
        return turned.transpose(2, 4)
