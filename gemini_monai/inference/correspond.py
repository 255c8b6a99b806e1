"""One image warped onto another by a trained network."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from gemini_monai.inference.refinement import refine
from gemini_monai.metrics import folding_percent
from gemini_monai.types import DDF, Image
from gemini_monai.warp import warp


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
    network: nn.Module, moving: Image, fixed: Image, *, refinement: int = 0
) -> Registration:
    """Warp one image onto another of the same size.

    Args:
        network: A trained ``Gemini``.
        moving: (1, C, *S), preprocessed as in training.
        fixed: (1, C, *S), likewise.
        refinement: Iterations of ``refine`` at each resolution, for this pair alone.
    """
    network.eval()
    pair = network.correspond(moving, fixed)  # type: ignore[operator]
    features = pair.features_a, pair.features_b
    ddf = refine(pair.ddf_ab.float(), moving, fixed, features=features, iterations=refinement)
    return Registration(ddf, warp(moving, ddf), float(folding_percent(ddf)))
