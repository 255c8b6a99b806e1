"""Affine alignment of volumes: registration, the grid it gives, and transforms as files."""

from __future__ import annotations

from gemini_monai.affine.register import METHODS, refuse_method, register_affine
from gemini_monai.affine.transform import output_grid, read_transform, write_transform

__all__ = [
    "METHODS",
    "output_grid",
    "read_transform",
    "refuse_method",
    "register_affine",
    "write_transform",
]
