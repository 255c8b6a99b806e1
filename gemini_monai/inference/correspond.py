"""One image warped onto another by a trained network."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from gemini_monai.geometry.types import DDF, Image
from gemini_monai.geometry.warp import warp
from gemini_monai.inference.refinement import refine
from gemini_monai.metrics import folding_percent
from gemini_monai.networks import DenseNetwork


class Registration(NamedTuple):
    """One image warped onto another."""

    ddf: DDF
    """Field in voxels, (1, N, *S): ``warp(moving, ddf)`` looks like ``fixed``."""
    warped: Image
    """The moving image on the fixed image's grid, (1, C, *S)."""
    folding_percent: float
    """Voxels where the field folds."""


@torch.no_grad()
def register_pair(
    network: DenseNetwork, moving: Image, fixed: Image, *, refinement: int = 0, slices: bool = False
) -> Registration:
    """Warp one image onto another of the same size.

    Args:
        network: A trained ``Gemini``.
        moving: (1, C, *S), preprocessed as in training.
        fixed: (1, C, *S), likewise.
        refinement: Iterations of ``refine`` at each resolution, for this pair alone.
        slices: The network has two axes and the images three: slices across the last axis are
            registered one by one, and nothing moves along it.
    """
    network.eval()
    if slices:
        planes = zip(moving.unbind(-1), fixed.unbind(-1), strict=True)
        flat = torch.stack([_field(network, *pair, refinement) for pair in planes], dim=-1)
        ddf = F.pad(flat, (0, 0) * (flat.ndim - 2) + (0, 1))
    else:
        ddf = _field(network, moving, fixed, refinement)
    return Registration(ddf, warp(moving, ddf), float(folding_percent(ddf)))


def _field(network: DenseNetwork, moving: Image, fixed: Image, refinement: int) -> DDF:
    pair = network.correspond(moving, fixed)
    features = pair.features_a, pair.features_b
    return refine(pair.ddf_ab.float(), moving, fixed, features=features, iterations=refinement)
