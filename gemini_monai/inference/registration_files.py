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
from gemini_monai.files import read_json, refuse_existing
from gemini_monai.images import (
    case_of,
    read,
    read_label,
    smallest_type,
    write_field,
    write_image,
)
from gemini_monai.images.names import refuse_name
from gemini_monai.inference.correspond import register_pair
from gemini_monai.tables import read_table, write_table
from gemini_monai.world import apply_world_displacement, is_sheared, world_displacement

COLUMNS = ("moving", "fixed", "moving_label")
TABLE = "registration.csv"


class FilePair(NamedTuple):
    """Files of one registration."""

    moving: Path
    fixed: Path
    moving_label: Path | None
    name: str
    """What the names of the written files begin with."""

    def inputs(self) -> list[Path]:
        """Files that are read."""
        return [path for path in self[:3] if path is not None]

    def outputs(self, folder: Path) -> list[Path]:
        """Files that are written: field, warped image, and the warped label if there is one."""
        kinds = ["field", "warped", *(["label"] if self.moving_label else [])]
        return [folder / f"{self.name}_{kind}.nii.gz" for kind in kinds]


def read_pairs(
    pairs: str | Path | None = None,
    *,
    moving: str | None = None,
    fixed: str | None = None,
    moving_label: str | None = None,
) -> list[FilePair]:
    """One pair from its files, or those of a list.

    Args:
        pairs: JSON (a list of objects) or CSV with the columns ``moving``, ``fixed`` and, if
            wanted, ``moving_label`` and ``name``; paths relative to the list.
        moving: The image to warp.
        fixed: The image to warp it onto.
        moving_label: Label map of ``moving``, to warp along.

    Raises:
        InputError: If neither a pair nor a list is given, the list cannot be used, or two of its
            pairs would be written to the same files.
    """
    if pairs is None:
        if moving is None or fixed is None:
            raise InputError("give --moving FILE and --fixed FILE, or --pairs LIST")
        given = {"moving": moving, "fixed": fixed, "moving_label": moving_label}
        return [_pair(given, Path(), where="--moving and --fixed")]
    path = Path(pairs)
    rows: Sequence[Any] = (
        read_json(path, list) if path.suffix.lower() == ".json" else read_table(path)
    )
    if not rows:
        raise InputError(f"{path}: no pairs in it")
    found: dict[str, int] = {}
    result = []
    for number, row in enumerate(rows, start=1):
        where = f"{path}: entry {number}"
        pair = _pair(row, path.parent, where=where)
        if pair.name in found:
            raise InputError(
                f"{where}: would be written to the files of entry {found[pair.name]}, "
                f"'{pair.name}'; give each a 'name'"
            )
        found[pair.name] = number
        result.append(pair)
    return result


def _pair(row: Any, folder: Path, *, where: str) -> FilePair:
    if not isinstance(row, Mapping) or not row.get("moving") or not row.get("fixed"):
        raise InputError(f"{where} needs 'moving' and 'fixed', got {row!r:.120}")
    files: dict[str, Path | None] = {}
    for key in COLUMNS:
        value = row.get(key)
        if value is not None and not isinstance(value, str):
            raise InputError(f"{where}: '{key}' must be a path, got {value!r}")
        files[key] = folder / value if value else None
    names = [case_of(folder / row[key]) for key in ("moving", "fixed")]
    name = row.get("name") or "_to_".join(names)
    refuse_name(name, where=where)
    return FilePair(**files, name=name)  # type: ignore[arg-type]


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
        moving, fixed = read(pair.moving), read(pair.fixed)
        seen_moving, seen_fixed = self._seen(pair.moving), self._seen(pair.fixed)
        result = register_pair(self.network, self._batch(seen_moving), self._batch(seen_fixed))
        displacement = world_displacement(
            result.ddf,
            fixed_network=seen_fixed.affine,
            moving_network=seen_moving.affine,
            fixed=fixed,
        )
        if fixed.ndim == 4 and is_sheared(fixed.affine):
            tqdm.write(f"{pair.fixed}: a sheared grid, which ITK and ANTs do not read")
        field, warped, *label = pair.outputs(self.folder)
        write_field(field, displacement, affine=fixed.affine)
        image = apply_world_displacement(moving, displacement, fixed=fixed)
        write_image(warped, image, affine=fixed.affine, shape=fixed.meta.get("spatial_shape"))
        for path in label:
            self._write_label(path, pair.moving_label, displacement, fixed)
        return {
            "moving": str(pair.moving),
            "fixed": str(pair.fixed),
            "folding_percent": result.folding_percent,
        }

    def _write_label(
        self, path: Path, source: Path | None, displacement: torch.Tensor, fixed: MetaTensor
    ) -> None:
        label = read_label(str(source))
        warped = apply_world_displacement(label, displacement, fixed=fixed, mode="nearest")
        kind = smallest_type([0, int(label.max())])
        shape = fixed.meta.get("spatial_shape")
        write_image(path, warped.numpy().astype(kind), affine=fixed.affine, shape=shape)

    def _seen(self, path: Path) -> MetaTensor:
        """The image as the network sees it, (C, *S)."""
        return self.preprocessing({"image": str(path)})["image"]

    def _batch(self, image: MetaTensor) -> torch.Tensor:
        return image.as_tensor()[None].to(self.device, torch.float32)
