"""Small batches, networks and loaders for tests of trainer and handlers."""

from __future__ import annotations

import torch
from torch.utils.data import DataLoader

from gemini_monai.data import IterationDataset, Labeled, Pairs, RemainingIterations
from gemini_monai.networks import Gemini
from gemini_monai.objectives import HomeomorphismObjective, Learner, SegmentationObjective


def small_network(seed=0):
    torch.manual_seed(seed)
    return Gemini(2, 1, 3, channels=(4, 8))


def small_learner(seed=0):
    """A learner of pairs and labels."""
    objectives = {"pairs": HomeomorphismObjective(), "labels": SegmentationObjective()}
    return Learner(small_network(seed), objectives)


def items(count, *, labels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(count, 1, 8, 8, generator=generator)
    values = torch.randint(0, 3, (count, 1, 8, 8), generator=generator)
    return [
        {"image": image, **({"label": value} if labels else {})}
        for image, value in zip(images, values, strict=True)
    ]


def loader(iterations, **options):
    data = items(4, labels=True) + items(5, labels=False, seed=1)
    streams = {"labeled": Labeled(2), "pairs": Pairs(1)}
    dataset = IterationDataset(data, streams, iterations=iterations, **options)
    return DataLoader(dataset, batch_size=None, sampler=RemainingIterations(iterations))
