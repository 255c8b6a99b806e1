"""Registration of image files: fields in mm that ITK reads, warped images and labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from monai.data.meta_tensor import MetaTensor
from torch import nn
from tqdm import tqdm

from gemini_monai.errors import InputError
from gemini_monai.files import refuse_existing
from gemini_monai.images import (
    read,
    read_label,
    smallest_type,
    write_field,
    write_image,
)
from gemini_monai.inference.correspond import register_pair
from gemini_monai.inference.file_pairs import FilePair
from gemini_monai.tables import write_table
from gemini_monai.world import apply_world_displacement, is_sheared, world_displacement

TABLE = "registration.csv"


class WorldRegistration(NamedTuple):
    """One image warped onto another, in the world."""

    warped: MetaTensor
    """The moving image on the fixed image's grid, (C, *T)."""
    displacement: torch.Tensor
    """(N, *T) in mm, RAS+: point x of the fixed image goes to ``x + d(x)`` in the moving one."""
    fixed: MetaTensor
    """The fixed image on its own grid, (C, *T)."""
    folding_percent: float
    """Voxels of the network's grid where the field folds."""


def register_files(
    network: nn.Module,
    moving: str | Path,
    fixed: str | Path,
    *,
    preprocessing: Callable[[dict[str, str]], Mapping[str, Any]],
    device: torch.device | str = "cpu",
) -> WorldRegistration:
    """Warp the image of one file onto that of another.

    Args:
        network: A trained ``Gemini``.
        moving: The image that is warped.
        fixed: The image that it is warped onto.
        preprocessing: As for ``FileRegistration``.
        device: Where the network is.

    Raises:
        InputError: If a file is missing or unreadable, or dimensions differ from training.
    """
    images = [read(Path(moving)), read(Path(fixed))]
    seen = [preprocessing({"image": str(path)})["image"] for path in (moving, fixed)]
    batches = [image.as_tensor()[None].to(device, torch.float32) for image in seen]
    result = register_pair(network, *batches)
    displacement = world_displacement(
        result.ddf,
        fixed_network=seen[1].affine,
        moving_network=seen[0].affine,
        fixed=images[1],
    )
    warped = apply_world_displacement(images[0], displacement, fixed=images[1])
    return WorldRegistration(warped, displacement, images[1], result.folding_percent)


class FileRegistration:
    """Register files with a trained network and write what other tools need.

    For each pair, named ``<moving>_to_<fixed>`` or by its own name: ``_field.nii.gz``,
    displacements in mm, LPS+, on the fixed image's own grid; ``_warped.nii.gz`` and
    ``_label.nii.gz`` on that grid; and a row of ``registration.csv`` with the share of voxels where
    the field folds. A sheared grid keeps its shear, which ITK does not read.

    Args:
        network: A trained ``Gemini``.
        preprocessing: From ``{"image": file}`` to what the network sees, a MetaTensor whose affine
            follows.
        folder: Where the files go.
        device: Where the network is.
        overwrite: They may replace files that are there; one that is read, never.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        preprocessing: Callable[[dict[str, str]], Mapping[str, Any]],
        folder: str | Path,
        device: torch.device | str = "cpu",
        overwrite: bool = False,
    ) -> None:
        self.network = network
        self.preprocessing = preprocessing
        self.folder = Path(folder)
        self.device = device
        self.overwrite = overwrite

    def run(self, pairs: Sequence[FilePair]) -> list[dict[str, Any]]:
        """Register every pair.

        Raises:
            InputError: If a file is missing, unreadable or in the way, or dimensions differ from
                training.
        """
        inputs = [path for pair in pairs for path in pair.inputs()]
        for path in inputs:
            if not path.exists():
                raise InputError(f"{path}: no such file")
        refuse_existing(
            [self.folder / TABLE, *(path for p in pairs for path in p.outputs(self.folder))],
            overwrite=self.overwrite,
            inputs=inputs,
        )
        rows = [self._register(pair) for pair in tqdm(pairs, desc="register")]
        write_table(self.folder / TABLE, rows)
        for row in rows:
            print(f"{row['moving']} -> {row['fixed']}: {row['folding_percent']:.3f} % folded")
        return rows

    def _register(self, pair: FilePair) -> dict[str, Any]:
        found = register_files(
            self.network,
            pair.moving,
            pair.fixed,
            preprocessing=self.preprocessing,
            device=self.device,
        )
        fixed, displacement = found.fixed, found.displacement
        if fixed.ndim == 4 and is_sheared(fixed.affine):
            tqdm.write(f"{pair.fixed}: a sheared grid, which ITK and ANTs do not read")
        field, warped, *label = pair.outputs(self.folder)
        write_field(field, displacement, affine=fixed.affine)
        shape = fixed.meta.get("spatial_shape")
        write_image(warped, found.warped, affine=fixed.affine, shape=shape)
        for path in label:
            self._write_label(path, pair.moving_label, displacement, fixed)
        return {
            "moving": str(pair.moving),
            "fixed": str(pair.fixed),
            "folding_percent": found.folding_percent,
        }

    def _write_label(
        self, path: Path, source: Path | None, displacement: torch.Tensor, fixed: MetaTensor
    ) -> None:
        label = read_label(str(source))
        warped = apply_world_displacement(label, displacement, fixed=fixed, mode="nearest")
        kind = smallest_type([0, int(label.max())])
        shape = fixed.meta.get("spatial_shape")
        write_image(path, warped.numpy().astype(kind), affine=fixed.affine, shape=shape)
