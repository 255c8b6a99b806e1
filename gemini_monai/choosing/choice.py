"""Which scans were chosen, what each stands for, and which stand out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gemini_monai.choosing.distances import FAR, Array

NAMED = 3
"""Scans of other patients that a reason names."""


@dataclass(frozen=True)
class Scan:
    """A scan that may be labeled."""

    case: str
    image: str
    """Its file or folder."""
    patient: str
    """The case itself where no table says it."""
    group: str = ""
    """Such as view and sex of an X-ray; empty where there are none."""


@dataclass(frozen=True)
class Choice:
    """Scans to label, in their order, beside all that they were chosen from.

    Scans are told by their places in ``scans``, from 0.
    """

    scans: tuple[Scan, ...]
    chosen: tuple[int, ...]
    """Places of the scans to label, the first one first."""
    already: tuple[int, ...]
    """Places of scans that have labels."""
    between: Array
    """Distances between scans, (n, n)."""
    outlyingness: Array
    """How far out each lies, in robust standard deviations, (n,); see ``outlyingness``."""
    weights: Array
    """What each counts, (n,): the scans of a patient one together."""
    plane: Array
    """Each scan's first two principal components, (n, 2)."""
    settings: Mapping[str, Any]
    """Data set, strategy, features and seed, by name."""

    @property
    def cases(self) -> list[str]:
        """Names of the scans to label, in their order."""
        return [self.scans[k].case for k in self.chosen]

    @property
    def outstanding(self) -> list[int]:
        """Places of scans that stand out and were not to be chosen, the farthest first."""
        far = np.flatnonzero(self.outlyingness >= FAR)
        return [int(k) for k in far[np.argsort(-self.outlyingness[far], kind="stable")]]

    @property
    def stands_for(self) -> list[list[int]]:
        """Places of the scans that each labeled one is nearest to, the nearest first.

        First of the ``already`` labeled ones, then of the chosen. A scan that stands out is in no
        list, and a labeled scan in its own alone.
        """
        labeled = [*self.already, *self.chosen]
        nearest = self.between[:, labeled].argmin(axis=1)
        nearest[labeled] = np.arange(len(labeled))
        left_out = set(self.outstanding) - set(labeled)
        parts: list[list[int]] = []
        for k, center in enumerate(labeled):
            inside = [int(n) for n in np.flatnonzero(nearest == k) if int(n) not in left_out]
            parts.append(sorted(inside, key=lambda n: (n != center, self.between[n, center])))
        return parts

    @property
    def parts(self) -> list[list[int]]:
        """Places of the scans that each chosen one stands for, itself first."""
        return self.stands_for[len(self.already) :]

    @property
    def others(self) -> list[list[int]]:
        """Places of the scans of other patients that each chosen one stands for, nearest first."""
        own = [self.scans[k].patient for k in self.chosen]
        return [
            [k for k in part if self.scans[k].patient != patient]
            for part, patient in zip(self.parts, own, strict=True)
        ]

    @property
    def shares(self) -> list[float]:
        """Share of the patients that each chosen scan stands for, 0 to 1."""
        counted = self.weights.sum()
        return [float(self.weights[part].sum() / counted) for part in self.parts]

    @property
    def distances_left(self) -> list[float]:
        """Mean distance to the nearest labeled scan once each chosen one has its label.

        Of the mean distance between two scans, so that 1 means no nearer than by chance.
        """
        counted = self.weights.sum()
        by_chance = float(self.weights @ self.between @ self.weights) / counted**2
        left = []
        for count in range(1, len(self.chosen) + 1):
            labeled = [*self.already, *self.chosen[:count]]
            mean = float(self.weights @ self.between[:, labeled].min(axis=1)) / counted
            left.append(mean / by_chance if by_chance > 0 else 0.0)
        return left

    @property
    def reasons(self) -> list[str]:
        """What part of the folder each chosen scan stands for, in words."""
        known = zip(self.parts, self.others, self.shares, strict=True)
        return [
            _reason(len(part), [self.scans[k].case for k in others], share)
            for part, others, share in known
        ]


def _reason(scans: int, others: Sequence[str], share: float) -> str:
    """Of a part of so many scans, some of them of other patients."""
    if scans == 1:
        return f"stands for itself alone, {100 * share:.0f} % of the folder"
    more = "1 scan more" if scans == 2 else f"{scans - 1} scans more"
    names = ", ".join(others[:NAMED]) + (", ..." if len(others) > NAMED else "")
    of_others = f", such as {names}" if others else " of the same patient"
    return f"stands for {100 * share:.0f} % of the folder: itself and {more}{of_others}"
