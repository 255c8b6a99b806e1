"""Whether an image is like those that a network was trained on, and the same way up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from gemini_monai.quality.estimate import squared_distances

NEAREST = 3
"""Images that a distance is the mean over."""
RARE = 0.02
"""Share of the images trained on that are further from the others than what is flagged."""
SIDE = {2: 12, 3: 8}
"""Voxels a side of the small image that is asked which way up it is."""
RIDGE = 10.0
WIDTH = 0.7
"""Of the kernel between small images, as mean squared difference of normalized ones."""
WRONG = 0.01
"""Share of the images trained on that would be held for mirrored, of each way."""
FOLDS = 5
FEWEST = 20
"""Patients below which nobody says which way up."""


@dataclass(frozen=True)
class Familiarity:
    """Distances between images, by means of their dense features in a coarse grid of places."""

    rows: np.ndarray
    """Of the images trained on, (M, F)."""
    patient: np.ndarray
    """Whose they are, numbers, (M,)."""

    def distance(self, row: np.ndarray, *, patient: int = -1) -> float:
        """Mean distance from the nearest ones, in units of the usual one, which is 1.

        Args:
            row: (F,).
            patient: Whose images are passed over.
        """
        apart = self.apart(row[None], self.rows)[0]
        return float(_nearest(apart[self.patient != patient]) / self._usual)

    @property
    def limit(self) -> float:
        """Distance above which an image is not like those trained on."""
        return float(np.quantile(self._own, 1 - RARE) / self._usual)

    def apart(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Distances of images from others, (A, B), in standard deviations of those trained on.

        Args:
            rows: (A, F).
            others: (B, F).
        """
        scale = self.rows.std(axis=0) + 1e-3
        mean = self.rows.mean(axis=0)
        squares = squared_distances((rows - mean) / scale, (others - mean) / scale)
        found: np.ndarray = np.sqrt(squares / self.rows.shape[1])
        return found

    @cached_property
    def _own(self) -> np.ndarray:
        """Of each image trained on, without those of its patient."""
        apart = self.apart(self.rows, self.rows)
        others = self.patient[:, None] != self.patient[None]
        return np.array([_nearest(own[there]) for own, there in zip(apart, others, strict=True)])

    @cached_property
    def _usual(self) -> float:
        return float(np.median(self._own)) + 1e-9


def _nearest(apart: np.ndarray) -> float:
    return float(np.sort(apart)[:NEAREST].mean()) if len(apart) else 0.0


@dataclass(frozen=True)
class Uprightness:
    """Kernel ridge regression that tells small images as they are from their mirror images.

    Learned from the images trained on and all their mirror images. Of each way to mirror, an image
    is held for mirrored if it looks more so than all but one in a hundred of those images, patients
    being left out.
    """

    small: np.ndarray
    """Normalized images trained on, (M, *T)."""
    patient: np.ndarray
    """Whose they are, numbers, (M,)."""

    def mirrored(self, small: np.ndarray) -> tuple[int, ...]:
        """Axes along which an image seems to be mirrored; none if it is the right way up.

        Args:
            small: (*T), as ``small_image`` makes it.
        """
        if self._limits is None:
            return ()
        margins = _margins(self.small, self._factors, small[None])[0]
        excess = self._limits - margins
        return ways(small.ndim)[int(excess.argmax())] if excess.max() > 0 else ()

    @cached_property
    def _factors(self) -> np.ndarray:
        return _factors(self.small)

    @cached_property
    def _limits(self) -> np.ndarray | None:
        """Of each way, the margin that one in a hundred is below; ``None`` of too few patients."""
        people = np.unique(self.patient)
        if len(people) < FEWEST:
            return None
        fold = {p: k % FOLDS for k, p in enumerate(np.random.default_rng(0).permutation(people))}
        of_fold = np.array([fold[p] for p in self.patient])
        margins = np.zeros((len(self.small), len(ways(self.small.ndim - 1))))
        for k in range(FOLDS):
            known = self.small[of_fold != k]
            margins[of_fold == k] = _margins(known, _factors(known), self.small[of_fold == k])
        found: np.ndarray = np.quantile(margins, WRONG, axis=0)
        return found


def small_image(image: Tensor) -> np.ndarray:
    """The first channel of an image (C, *S), small, of mean 0 and standard deviation 1."""
    axes = image.ndim - 1
    pool = torch.nn.AdaptiveAvgPool2d if axes == 2 else torch.nn.AdaptiveAvgPool3d
    small: np.ndarray = pool(SIDE[axes])(image[:1][None].float())[0, 0].numpy()
    normalized: np.ndarray = (small - small.mean()) / (small.std() + 1e-6)
    return normalized


def ways(axes: int) -> list[tuple[int, ...]]:
    """To mirror an image: along one of its axes, two, or all."""
    return [some for k in range(1, axes + 1) for some in combinations(range(axes), k)]


def _all_ways(small: np.ndarray) -> list[np.ndarray]:
    """Images (M, *T) as they are, then mirrored in each way; each (M, T)."""
    seen = [
        small,
        *(np.flip(small, tuple(axis + 1 for axis in way)) for way in ways(small.ndim - 1)),
    ]
    return [own.reshape(len(small), -1) for own in seen]


def _factors(small: np.ndarray) -> np.ndarray:
    """Of the kernel with each image in each way: those as they are come to 1, others to 0."""
    seen = _all_ways(small)
    rows = np.concatenate(seen)
    wanted = np.repeat([1.0, *[0.0] * (len(seen) - 1)], len(small)) - 1 / len(seen)
    found: np.ndarray = np.linalg.solve(_likeness(rows, rows) + RIDGE * np.eye(len(rows)), wanted)
    return found


def _margins(known: np.ndarray, factors: np.ndarray, small: np.ndarray) -> np.ndarray:
    """How much more images look right as they are than in each way, (M, ways)."""
    rows = np.concatenate(_all_ways(known))
    scores = np.stack([_likeness(own, rows) @ factors for own in _all_ways(small)], axis=1)
    found: np.ndarray = scores[:, :1] - scores[:, 1:]
    return found


def _likeness(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.exp(-squared_distances(first, second) / (2 * WIDTH * first.shape[1]))
    return found


def numbers_of(names: Sequence[str]) -> np.ndarray:
    """A number for each name, the same for the same."""
    known = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([known[name] for name in names], dtype=np.int64)
