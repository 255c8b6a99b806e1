"""Names of the array shapes that every docstring uses.

Legend: ``B`` batch, ``C`` channels, ``K`` feature channels, ``N`` spatial axes (2 or 3),
``*S`` the spatial shape, in array order (axis 0 first).
"""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor

Image: TypeAlias = Tensor
"""Intensities, (B, C, *S)."""

Features: TypeAlias = Tensor
"""Dense features at the image's resolution, (B, K, *S)."""

DDF: TypeAlias = Tensor
"""Dense displacement field, (B, N, *S), in voxels; channel k moves along spatial axis k."""

Mask: TypeAlias = Tensor
"""1 where a value counts and 0 where it does not, (B, 1, *S)."""

Logits: TypeAlias = Tensor
"""Scores before softmax or sigmoid, (B, classes, *S)."""
