"""Two views of one image, and the displacement between them that is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.data.streams.stream import (
    UNLABELED,
    Item,
    Stream,
    draw_places,
    read_once,
    seed_of,
    stacked,
)
from gemini_monai.types import DDF
from gemini_monai.warp import identity_grid
from gemini_monai.world import to_voxels, to_world


class Views(Stream):
    """Two random views of each of some unlabeled images, and the displacement between them.

    ``warp(view_a, ddf_ab)`` looks like ``view_b``. The displacement is known from the affines that
    the random transform leaves on the views, so the transform may be any of MONAI's that moves by
    an affine: rotation, scale, shear, translation, flip, zoom, crop.
    """

    number, keys, source = 4, ("view_a", "view_b", "ddf_ab"), UNLABELED

    def draw(self, random: np.random.Generator, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """``view_a`` and ``view_b`` (B, C, *S); ``ddf_ab`` (B, N, *S) in voxels."""
        chosen = draw_places(random, len(self.data), self.count)
        read = read_once(self.data, chosen)
        views = [[self._view(read[k], seed=seed_of(random)) for _ in "ab"] for k in chosen]
        return {
            "view_a": stacked([view for view, _ in views]),
            "view_b": stacked([view for _, view in views]),
            "ddf_ab": torch.stack([displacement_between(*both) for both in views]),
        }

    def _view(self, item: Item, *, seed: int) -> MetaTensor:
        image = torch.as_tensor(item["image"])
        view = self.augmented({"image": MetaTensor(image)}, seed=seed)["image"]
        return view if isinstance(view, MetaTensor) else MetaTensor(view)


def displacement_between(view_a: MetaTensor, view_b: MetaTensor) -> DDF:
    """Field (N, *S) in voxels with ``warp(view_a, ddf)`` like ``view_b``, from their affines.

    Args:
        view_a: (C, *S), whose affine says where its voxels lie.
        view_b: Another view of the same thing, (C, *S).
    """
    grid = identity_grid(view_b.shape[1:], dtype=torch.float64)
    place = to_voxels(to_world(grid, view_b.affine), view_a.affine)
    return (place - grid).float()
