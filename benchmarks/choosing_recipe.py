"""The training of the choosing experiment: small, and the same for every five."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.data import Cohort
from gemini_monai.data.streams.stream import stacked
from gemini_monai.engines.schedule import CosineDecay
from gemini_monai.metrics.dice import dice_per_structure
from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner, SegmentationObjective
from gemini_monai.transforms import preprocessing

ITERATIONS = 150
IMAGES = {2: 5, 3: 2}
"""Of an iteration, by the number of axes."""
CHANNELS = (8, 16, 32)
RATE, FINAL, AVERAGE = 5e-3, 0.01, 0.97
"""Of Adam, the share of it that is left at the end, and of the average of weights."""


def trained(cohort: Cohort, chosen: Sequence[Mapping[str, Any]], *, seed: int) -> Gemini:
    """The average of a supervised training's weights at its end.

    Every iteration has ``IMAGES`` different ones of the labeled scans, each in another random view.

    Args:
        cohort: Whose scans.
        chosen: Those with labels.
        seed: Of weights, batches and views.
    """
    torch.manual_seed(seed)
    before = preprocessing(cohort.input_spec(), fit=True)
    items = [before(dict(entry)) for entry in chosen]
    batch = {key: stacked([item[key] for item in items]) for key in ("image", "label")}
    network = Gemini(cohort.spatial_dims, cohort.channels, _classes(cohort), CHANNELS)
    learner = Learner(network, {"segmentation": SegmentationObjective(weight=1)}, average=AVERAGE)
    optimizer = torch.optim.Adam(learner.trainable(), lr=RATE, fused=True)
    schedule = CosineDecay(optimizer, steps=ITERATIONS, final=FINAL)
    for _ in range(ITERATIONS):
        some = torch.randperm(len(items))[: IMAGES[cohort.spatial_dims]]
        drawn = {key: values[some] for key, values in batch.items()}
        terms = learner(["segmentation"], strongly_augmented(drawn))
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimizer.step()
        learner.after_step(["segmentation"])
        schedule.step()
    return learner.kept.eval()  # type: ignore[return-value]


def _classes(cohort: Cohort) -> int:
    return cohort.input_spec().out_channels


def strongly_augmented(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The batch turned, scaled and shifted at random, in other contrasts, with noise."""
    image, label = batch["image"], batch["label"]
    count, axes = len(image), image.ndim - 2
    turns = torch.linalg.matrix_exp(_skew(torch.empty(count, axes, axes).uniform_(-0.52, 0.52)))
    matrix = turns / torch.empty(count, 1, 1).uniform_(0.7, 1.4)
    moves = torch.empty(count, axes, 1).uniform_(-0.12, 0.12)  # of half a side: 6 % of a side
    grid = F.affine_grid(torch.cat([matrix, moves], dim=2), list(image.shape), align_corners=False)
    moved = F.grid_sample(image, grid, align_corners=False)
    places = F.grid_sample(label, grid, mode="nearest", align_corners=False)
    each = (count, *[1] * (axes + 1))
    curved = moved.clamp(0, 1) ** torch.empty(each).uniform_(-0.5, 0.5).exp()
    scaled = curved * torch.empty(each).uniform_(0.7, 1.3)
    noisy = scaled + torch.randn_like(scaled) * torch.empty(each).uniform_(0, 0.06)
    return {"image": noisy.clamp(0, 1), "label": places}


def _skew(values: Tensor) -> Tensor:
    return values.triu(1) - values.triu(1).transpose(1, 2)


@torch.inference_mode()
def dice_of(network: Gemini, items: Sequence[Mapping[str, Any]], *, cohort: Cohort) -> list[float]:
    """Mean Dice over structures of each scan, on the network's grid.

    Args:
        network: It.
        items: Scans as the network sees them, with labels.
        cohort: Whose structures.
    """
    classes = _classes(cohort)
    scores = []
    for item in items:
        logits = network(item["image"].as_tensor()[None].float())
        pair = (logits.argmax(dim=1), item["label"].as_tensor().long())
        masks = [torch.stack([own == k for k in range(1, classes)], dim=1) for own in pair]
        scores.append(float(dice_per_structure(*masks).nanmean()))
    return scores
