"""Labels on another grid and back: by nearest voxel, by the largest share, and as training does.

    python -m benchmarks.labels compare

A ball and curved tubes of 1.2, 2 and 3 mm, drawn at random, go to other voxel sizes and come back.
Shown are, for the ball and the thinnest tube: Dice with what they were, in percent; and how much of
the volume on file is there on the other grid, in percent. ``lost`` counts structures of all draws
that have no voxel there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.metrics.meandice import DiceHelper
from monai.transforms import AsDiscrete, Spacing

from benchmarks.command import run_command
from gemini_monai.transforms.labels import resampled_label

SIDE = 64
DIAMETERS = (1.2, 2.0, 3.0)
"""Of tubes in mm, the values 2, 3 and 4; the ball of 24 mm is 1."""
CLASSES = 2 + len(DIAMETERS)
GRIDS = (
    ((1, 1, 1), (1.5, 1.5, 1.5)),
    ((1, 1, 1), (2, 2, 2)),
    ((1, 1, 1), (2, 2, 5)),
    ((1, 1, 5), (1.4, 1.4, 1.4)),
    ((1, 1, 1), (0.7, 0.7, 0.7)),
)
"""Voxel size on file and of the network, in mm."""
Method = Callable[[MetaTensor, Spacing, Any], MetaTensor]


class Kept(NamedTuple):
    """What is left of each structure, (structures,), and the CPU seconds that it took."""

    dice: np.ndarray
    """In [0, 1], of the way there and back."""
    volume: np.ndarray
    """Of that on file, on the other grid."""
    seconds: float


def drawn(seed: int, spacing: tuple[float, ...]) -> MetaTensor:
    """A label map (1, *S) of a ball and tubes, each through the middle of the volume."""
    random = np.random.default_rng(seed)
    shape = [round(SIDE / size) for size in spacing]
    points = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1) * spacing
    label = np.zeros(shape)
    label[np.linalg.norm(points - random.uniform(24, 40, 3), axis=-1) <= 12] = 1
    for value, diameter in enumerate(DIAMETERS, start=2):
        along, across = np.linalg.qr(random.normal(size=(3, 3)))[0][:2]
        offset = points - random.uniform(20, 44, 3)
        length = offset @ along
        bend = 6 * np.sin(length / 12)
        distance = np.linalg.norm(
            offset - length[..., None] * along - bend[..., None] * across, axis=-1
        )
        label[(distance <= diameter / 2) & (np.abs(length) < 20)] = value
    affine = torch.diag(torch.tensor([*map(float, spacing), 1.0], dtype=torch.float64))
    return MetaTensor(torch.as_tensor(label, dtype=torch.float32)[None], affine=affine)


def nearest(label: MetaTensor, spacing: Spacing, shape: Any) -> MetaTensor:
    """The value of the nearest voxel."""
    return spacing(label, mode="nearest", output_spatial_shape=shape)


def largest(label: MetaTensor, spacing: Spacing, shape: Any) -> MetaTensor:
    """All structures interpolated at once, and the one with the largest share."""
    one_hot = AsDiscrete(to_onehot=CLASSES)(label)
    return AsDiscrete(argmax=True)(spacing(one_hot, output_spatial_shape=shape))


def trained_on(label: MetaTensor, spacing: Spacing, shape: Any) -> MetaTensor:
    """As training has them."""
    return resampled_label(label, partial(spacing, output_spatial_shape=shape))


METHODS: dict[str, Method] = {"nearest": nearest, "largest": largest, "training": trained_on}


def kept(method: Method, label: MetaTensor, spacing: tuple[float, ...]) -> Kept:
    """What a method leaves of a label that goes to other voxels and comes back."""
    forth, back = (
        Spacing(list(size), mode="bilinear", dtype=np.float32)
        for size in (spacing, label.pixdim.tolist())
    )
    start = time.process_time()
    moved = method(label, forth, None)
    seconds = time.process_time() - start
    again = method(moved, back, label.shape[1:])
    one_hot = AsDiscrete(to_onehot=CLASSES)
    scores, _ = DiceHelper(num_classes=CLASSES, include_background=False, reduction="none")(
        one_hot(again)[None], one_hot(label)[None]
    )
    ratio = float(np.prod(spacing) / np.prod(label.pixdim.numpy()))
    counts = [[int((own == k).sum()) for k in range(1, CLASSES)] for own in (moved, label)]
    volume = ratio * np.array(counts[0]) / np.array(counts[1])
    return Kept(np.asarray(scores)[0], volume, seconds)


def compare(*, draws: int = 6) -> None:
    """Print a table.

    Args:
        draws: Label maps of each grid.
    """
    torch.set_num_threads(1)
    print("| on file, mm | network, mm | labels | ball | tube | volume of the tube | lost | ms |")
    print("|---|---|---|---|---|---|---|---|")
    for on_file, wanted in GRIDS:
        labels = [drawn(seed, on_file) for seed in range(draws)]
        for name, method in METHODS.items():
            found = [kept(method, label, wanted) for label in labels]
            dice, volume, seconds = (np.mean(own, axis=0) for own in zip(*found, strict=True))
            lost = sum(int((own.volume == 0).sum()) for own in found)
            cells = [_sizes(on_file), _sizes(wanted), name]
            cells += [f"{100 * value:.1f}" for value in dice[:2]]
            cells += [f"{100 * volume[1]:.0f}", str(lost), f"{1000 * seconds:.0f}"]
            print(f"| {' | '.join(cells)} |")


def _sizes(spacing: tuple[float, ...]) -> str:
    return " x ".join(f"{size:g}" for size in spacing)


if __name__ == "__main__":
    run_command({"compare": compare})
