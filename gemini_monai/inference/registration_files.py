"""Registration of image files: fields in mm that ITK reads, warped images and labels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor
from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing
from gemini_monai.base.memory import refuse_too_large
from gemini_monai.base.tables import write_table
from gemini_monai.data.prepare.label_files import refuse_other_grid
from gemini_monai.geometry.world import apply_world_displacement, is_sheared
from gemini_monai.images import (
    file_shape,
    is_picture,
    read,
    read_label,
    smallest_type,
    write_field,
    write_image,
)
from gemini_monai.inference.file_pairs import FilePair, refuse_pairs_apart
from gemini_monai.inference.landmarks import landmark_rows, paired_landmarks
from gemini_monai.inference.starts import Start
from gemini_monai.inference.world_registration import field_bytes, register_files
from gemini_monai.networks import DenseNetwork
from gemini_monai.transforms import InputSpec

TABLE = "registration.csv"
ERRORS = ("error_before", "error_after")
"""Of landmarks, in mm."""


class FileRegistration:
    """Register files with a trained network and write what other tools need.

    For each pair, named ``<moving>_to_<fixed>`` or by its own name: ``_field.nii.gz``,
    displacements in mm, LPS+, on the fixed image's own grid; ``_warped.nii.gz`` and
    ``_label.nii.gz`` on that grid; ``_landmarks.csv``, where each landmark of the fixed image goes
    and how far from its namesake; and a row of ``registration.csv`` with the start of the pair, how
    far it moved the image, the share of voxels where the field folds and the landmarks' mean
    errors. A sheared grid keeps its shear, which ITK does not read.

    Args:
        network: A trained ``Gemini``.
        spec: How images were brought to the network in training.
        folder: Where the files go.
        device: Where the network is.
        start: As of ``register_files``.
        affine: As of ``register_files``.
        refinement: As of ``register_files``.
        inverse: Write ``_inverse_field.nii.gz`` too, from the moving image to the fixed one.
        overwrite: They may replace files that are there; one that is read, never.
    """

    def __init__(
        self,
        *,
        network: DenseNetwork,
        spec: InputSpec,
        folder: str | Path,
        device: torch.device | str = "cpu",
        start: str = "auto",
        affine: str | None = None,
        refinement: int = 0,
        inverse: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.network = network
        self.spec = spec
        self.start = start
        self.affine = affine
        self.refinement = refinement
        self.inverse = inverse
        self.folder = Path(folder)
        self.device = device
        self.overwrite = overwrite

    def run(self, pairs: Sequence[FilePair]) -> list[dict[str, Any]]:
        """Register every pair.

        Raises:
            InputError: If a file is missing, unreadable or in the way, a label does not lie on its
                image, or dimensions differ from training.
        """
        inputs = [path for pair in pairs for path in pair.inputs()]
        for path in inputs:
            if not path.exists():
                raise InputError(f"{path}: no such file")
        refuse_existing(
            [self.folder / TABLE, *(path for p in pairs for path in self._files(p).values())],
            overwrite=self.overwrite,
            inputs=inputs,
        )
        self._refuse_early(pairs)
        rows = [self._register(pair) for pair in tqdm(pairs, desc="register")]
        write_table(self.folder / TABLE, rows)
        for row in rows:
            print(f"{row['moving']} -> {row['fixed']}: {row['folding_percent']:.3f} % folded")
            if not math.isnan(row["error_after"]):
                print(
                    f"landmarks are {row['error_after']:.2f} mm off on average, "
                    f"{row['error_before']:.2f} mm before"
                )
        return rows

    def _refuse_early(self, pairs: Sequence[FilePair]) -> None:
        """What would stop a later pair when the files of others are written."""
        if self.start == "world":
            refuse_pairs_apart([(pair.moving, pair.fixed) for pair in pairs])
        for pair in pairs:
            _refuse_other_label(pair)
            if pair.moving_landmarks and pair.fixed_landmarks:
                paired_landmarks(
                    pair.moving_landmarks, pair.fixed_landmarks, axes=self.spec.spatial_dims
                )

    def _register(self, pair: FilePair) -> dict[str, Any]:
        registration = register_files(
            self.network,
            pair.moving,
            pair.fixed,
            spec=self.spec,
            device=self.device,
            start=self.start,
            affine=self.affine,
            refinement=self.refinement,
        )
        tqdm.write(registration.start.told(pair.moving, pair.fixed))
        fixed, displacement = registration.fixed, registration.displacement
        if fixed.ndim == 4 and is_sheared(fixed.affine):
            tqdm.write(f"{pair.fixed}: a sheared grid, which ITK and ANTs do not read")
        files = self._files(pair)
        errors = self._landmarks(pair, displacement, fixed)
        write_field(files["field"], displacement, affine=fixed.affine)
        shape = file_shape(fixed)
        write_image(files["warped"], registration.warped, affine=fixed.affine, shape=shape)
        if pair.moving_label:
            self._write_label(files["label"], pair.moving_label, displacement, fixed)
        if errors:
            write_table(files["landmarks"], errors)
        if self.inverse:
            refuse_too_large(
                registration.moving.shape[1:],
                voxel_bytes=field_bytes(registration.moving.ndim - 1),
                what=f"{pair.moving}: a field in mm on its own grid",
                change="leave out --inverse, or crop the image",
            )
            write_field(files["inverse"], registration.inverse(), affine=registration.moving.affine)
        return {
            "moving": str(pair.moving),
            "fixed": str(pair.fixed),
            **_of(registration.start),
            "folding_percent": registration.folding_percent,
            **{key: _mean(row[key] for row in errors) for key in ERRORS},
        }

    def _files(self, pair: FilePair) -> dict[str, Path]:
        return pair.outputs(self.folder, inverse=self.inverse)

    def _landmarks(
        self, pair: FilePair, displacement: torch.Tensor, fixed: MetaTensor
    ) -> list[dict[str, Any]]:
        if pair.moving_landmarks is None or pair.fixed_landmarks is None:
            return []
        return landmark_rows(displacement, fixed, pair.moving_landmarks, pair.fixed_landmarks)

    def _write_label(
        self, path: Path, source: Path, displacement: torch.Tensor, fixed: MetaTensor
    ) -> None:
        label = read_label(str(source))
        warped = apply_world_displacement(label, displacement, fixed=fixed, mode="nearest")
        kind = smallest_type([0, int(label.max())])
        shape = file_shape(fixed)
        write_image(path, warped.numpy().astype(kind), affine=fixed.affine, shape=shape)


def _of(start: Start) -> dict[str, Any]:
    """Columns on where the pair met; the overlap is empty where headers do not say it."""
    share = math.nan if start.overlap is None else 100 * start.overlap.share
    return {"start": start.kind, "start_mm": start.distance, "overlap_percent": share}


def _refuse_other_label(pair: FilePair) -> None:
    """A label goes with its image voxel by voxel, as everywhere."""
    if pair.moving_label is None:
        return
    image, label = read(pair.moving), read_label(str(pair.moving_label))
    affine = None if is_picture(pair.moving) else image.affine
    shape = tuple(image.shape[1:])
    refuse_other_grid(label, pair.moving_label, image=pair.moving, shape=shape, affine=affine)


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else math.nan
