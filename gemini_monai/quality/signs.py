"""What may tell, without the truth, how good a mask is: numbers of a structure in an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.quality.looks import Look

SIGNS = (
    "certainty",
    "agreement",
    "least_agreement",
    "volume",
    "appearance",
    "place",
    "doubt",
    "image",
)
"""Names of the columns of ``signs_of``."""
FAR = 50.0
"""Standard deviations beyond which a distance says no more."""


@dataclass(frozen=True)
class Reference:
    """How a structure is in images whose label is known: means and standard deviations."""

    volume: np.ndarray
    """Of the logarithm of its voxels, (2,)."""
    place: np.ndarray
    """Of its center as a share of the image's sides, (2, N)."""
    appearance: np.ndarray
    """Of the mean of its dense features, (2, C)."""

    @classmethod
    def of(cls, masks: Sequence[Tensor], features: Sequence[Tensor]) -> Reference:
        """From images that have the structure.

        Args:
            masks: Of the structure, (*S), at least one, none empty.
            features: Of the images, (C, *T).
        """
        volumes = np.array([np.log(float(mask.sum())) for mask in masks])
        places = np.stack([_center(mask) for mask in masks])
        looks = np.stack([_mean_in(own, mask) for own, mask in zip(features, masks, strict=True)])
        least = 1e-3 * np.abs(looks).mean() + 1e-6
        return cls(_spread(volumes, 0.1), _spread(places, 0.02), _spread(looks, least))


def signs_of(
    look: Look, masks: Tensor, references: Sequence[Reference | None], *, distance: float
) -> np.ndarray:
    """Numbers of each structure, (K, ``SIGNS``).

    ``certainty`` is the Dice that the probabilities expect of the mask; ``agreement`` the mean, and
    ``least_agreement`` the smallest Dice with the other views' masks; ``doubt`` the mean entropy
    within the mask, in nats. ``volume``, ``place`` and ``appearance`` are logarithms of 1 + the
    distance from the references in standard deviations, and ``image`` of the image's distance.

    Args:
        look: What the network finds.
        masks: What is judged, (K, *S).
        references: Of each structure; ``None`` where no label has it.
        distance: Of the image from those trained on.
    """
    rows = []
    entropy = _entropy(look.probability)
    for k, mask in enumerate(masks):
        agreements = [dice(other[k], mask) for other in look.others]
        row = [dice(look.probability[k], mask), float(np.mean(agreements)), min(agreements)]
        row += _distances(mask, look, references[k])
        doubt = float((entropy[k] * mask).sum() / mask.sum().clamp(min=1))
        rows.append([*row, doubt, float(np.log1p(min(distance, FAR)))])
    return np.array(rows)


def dice(first: Tensor, second: Tensor) -> float:
    """Of two maps from 0 to 1; 0 where both are empty."""
    both = float(first.sum() + second.sum())
    return 2 * float((first * second).sum()) / both if both else 0.0


def _distances(mask: Tensor, look: Look, reference: Reference | None) -> list[float]:
    """``volume``, ``appearance`` and ``place``; all far for what is empty or was never seen."""
    if reference is None or not bool(mask.any()):
        return [float(np.log1p(FAR))] * 3
    found = (
        (np.log(float(mask.sum())), reference.volume),
        (_mean_in(look.features, mask), reference.appearance),
        (_center(mask), reference.place),
    )
    apart = [np.sqrt((((own - mean) / spread) ** 2).mean()) for own, (mean, spread) in found]
    return [float(np.log1p(min(own, FAR))) for own in apart]


def _entropy(probability: Tensor) -> Tensor:
    """Of each structure being there or not, (K, *S), in nats."""
    likely = probability.clamp(1e-6, 1 - 1e-6)
    return -(likely * likely.log() + (1 - likely) * (1 - likely).log())


def _center(mask: Tensor) -> np.ndarray:
    """Of a mask (*S), as a share of each side."""
    shape = np.array(mask.shape)
    return (mask.nonzero().float().mean(dim=0).numpy() + 0.5) / shape


def _mean_in(features: Tensor, mask: Tensor) -> np.ndarray:
    """Mean of features (C, *T) in a mask (*S), brought to their grid."""
    inside = mask[None, None].float()
    if features.shape[1:] != mask.shape:
        inside = F.interpolate(inside, features.shape[1:], mode="area")
    total = (features * inside[0]).flatten(1).sum(dim=1)
    found: np.ndarray = (total / inside.sum().clamp(min=1e-6)).numpy()
    return found


def _spread(values: np.ndarray, least: float) -> np.ndarray:
    """Mean and standard deviation over the first axis, the latter with something added."""
    return np.stack([values.mean(axis=0), values.std(axis=0) + least])


def pooled(features: Tensor) -> np.ndarray:
    """Means of dense features (C, *T) in a coarse grid of places, flat."""
    cells = 4 if features.ndim == 3 else 3
    pool = torch.nn.AdaptiveAvgPool2d if features.ndim == 3 else torch.nn.AdaptiveAvgPool3d
    found: np.ndarray = pool(cells)(features[None])[0].flatten().numpy()
    return found
