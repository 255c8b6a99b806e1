"""Sizes at which ``benchmarks.gpu`` measures a step, and the ways to compute it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gemini_monai.networks import Gemini, placed
from gemini_monai.objectives import (
    ContrastObjective,
    HomeomorphismObjective,
    Learner,
    Objective,
    SegmentationObjective,
)

PAPER = (32, 64, 128, 256, 512)


@dataclass(frozen=True)
class Setting:
    """A size to train at: voxels, pairs of images, widths, classes, the field's resolution."""

    size: tuple[int, ...]
    pairs: int
    channels: tuple[int, ...]
    classes: int = 5
    half_resolution_field: bool = False
    ways: tuple[str, ...] = ()
    """Keys of ``WAYS`` where all would take too long."""


CHOSEN = ("bfloat16, cuDNN benchmark", "default, memory low", "default, same losses")
SETTINGS = {
    "2d_96": Setting((96, 96), 4, (16, 32, 64, 128), half_resolution_field=True),
    "2d_512": Setting((512, 512), 5, PAPER),
    "3d_48": Setting((48, 48, 48), 4, (16, 32, 64, 128), half_resolution_field=True),
    "3d_144": Setting((144, 144, 128), 1, PAPER, classes=8, ways=("tf32", *CHOSEN)),
}
"""The defaults in 2-D and 3-D, and the paper's."""


@dataclass(frozen=True)
class Way:
    """How a step is computed."""

    tf32: bool = True
    bfloat16: bool = True
    channels_last: bool = True
    benchmark: bool = True
    compiled: bool = False
    contrast: bool = True
    memory: str = "normal"


WAYS = {
    "float32": Way(tf32=False, bfloat16=False, channels_last=False, benchmark=False),
    "tf32": Way(bfloat16=False, channels_last=False, benchmark=False),
    "bfloat16": Way(channels_last=False, benchmark=False),
    "bfloat16, channels last": Way(benchmark=False),
    "bfloat16, cuDNN benchmark": Way(channels_last=False),
    "all three": Way(),
    "default, memory low": Way(channels_last=False, memory="low"),
    "default, same losses": Way(channels_last=False, contrast=False),
    "tf32, same losses": Way(bfloat16=False, channels_last=False, benchmark=False, contrast=False),
}
COMPILED = {"default, compiled": Way(channels_last=False, compiled=True)}
"""By default a GPU computes in bfloat16 with the algorithms that cuDNN timed, channels first."""


def learner_of(setting: Setting, way: Way) -> Learner:
    """Network and objectives on the GPU."""
    torch.manual_seed(0)
    network = Gemini(
        len(setting.size),
        1,
        setting.classes,
        setting.channels,
        half_resolution_field=setting.half_resolution_field,
    )
    placed(network, "cuda", compiled=way.compiled, memory=way.memory)
    last = torch.channels_last if len(setting.size) == 2 else torch.channels_last_3d
    kind = last if way.channels_last else torch.contiguous_format
    network.to(memory_format=kind)  # type: ignore[call-overload]
    objectives: dict[str, Objective] = {"homeomorphism": HomeomorphismObjective()}
    if way.contrast:
        objectives["contrast"] = ContrastObjective()
    objectives["segmentation"] = SegmentationObjective(weight=10.0)
    return Learner(network, objectives).to("cuda")


def batch_of(setting: Setting) -> dict[str, Tensor]:
    """Noise, on the GPU."""
    torch.manual_seed(0)
    shape = (setting.pairs, 1, *setting.size)
    keys = ("image_a", "image_b", "view_a", "view_b", "image")
    batch = {key: torch.rand(shape, device="cuda") for key in keys}
    batch["ddf_ab"] = torch.rand(shape[0], len(setting.size), *setting.size, device="cuda")
    batch["label"] = torch.randint(setting.classes, shape, dtype=torch.uint8, device="cuda")
    return batch
