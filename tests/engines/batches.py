"""Small batches, networks and loaders for tests of the engines."""

from __future__ import annotations

import torch
from torch.utils.data import DataLoader

from gemini_monai.data.iterations import IterationDataset, RemainingIterations
from gemini_monai.networks import Gemini


def small_network(seed=0):
    torch.manual_seed(seed)
    return Gemini(2, 1, 3, channels=(4, 8))


def items(count, *, labels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(count, 1, 8, 8, generator=generator)
    values = torch.randint(0, 3, (count, 1, 8, 8), generator=generator)
    return [
        {"image": image, **({"label": value} if labels else {})}
        for image, value in zip(images, values, strict=True)
    ]


def loader(iterations, **options):
    options = {"labeled_images": 2, "pairs": 1} | options
    labeled, unlabeled = items(4, labels=True), items(5, labels=False, seed=1)
    dataset = IterationDataset(labeled, unlabeled, iterations=iterations, **options)
    return DataLoader(dataset, batch_size=None, sampler=RemainingIterations(iterations))
