"""From signs to a Dice, or the size of a structure, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

WIDTH = 1.0
"""Of the kernel, in root mean square standard deviations of the signs."""
RIDGE = 0.1
"""Added to the diagonal, for a row of weight 1."""
APART = 0.7
"""Two structures lie the square root of 2 times as far from each other, in the same units."""
NEAR = 0.25
"""Share of the rows that an interval is taken from."""
LEAST = 15
"""Such rows, at least."""
COVERED = 0.8
"""Share of cases that are to lie within the interval."""

MOST = 0.99
"""Share of a structure in the sum of its size and its mask's; beyond it the mask says nothing."""


class Expectation(NamedTuple):
    """What is expected of a mask."""

    value: float
    """Such as its Dice, from 0 to 1."""
    lower: float
    """What a tenth is below."""
    upper: float
    """What a tenth is above."""


@dataclass(frozen=True)
class Estimator:
    """Kernel ridge regression of a share on signs, and its errors on patients left out.

    A Gaussian kernel over the signs, each divided by its standard deviation, and over which
    structure it is. An interval is the 10th to the 90th percentile of the errors that were made,
    each patient being left out, where something like it was expected; with few images it is moved
    outwards as split conformal prediction does (Vovk et al., 2005): of n, the share q becomes
    (q (n + 1) - 1) / n.
    """

    signs: np.ndarray
    """Of rows, (R, F)."""
    structure: np.ndarray
    """Which structure a row is of, (R,)."""
    value: np.ndarray
    """What it came to, such as Dice, from 0 to 1, (R,)."""
    patient: np.ndarray
    """Whose image it is of, a number, (R,)."""
    image: np.ndarray
    """Which image it is of, a number, (R,)."""
    weight: np.ndarray
    """How much a row counts, above 0, (R,)."""

    def expect(self, signs: np.ndarray, structure: int) -> Expectation:
        """Of one mask.

        Args:
            signs: (F,).
            structure: Which one.
        """
        point = self._point(signs[None], np.array([structure]))
        kernel = _kernel(point, self._points)[0]
        expected = float(np.clip(kernel @ self._factors + self._mean, 0, 1))
        lower, upper = self._errors(expected)
        bounds = np.clip([expected + lower, expected + upper], 0, 1)
        return Expectation(expected, float(bounds[0]), float(bounds[1]))

    @cached_property
    def left_out(self) -> np.ndarray:
        """What would be expected of each row if its patient were not there, (R,).

        In closed form: with ``G`` the inverse of kernel and ridge, the errors of the rows ``b`` of
        a patient are ``inv(G[b, b]) (G y)[b]``.
        """
        errors = np.zeros(len(self.value))
        for patient in np.unique(self.patient):
            own = np.flatnonzero(self.patient == patient)
            block = self._inverse[np.ix_(own, own)]
            errors[own] = np.linalg.solve(block, self._factors[own])
        found: np.ndarray = np.clip(self.value - errors, 0, 1)
        return found

    def _errors(self, expected: float) -> tuple[float, float]:
        """Bounds of the errors of rows of which about as much was expected."""
        apart = np.abs(self.left_out - expected)
        count = min(len(apart), max(LEAST, round(NEAR * len(apart))))
        reach = np.sort(apart)[count - 1] + 1e-9
        weight = self.weight * np.clip(1 - apart / reach, 0, None)
        errors = self.value - self.left_out
        order = np.argsort(errors)
        share = np.cumsum(weight[order]) / weight.sum()
        images = len(np.unique(self.image))
        tail = max(0.0, ((1 - COVERED) / 2 * (images + 1) - 1) / images)
        tails = (tail, 1 - tail)
        lower, upper = (min(int(np.searchsorted(share, t)), len(order) - 1) for t in tails)
        return float(errors[order][lower]), float(errors[order][upper])

    @cached_property
    def _scale(self) -> tuple[np.ndarray, np.ndarray]:
        return self.signs.mean(axis=0), self.signs.std(axis=0) + 1e-6

    def _point(self, signs: np.ndarray, structure: np.ndarray) -> np.ndarray:
        mean, spread = self._scale
        which = np.eye(int(self.structure.max()) + 1)[structure]
        return np.concatenate([(signs - mean) / spread / signs.shape[1] ** 0.5, APART * which], 1)

    @cached_property
    def _points(self) -> np.ndarray:
        return self._point(self.signs, self.structure)

    @cached_property
    def _mean(self) -> float:
        return float(np.average(self.value, weights=self.weight))

    @cached_property
    def _inverse(self) -> np.ndarray:
        ridge = np.diag(RIDGE / self.weight)
        found: np.ndarray = np.linalg.inv(_kernel(self._points, self._points) + ridge)
        return found

    @cached_property
    def _factors(self) -> np.ndarray:
        found: np.ndarray = self._inverse @ (self.value - self._mean)
        return found


def true_size(share: Expectation) -> Expectation:
    """Size of a structure as a multiple of its mask's.

    Args:
        share: The structure's part of the sum of both sizes, from 0 to 1: a half where they are
            equal. It is bounded where the quotient is not, so that one empty mask among those that
            are learned from does not decide everything.
    """
    return Expectation(*(min(part, MOST) / (1 - min(part, MOST)) for part in share))


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.exp(-squared_distances(first, second) / (2 * WIDTH**2))
    return found


def squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of each row of one table from each of the other, (R, R')."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None]
    found: np.ndarray = (squares - 2 * first @ second.T).clip(min=0)
    return found
