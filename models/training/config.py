"""What a training run is made of, read from TOML: frozen, checked, unknown keys are errors that name the key.

The defaults are the paper's ("Implementation details"); the recipes that ship are in `recipes/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from models.data.batches import CropShape
from models.data.crops import Augmentation
from models.data.registered import SampleConfig
from models.live import LiveConfig
from models.paper import PaperConfig
from models.refiner import RefinerConfig
from models.structure import PAPER_SIZE, StructureConfig

Stage = Literal["structure", "colorizer", "refiner"]
STAGES: tuple[Stage, ...] = ("structure", "colorizer", "refiner")


@dataclass(frozen=True)
class RunConfig:
    """How a stage is optimised; the same for every task.

    Attributes:
        steps: updates of the weights; 0 leaves the stage out.
        batch_size: samples per step and process; `torchrun` with n processes takes n times as many.
        optimizer: RMSProp has ρ = 0.9 as in the authors' code; AdamW has torch's defaults.
        learning_rate: at its highest.
        weight_decay: of the optimiser.
        schedule: constant (the paper), or half a cosine down to a hundredth.
        warmup_steps: the learning rate grows linearly over so many steps.
        clip_norm: largest norm of the gradient; 0 for any.
        precision: of convolutions and products; float16 scales the loss and needs a GPU.
        freeze_norms: batch norms keep their statistics: for fine-tuning with small batches.
        checkpoint_every: steps between checkpoints.
        validate_every: steps between validations; 0 for never.
        validate_first: validate before the first step too: the weights it starts from may stay the best.
        patience: validations in a row without a better score after which the run ends; 0 for no such end.
        change: share of what training changed that the weights keep: below 1 they lie between those that the
            run started from and those that it reached, which forgets less (Wortsman et al., Robust
            Fine-Tuning of Zero-Shot Models, 2022). They are what is validated and written.
    """

    steps: int = 100_000
    batch_size: int = 1
    optimizer: Literal["rmsprop", "adamw"] = "rmsprop"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = 0
    clip_norm: float = 0.0
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    freeze_norms: bool = False
    checkpoint_every: int = 250
    validate_every: int = 1000
    validate_first: bool = False
    patience: int = 0
    change: float = 1.0


@dataclass(frozen=True)
class LossConfig:
    """The objective on real pairs (paper, eq. 4). A loss set to "none" is left out, as for Table 4.

    Attributes:
        structure: L_ss (eq. 1): the learned metric, plain SSIM without its luminance term, or mean |ΔY|.
        consistency: L_cc (eq. 2): SSIM of Cb and Cr, or their mean absolute difference.
        smoothness: L_smooth (eq. 3).
        structure_weight, consistency_weight, smoothness_weight: λ1, λ2, λ3.
    """

    structure: Literal["learned", "ssim", "l1", "none"] = "learned"
    consistency: Literal["ssim", "l1", "none"] = "ssim"
    smoothness: Literal["l1", "none"] = "l1"
    structure_weight: float = 1.0
    consistency_weight: float = 1.0
    smoothness_weight: float = 0.1


@dataclass(frozen=True)
class RealConfig:
    """Crops of real pairs.

    Attributes:
        every: each so many steps is one on real pairs: 1 for all, 0 for none; the others have truth.
        crop: height and width in px; smaller pairs are taken whole.
        max_disparity: d of a crop; where disparities of a pair are larger, the reference's part is moved.
        validation_crop: height and width in px of the middles of held-out pairs, at most.
        augmentation: what is done to crops at random.
        weight: of everything that real pairs contribute to the loss.
    """

    every: int = 1
    crop: tuple[int, int] = (256, 512)
    max_disparity: int = 48
    validation_crop: tuple[int, int] = (512, 768)
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(permute=0.0, jitter=0.0))
    weight: float = 1.0


@dataclass(frozen=True)
class SupervisedConfig:
    """Steps with truth: on generated scenes, and on colour stereo pairs where some are given.

    Attributes:
        shapes: crops of generated scenes; a preset without a matching stride of its own has all at stride 1.
        stereo_share: share of these steps that take colour stereo pairs, if there are any.
        stereo_crop: height and width in px of their crops.
        stereo_max_disparity: d of their crops.
        augmentation: what is done to their crops at random.
        matching_weight, chroma_weight, refined_weight: of the cross-entropy of W, of the first pass's mean
            absolute error in chroma, and of the refined one's.
        spread_weight: weight of the refiner's spread colours within its error: they should be right by
            themselves.
    """

    shapes: tuple[CropShape, ...] = (
        CropShape(256, 384, 112, 4, 0.45),
        CropShape(144, 224, 72, 2, 0.3),
        CropShape(80, 144, 40, 1, 0.25),
    )
    stereo_share: float = 0.5
    stereo_crop: tuple[int, int] = (192, 320)
    stereo_max_disparity: int = 96
    augmentation: Augmentation = field(default_factory=Augmentation)
    matching_weight: float = 0.2
    chroma_weight: float = 20.0
    refined_weight: float = 20.0
    spread_weight: float = 0.3


@dataclass(frozen=True)
class StructureStage:
    """`train structure`.

    Attributes:
        network: size of the structure network.
        samples: how registered pairs are drawn and warped.
    """

    run: RunConfig = field(default_factory=RunConfig)
    network: StructureConfig = PAPER_SIZE
    samples: SampleConfig = field(default_factory=SampleConfig)


@dataclass(frozen=True)
class ColorizerStage:
    """`train colorizer`.

    Attributes:
        pretrain_steps: so many first steps have truth, all of them; `real.every` holds from there on.
        joint_refiner: train the refiner along with the colorizer, on its detached output.
        joint_refinement_weight: of R'_C → R_C in steps on real pairs, when the refiner is trained along.
    """

    run: RunConfig = field(default_factory=RunConfig)
    losses: LossConfig = field(default_factory=LossConfig)
    real: RealConfig = field(default_factory=RealConfig)
    supervised: SupervisedConfig = field(default_factory=SupervisedConfig)
    pretrain_steps: int = 0
    joint_refiner: bool = False
    joint_refinement_weight: float = 10.0


@dataclass(frozen=True)
class RefinerStage:
    """`train refiner`, with the colorizer frozen.

    Attributes:
        loss: error of the refined chroma, mean square (the paper) or mean absolute.
        weight: of that error; chroma is small, and its square smaller.
    """

    run: RunConfig = field(default_factory=RunConfig)
    real: RealConfig = field(default_factory=RealConfig)
    supervised: SupervisedConfig = field(default_factory=SupervisedConfig)
    loss: Literal["l2", "l1"] = "l2"
    weight: float = 100.0


@dataclass(frozen=True)
class Recipe:
    """All of `train all`.

    Attributes:
        preset: whose colorizer `network` describes.
        seed: source of all random choices.
        held_out: share of the pairs that is never trained on, by scene, 0 … 1; the paper holds out 0.3.
        held_out_names: pairs to hold out, with their scenes, instead of a drawn share; for folds.
        align_rows: even out what rectification left between the rows of the pairs, as the engine does.
        data_licence: of the pairs; goes into the card.
    """

    preset: Literal["live", "paper"] = "paper"
    seed: int = 0
    held_out: float = 0.3
    held_out_names: tuple[str, ...] = ()
    align_rows: bool = True
    data_licence: str = "not stated"
    network: LiveConfig | PaperConfig = field(default_factory=lambda: PaperConfig(filters=16))
    refiner_network: RefinerConfig = field(default_factory=RefinerConfig)
    structure: StructureStage = field(default_factory=StructureStage)
    colorizer: ColorizerStage = field(default_factory=ColorizerStage)
    refiner: RefinerStage = field(default_factory=RefinerStage)
