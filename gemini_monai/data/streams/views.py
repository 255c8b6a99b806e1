"""Two views of one image, and the displacement between them that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.data.streams.augmentation import (
    is_tracked,
    names_of,
    places_alone,
    rebuilt,
)
from gemini_monai.data.streams.moving import (
    TRIALS,
    Item,
    RandomTransform,
    set_seed,
    without_chance,
)
from gemini_monai.data.streams.places import (
    Places,
    coordinates,
    displacement,
    is_whole,
    measured,
    only_moves,
)
from gemini_monai.data.streams.stream import (
    UNLABELED,
    Stream,
    draw_places,
    read_once,
    seed_of,
    stacked,
)
from gemini_monai.geometry.types import DDF
from gemini_monai.geometry.warp import sample, sampling_positions

MISSED = 1.0
"""Voxels by which a field may miss on average: interpolation to the nearest voxel misses by half of
one in each view."""


class Views(Stream):
    """Two random views of each of some unlabeled images, and the displacement between them.

    ``warp(view_a, ddf_ab)`` looks like ``view_b``. Where MONAI tracks the transform as an affine,
    the displacement is that of the affines. Of any other, elastic ones among them, it is measured:
    the coordinates of the image go through the transform by the same seed.
    """

    number, keys, source = 4, ("view_a", "view_b", "ddf_ab"), UNLABELED

    def open(self, data: Sequence[Item]) -> None:
        """Take the unlabeled images, and see whether fields between their views can be known.

        Raises:
            InputError: If there is no image, or a field misses; the transform is named.
        """
        super().open(data)
        if self.transform is None:
            return
        image = torch.as_tensor(data[0]["image"])
        self.alone = places_alone(self.transform, image)
        self.tracked = is_tracked(self.transform)
        always = rebuilt(self.alone, without_chance)
        for seed in range(1 if self.tracked else TRIALS):
            self._refuse_unknown(always, image, seed=seed)

    def draw(self, random: np.random.Generator, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``view_a`` and ``view_b`` (B, C, *S); ``ddf_ab`` (B, N, *S) in voxels."""
        chosen = draw_places(random, len(self.data), self.count)
        read = read_once(self.data, chosen)
        views = [[self._view(read[k], seed=seed_of(random)) for _ in "ab"] for k in chosen]
        return {
            "view_a": stacked([view for (view, _), _ in views]),
            "view_b": stacked([view for _, (view, _) in views]),
            "ddf_ab": torch.stack(
                [displacement(a, b, view.shape[1:]) for (_, a), (view, b) in views]
            ),
        }

    def _view(self, item: Item, *, seed: int) -> tuple[MetaTensor, Places]:
        image = MetaTensor(torch.as_tensor(item["image"]))
        view = self.augmented({"image": image}, seed=seed)["image"]
        view = view if isinstance(view, MetaTensor) else MetaTensor(view)
        if self.transform is None or self.tracked:
            return view, _tracked(view)
        return view, measured(_moved(self.alone, coordinates(image), seed=seed))

    def _refuse_unknown(self, always: RandomTransform, image: Tensor, *, seed: int) -> None:
        """Compare the coordinates of one view, warped, with those of another."""
        there, back = coordinates(image), coordinates(image, backward=True)
        first, again, second = (_moved(always, there, seed=k) for k in (seed, seed, seed + TRIALS))
        name = f"random_transforms: {names_of(self.alone)}"
        if not torch.equal(first.as_tensor(), again.as_tensor()):
            raise InputError(
                f"{name}: moves an image otherwise at every call, whatever its seed, so the field "
                "between two views is not known; draw from self.R, as MONAI's transforms do"
            )
        if not only_moves(first, _moved(always, back, seed=seed)):
            raise InputError(
                f"{name}: moves an image and changes its intensities at once, so the field between "
                "two views is not known; make it two transforms, one of which moves"
            )
        ddf = displacement(self._places(first), self._places(second), second.shape[1:])
        found = sample(first.as_tensor()[None], sampling_positions(ddf[None]))[0]
        distance = (found - second.as_tensor())[:-1].norm(dim=0)
        missed = distance[is_whole(found[-1]) & is_whole(second.as_tensor()[-1])].mean()
        if missed > MISSED:  # false for NaN, of views that have no place in common
            raise InputError(
                f"{name}: the field between two views is off by {float(missed):.2g} voxels; leave "
                "it out, or leave out what reads views (--contrast_weight 0)"
            )

    def _places(self, view: MetaTensor) -> Places:
        return _tracked(view) if self.tracked else measured(view)


def _moved(alone: RandomTransform, image: MetaTensor, *, seed: int) -> MetaTensor:
    set_seed(alone, seed)
    moved = alone({"image": image})["image"]
    return moved if isinstance(moved, MetaTensor) else MetaTensor(moved)


def _tracked(view: MetaTensor) -> Places:
    return Places(torch.as_tensor(view.affine).to(view.device))


def displacement_between(view_a: MetaTensor, view_b: MetaTensor) -> DDF:
    """Field (N, *S) in voxels with ``warp(view_a, ddf)`` like ``view_b``, from their affines.

    Args:
        view_a: (C, *S), whose affine says where its voxels lie.
        view_b: Another view of the same thing, (C, *S).
    """
    return displacement(_tracked(view_a), _tracked(view_b), view_b.shape[1:])
