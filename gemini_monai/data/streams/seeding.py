"""Seeds of random transforms: those that MONAI would set, without generators made anew.

MONAI's ``set_random_state`` makes a generator for each part, 0.13 ms each, and a composition of
eight transforms has over twenty parts. Giving a generator that is there its seed takes 2 us.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from monai.transforms.compose import Compose
from monai.transforms.transform import Randomizable
from monai.utils.misc import MAX_SEED

KNOWN = ("monai.", "gemini_monai.")
"""Packages whose transforms set no other state than generators."""
TRIED = 2024
"""The seed by which MONAI's way and this one are compared."""


class Part(NamedTuple):
    """Generators of one seed, and parts whose seeds are drawn from the first of them."""

    own: list[Randomizable]
    within: list[Part]


class Seeding:
    """Lets the next draws of a transform be those of a seed, as ``set_random_state`` would.

    Args:
        transform: May have no ``set_random_state``; then nothing is done. One that is not MONAI's,
            or in which MONAI's way would set other seeds, is left to its own.
    """

    def __init__(self, transform: Any) -> None:
        self.transform = transform
        self.part: Part | None = None
        if isinstance(transform, Randomizable):
            part = _part_of(transform)
            self.part = part if _comes_to_the_same(transform, part) else None

    def __call__(self, seed: int) -> None:
        """Set it, 0 or more."""
        if self.part is not None:
            _give(self.part, seed)
        elif hasattr(self.transform, "set_random_state"):
            self.transform.set_random_state(seed=seed)


def _part_of(transform: Randomizable) -> Part:
    if not isinstance(transform, Compose):
        return Part(list(_family(transform)), [])
    parts = (own for own in transform.transforms if isinstance(own, Randomizable))
    return Part([transform], [_part_of(own) for own in parts])


def _family(transform: Randomizable) -> Iterator[Randomizable]:
    """What does the work of a transform in a dictionary, with the transform itself."""
    yield transform
    for own in vars(transform).values():
        if isinstance(own, Randomizable):
            yield from _family(own)


def _give(part: Part, seed: int) -> None:
    for own in part.own:
        own.R.seed(seed % MAX_SEED)
    for within in part.within:
        _give(within, int(part.own[0].R.randint(MAX_SEED, dtype="uint32")))


def _comes_to_the_same(transform: Randomizable, part: Part) -> bool:
    """Whether every generator is its transform's own, and has the state that MONAI gives it."""
    everyone = list(_everyone(part))
    if not all(type(own).set_random_state.__module__.startswith(KNOWN) for own in everyone):
        return False
    transform.set_random_state(seed=TRIED)
    if not all("R" in vars(own) for own in everyone):
        return False
    meant = [_state(own) for own in everyone]
    _give(part, TRIED)
    return meant == [_state(own) for own in everyone]


def _everyone(part: Part) -> Iterator[Randomizable]:
    yield from part.own
    for within in part.within:
        yield from _everyone(within)


def _state(own: Randomizable) -> tuple[bytes, int]:
    state: Any = own.R.get_state()
    return np.asarray(state[1]).tobytes(), int(state[2])
