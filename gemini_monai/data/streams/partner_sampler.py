"""Who is paired with whom: within a group, and never a patient with herself."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from gemini_monai.base.errors import InputError

CHOICES = ("uniform", "proportional")


class PartnerSampler:
    """Draws different images of one group, each of another patient.

    Args:
        images: How many there are.
        groups: Group of each, such as view and sex of an X-ray; ``None`` for one of all.
        patients: Patient of each; ``None`` for one each.
        paired: Whether each may be drawn; ``None`` for all.
        choice: ``"uniform"``: every group as often as any other, what the authors' code does.
            ``"proportional"``: by its number of images.
        needed: Different patients that a draw takes at most.

    Raises:
        InputError: If no group, or with several some group, has as many patients as are needed.
            Groups of a single patient are left out with a warning that names them.
        ValueError: If ``choice`` is not one of the two.
    """

    def __init__(
        self,
        images: int,
        *,
        groups: Sequence[str] | None = None,
        patients: Sequence[str] | None = None,
        paired: Sequence[bool] | None = None,
        choice: str = "uniform",
        needed: int = 2,
    ) -> None:
        if choice not in CHOICES:
            raise ValueError(f"choice must be one of {CHOICES}, got '{choice}'")
        drawn = [k for k in range(images) if paired is None or paired[k]]
        everything = _members(drawn, groups=groups, patients=patients)
        self.groups = {name: members for name, members in everything.items() if len(members) > 1}
        alone = sorted(set(everything) - set(self.groups))
        if alone and self.groups:
            names = ", ".join(f"'{name}'" for name in alone)
            logging.getLogger(__name__).warning(
                "group(s) %s have one patient each and are left out: nobody to pair with", names
            )
        for name, members in (self.groups or everything or {"": []}).items():
            if len(members) < needed:
                where = f"group '{name}' has" if name else "there are"
                raise InputError(
                    f"{where} {len(members)} unlabeled image(s) of different patients: "
                    f"a draw needs {needed} or more"
                )
        sizes = [1 if choice == "uniform" else _images(m) for m in self.groups.values()]
        self.shares = np.array(sizes) / sum(sizes)

    def has(self, image: int) -> bool:
        """Whether an image has somebody to be paired with."""
        return self._place(image) is not None

    def partner_of(self, random: np.random.Generator, image: int) -> int:
        """An image of another patient of its group."""
        group_and_patient = self._place(image)
        if group_and_patient is None:
            raise ValueError(f"image {image} has nobody to be paired with")
        group, patient = group_and_patient
        others = [k for k, _ in enumerate(self.groups[group]) if k != patient]
        images = self.groups[group][others[int(random.integers(len(others)))]]
        return images[int(random.integers(len(images)))]

    def _place(self, image: int) -> tuple[str, int] | None:
        """Its group, and the number of its patient there."""
        for name, members in self.groups.items():
            for number, images in enumerate(members):
                if image in images:
                    return name, number
        return None

    def draw(self, random: np.random.Generator, count: int) -> list[int]:
        """``count`` images of one group, each of another patient."""
        names = list(self.groups)
        group = int(random.choice(len(names), p=self.shares)) if len(names) > 1 else 0
        members = self.groups[names[group]]
        chosen = [members[k] for k in random.permutation(len(members))[:count]]
        return [
            images[int(random.integers(len(images)))] if len(images) > 1 else images[0]
            for images in chosen
        ]


def _members(
    images: Sequence[int], *, groups: Sequence[str] | None, patients: Sequence[str] | None
) -> dict[str, list[list[int]]]:
    """For each group the images of each of its patients."""
    groups_of: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for image in images:
        patient = patients[image] if patients is not None else str(image)
        groups_of[groups[image] if groups is not None else ""][patient].append(image)
    return {name: list(members.values()) for name, members in groups_of.items()}


def _images(members: list[list[int]]) -> int:
    return sum(len(images) for images in members)
