"""Where images lie: world coordinates, fields in mm, affine registration and its files."""

from __future__ import annotations

from gemini_monai.geometry.world.affine import METHODS, refuse_method, register_affine
from gemini_monai.geometry.world.axes import (
    LPS,
    grid_distance,
    is_sheared,
    is_singular,
    squared,
    to_voxels,
    to_world,
)
from gemini_monai.geometry.world.fields import (
    apply_world_displacement,
    displacement_at,
    inverse_world_displacement,
    world_displacement,
)
from gemini_monai.geometry.world.fields_of_view import (
    FieldOfView,
    Overlap,
    overlap_between,
    transformed,
)
from gemini_monai.geometry.world.transform import output_grid, read_transform, write_transform

__all__ = [
    "LPS",
    "METHODS",
    "FieldOfView",
    "Overlap",
    "apply_world_displacement",
    "displacement_at",
    "grid_distance",
    "inverse_world_displacement",
    "is_sheared",
    "is_singular",
    "output_grid",
    "overlap_between",
    "read_transform",
    "refuse_method",
    "register_affine",
    "squared",
    "to_voxels",
    "to_world",
    "transformed",
    "world_displacement",
    "write_transform",
]
