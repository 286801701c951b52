"""The paper preset does what the paper's network does, only in less memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv3d, conv_transpose3d, pad

from models import paper
from models.colorizer import colorize_cycle
from models.paper import RELEASED, PaperColorizer, PaperConfig
from models.paper_layers import DownConv3d, MatchConv3d, NormedConv2d, UNet, UpConv3d

TINY = PaperConfig(filters=2)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Such small networks only lose by threads, most of all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def ycc(*shape: int, seed: int = 0) -> Tensor:
    return rand(*shape, seed=seed) - torch.tensor([0.0, 0.5, 0.5]).view(3, 1, 1)


def settled(module: nn.Module, seed: int = 0) -> nn.Module:
    """Give every batch norm its own statistics, as training would, and leave training."""
    generator = torch.Generator().manual_seed(seed)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d | nn.BatchNorm3d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            for tensor in (norm.weight.data, norm.running_var):
                tensor.uniform_(0.5, 2, generator=generator)
            for tensor in (norm.bias.data, norm.running_mean):
                tensor.uniform_(-0.3, 0.3, generator=generator)
    return module.eval()


@pytest.fixture
def network() -> PaperColorizer:
    torch.manual_seed(3)
    network = PaperColorizer(TINY)
    settled(network)
    return network


class PeakAt(nn.Module):
    """Stands in for the U-Net: all weight on one candidate."""

    def __init__(self, candidate: int) -> None:
        super().__init__()
        self.candidate = candidate

    def forward(self, guide: Tensor, candidates: Tensor) -> Tensor:
        depth = candidates.shape[-1] - guide.shape[-1] - 1
        logits = torch.zeros(len(guide), depth, *guide.shape[-2:])
        logits[:, self.candidate] = 1e4
        return logits


@pytest.mark.parametrize("training", [False, True])
def test_match_layer_equals_the_convolution_of_the_concatenated_volume(training: bool) -> None:
    torch.manual_seed(1)
    layer = settled(MatchConv3d(6, 4)).double().train(training)
    guide, candidates = rand(2, 3, 8, 12).double(), rand(2, 3, 8, 12 + 8 + 1, seed=1).double()
    guide.requires_grad_()
    candidates.requires_grad_()
    volume = torch.stack(
        [torch.cat([guide, candidates[..., k + 1 : k + 13]], dim=1) for k in range(8)], dim=2
    )
    expected = layer.norm(layer.conv(volume)).relu()
    found = layer(guide, candidates)
    torch.testing.assert_close(found, expected)
    for mine, theirs in zip(
        torch.autograd.grad(found.square().sum(), (guide, candidates, layer.conv.weight)),
        torch.autograd.grad(expected.square().sum(), (guide, candidates, layer.conv.weight)),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("layer", [NormedConv2d(3, 4, 5), DownConv3d(3, 4), UpConv3d(3, 4)])
def test_folding_the_norm_changes_nothing(layer: nn.Module) -> None:
    settled(layer)
    x = rand(2, 3, 8, 8) if isinstance(layer, NormedConv2d) else rand(2, 3, 4, 8, 8)
    unfolded = layer.norm(layer._convolve(layer.conv.weight, layer.conv.bias, x)).relu()
    torch.testing.assert_close(layer.run(x), unfolded)


def test_strided_layers_pad_as_tensorflow_does_on_images_turned_by_180_degrees() -> None:
    down, up = DownConv3d(1, 2), UpConv3d(2, 1)
    x, y = rand(1, 1, 4, 8, 6), rand(1, 2, 2, 4, 3, seed=1)
    kernel, bias = rand(2, 1, 3, 3, 3, seed=2), torch.zeros(2)
    turned = kernel.flip(-2, -1)
    # "same" padding with stride 2 on an even size: no zero before, one after.
    tensorflow = conv3d(pad(x.flip(-2, -1), (0, 1, 0, 1, 0, 1)), turned, stride=2).flip(-2, -1)
    torch.testing.assert_close(down._convolve(kernel, bias, x), tensorflow)
    tensorflow = conv_transpose3d(y.flip(-2, -1), turned, stride=2)[..., :-1, :-1, :-1].flip(-2, -1)
    torch.testing.assert_close(up._convolve(kernel, torch.zeros(1), y), tensorflow)


def test_bands_of_rows_change_nothing(network: PaperColorizer, monkeypatch: pytest.MonkeyPatch) -> None:
    luma, reference = rand(1, 1, 150, 12), ycc(1, 3, 150, 12, seed=1)
    bands: list[int] = []
    network.unet.register_forward_pre_hook(lambda _, inputs: bands.append(inputs[0].shape[-2]))
    with torch.inference_mode():
        whole = network(luma, reference, 8)
        monkeypatch.setattr(paper, "VOXELS_AT_ONCE", 64 * 12 * 8)
        banded = network(luma, reference, 8)
    assert bands[0] == 152
    assert len(bands[1:]) == 10
    assert max(bands[1:]) == 64
    torch.testing.assert_close(banded.volume.weights, whole.volume.weights)
    torch.testing.assert_close(banded.chroma, whole.chroma)


def test_a_row_depends_on_no_row_beyond_the_halo() -> None:
    """Why bands may be cut: what lies outside the halo has no influence at all."""
    torch.manual_seed(5)
    unet = settled(UNet(4, 2)).double()
    guide, candidates = rand(1, 2, 112, 8).double(), rand(1, 2, 112, 8 + 8 + 1, seed=1).double()
    reach = 0
    for first in range(56, 60):  # rows at all four phases of the strides
        guide.requires_grad_()
        (gradient,) = torch.autograd.grad(unet(guide, candidates)[:, :, first].sum(), guide)
        touched = gradient.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
        reach = max(reach, first - int(touched.min()), int(touched.max()) - first)
    assert paper.HALO - paper.STRIDE < reach <= paper.HALO


@pytest.mark.parametrize(
    ("height", "width", "max_disparity", "offset"),
    [
        (16, 24, 8, 0),
        (17, 23, 9, 0),
        (21, 6, 32, 0),
        (12, 16, 1, 0),
        (16, 24, 8, -5),
        (16, 24, 8, 30),
        (1, 1, 2, 0),
    ],
)
def test_any_size_and_range(
    network: PaperColorizer, height: int, width: int, max_disparity: int, offset: int
) -> None:
    luma, reference = rand(2, 1, height, width), ycc(2, 3, height, width, seed=1)
    with torch.inference_mode():
        output = network(luma, reference, max_disparity, offset)
    assert output.chroma.shape == (2, 2, height, width)
    assert output.luma.shape == (2, 1, height, width)
    assert output.volume.weights.shape == (2, max_disparity, height, width)
    torch.testing.assert_close(output.volume.weights.sum(dim=1), torch.ones(2, height, width))
    assert output.entropy.min() >= 0
    assert output.entropy.max() <= 1
    low, high = reference.amin(dim=(0, 2, 3)), reference.amax(dim=(0, 2, 3))
    averaged = torch.cat([output.luma, output.chroma], dim=1)
    assert (averaged >= low.view(3, 1, 1) - 1e-5).all()
    assert (averaged <= high.view(3, 1, 1) + 1e-5).all()


@pytest.mark.parametrize(("first_candidate", "offset"), [(0, 0), (1, 0), (0, 3), (1, -4)])
def test_candidate_k_is_reference_pixel_x_plus_offset_plus_k(first_candidate: int, offset: int) -> None:
    network = PaperColorizer(PaperConfig(filters=2, first_candidate=first_candidate)).eval()
    network.unet = PeakAt(2)
    reference = ycc(1, 3, 8, 16, seed=1)
    output = network(rand(1, 1, 8, 16), reference, 5, offset)
    shift = first_candidate + offset + 2
    columns = (torch.arange(16) + shift).clamp(0, 15)
    torch.testing.assert_close(output.luma, reference[:, :1, :, columns])
    torch.testing.assert_close(output.chroma, reference[:, 1:, :, columns])
    position, mass = output.volume.peak()
    torch.testing.assert_close(position, torch.full((1, 8, 16), float(shift)))
    torch.testing.assert_close(mass, torch.ones(1, 8, 16))


def test_released_network_sees_black_green_outside_of_the_reference() -> None:
    network = PaperColorizer(RELEASED).eval()
    network.unet = PeakAt(3)
    reference = ycc(1, 3, 8, 16, seed=1)
    output = network(rand(1, 1, 8, 16), reference, 4)
    torch.testing.assert_close(output.chroma[..., :12], reference[:, 1:, :, 4:])
    torch.testing.assert_close(output.chroma[..., 12:], torch.full((1, 2, 8, 4), -128 / 255))
    torch.testing.assert_close(output.luma[..., 12:], torch.zeros(1, 1, 8, 4))


@pytest.mark.parametrize(("averaged_luma", "guided_in_color"), [(True, False), (False, True)])
def test_second_pass_sees_what_the_config_says(averaged_luma: bool, guided_in_color: bool) -> None:
    config = PaperConfig(filters=2, averaged_luma=averaged_luma, guided_in_color=guided_in_color)
    network = PaperColorizer(config).eval()
    seen: list[tuple[Tensor, Tensor]] = []
    network.register_forward_pre_hook(lambda _, inputs: seen.append((inputs[0], inputs[1])))
    mono, reference = rand(1, 1, 8, 12), ycc(1, 3, 8, 12, seed=1)
    with torch.inference_mode():
        cycle = colorize_cycle(network, mono, reference, 4)
    guide, colored = seen[1]
    torch.testing.assert_close(guide, (reference if guided_in_color else reference[:, :1]).flip(-1))
    torch.testing.assert_close(colored[:, :1], (cycle.first.luma if averaged_luma else mono).flip(-1))
    torch.testing.assert_close(colored[:, 1:], cycle.first.chroma.flip(-1))
    assert cycle.second.volume.mirrored


@pytest.mark.parametrize("config", [TINY, RELEASED])
def test_every_parameter_learns(config: PaperConfig) -> None:
    torch.manual_seed(0)
    network = PaperColorizer(config).train()
    output = network(rand(1, 1, 16, 24), ycc(1, 3, 16, 24, seed=1), 8)
    (output.chroma.square().mean() + output.luma.square().mean()).backward()
    silent = [
        name
        for name, value in network.named_parameters()
        if value.grad is None or not value.grad.isfinite().all()
    ]
    assert silent == []
    moving = sum(bool(value.grad.abs().max() > 0) for value in network.parameters() if value.grad is not None)
    assert moving > 0.7 * len(list(network.parameters()))  # biases before a batch norm have no say


def test_training_finds_a_constant_shift() -> None:
    """A minute network on a pair shifted by 5 pixels: in a few steps the peak of W lies there."""
    torch.manual_seed(0)
    network = PaperColorizer(PaperConfig(filters=4)).train()
    optimizer = torch.optim.RMSprop(network.parameters(), lr=3e-3)
    for step in range(40):
        scene = nn.functional.interpolate(rand(1, 3, 8, 20, seed=step), scale_factor=2.0, mode="bicubic")
        scene = scene - torch.tensor([0.0, 0.5, 0.5]).view(3, 1, 1)
        reference, truth = scene[..., :32], scene[..., 5 : 5 + 32]
        output = network(truth[:, :1], reference, 8)
        loss = (output.chroma - truth[:, 1:]).abs()[..., :24].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (output.volume.weights.argmax(dim=1)[..., :24] == 5).float().mean() > 0.6


def test_shapes_of_the_paper_and_of_the_released_network() -> None:
    counts = {n: sum(p.numel() for p in PaperColorizer(PaperConfig(filters=n)).parameters()) for n in (8, 16)}
    assert 3.8 < counts[16] / counts[8] < 4.0
    assert sum(isinstance(m, nn.Conv2d) for m in PaperColorizer(TINY).appearance.modules()) == 20
