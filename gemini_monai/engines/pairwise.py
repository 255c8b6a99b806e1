"""Registration of image files: fields in mm that ITK reads, warped images and labels."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from monai.data.meta_tensor import MetaTensor
from torch import nn
from tqdm import tqdm

from gemini_monai.data.load import read
from gemini_monai.data.prepare.scan import case_of
from gemini_monai.engines.registration import register
from gemini_monai.errors import InputError
from gemini_monai.files import replacing
from gemini_monai.geometry import (
    apply_world_displacement,
    world_displacement,
    write_displacement,
    write_image,
)

COLUMNS = ("moving", "fixed", "moving_label")


class Pair(NamedTuple):
    """Files of one registration."""

    moving: Path
    fixed: Path
    moving_label: Path | None = None


def read_pairs(
    pairs: str | Path | None = None,
    *,
    moving: str | None = None,
    fixed: str | None = None,
    moving_label: str | None = None,
) -> list[Pair]:
    """One pair from its files, or those of a list.

    Args:
        pairs: JSON (a list of objects) or CSV with the columns ``moving``, ``fixed`` and, if
            wanted, ``moving_label``; paths relative to the list.
        moving: The image to warp.
        fixed: The image to warp it onto.
        moving_label: Label map of ``moving``, to warp along.

    Raises:
        InputError: If neither a pair nor a list is given, or the list cannot be used.
    """
    if pairs is None:
        if moving is None or fixed is None:
            raise InputError("give --moving FILE and --fixed FILE, or --pairs LIST")
        return [_pair({"moving": moving, "fixed": fixed, "moving_label": moving_label}, Path())]
    path = Path(pairs)
    try:
        text = path.read_text()
        rows = json.loads(text) if path.suffix == ".json" else list(_csv_rows(text))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a list of pairs: {error}") from error
    for number, row in enumerate(rows, start=1):
        if not row.get("moving") or not row.get("fixed"):
            raise InputError(f"{path}: entry {number} needs 'moving' and 'fixed', got {dict(row)}")
    if not rows:
        raise InputError(f"{path}: no pairs in it")
    return [_pair(row, path.parent) for row in rows]


def _csv_rows(text: str) -> Sequence[Mapping[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def _pair(row: Mapping[str, str | None], folder: Path) -> Pair:
    files = {key: folder / value for key in COLUMNS if (value := row.get(key))}
    return Pair(**files)


def _refuse_missing(pair: Pair) -> None:
    """Before anything is done or written."""
    for path in pair:
        if path is not None and not path.exists():
            raise InputError(f"{path}: no such file")


class PairwiseRegistration:
    """Register files with a trained network and write what other tools need.

    For each pair, named ``<moving>_to_<fixed>``: ``_field.nii.gz``, displacements in mm, LPS+, on
    the fixed image's own grid; ``_warped.nii.gz`` and ``_label.nii.gz`` on that grid; and a row of
    ``registration.csv`` with the share of voxels where the field folds.

    Args:
        network: A trained ``Gemini``.
        preprocessing: From ``{"image": file}`` to what the network sees, a MetaTensor whose affine
            follows.
        folder: Where the files go.
        device: Where the network is.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        preprocessing: Callable[[dict[str, str]], Mapping[str, Any]],
        folder: str | Path,
        device: torch.device | str = "cpu",
    ) -> None:
        self.network = network
        self.preprocessing = preprocessing
        self.folder = Path(folder)
        self.device = device

    def run(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        """Register every pair.

        Raises:
            InputError: If a file is missing or unreadable, or dimensions differ from training.
        """
        for pair in pairs:
            _refuse_missing(pair)
        rows = [self._register(pair) for pair in tqdm(pairs, desc="register")]
        with replacing(self.folder / "registration.csv") as part, part.open("w", newline="") as f:
            writer = csv.DictWriter(f, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        for row in rows:
            print(f"{row['moving']} -> {row['fixed']}: {row['folding_percent']:.3f} % folded")
        return rows

    def _register(self, pair: Pair) -> dict[str, Any]:
        moving, fixed = read(pair.moving), read(pair.fixed)
        seen_moving, seen_fixed = self._seen(pair.moving), self._seen(pair.fixed)
        result = register(self.network, self._batch(seen_moving), self._batch(seen_fixed))
        displacement = world_displacement(
            result.ddf,
            fixed_network=seen_fixed.affine,
            moving_network=seen_moving.affine,
            fixed=fixed,
        )
        name = f"{case_of(pair.moving)}_to_{case_of(pair.fixed)}"
        write_displacement(self.folder / f"{name}_field.nii.gz", displacement, fixed=fixed)
        warped = apply_world_displacement(moving, displacement, fixed=fixed)
        write_image(self.folder / f"{name}_warped.nii.gz", warped)
        if pair.moving_label is not None:
            self._write_label(pair, name, displacement, fixed)
        return {
            "moving": str(pair.moving),
            "fixed": str(pair.fixed),
            "folding_percent": result.folding_percent,
        }

    def _write_label(
        self, pair: Pair, name: str, displacement: torch.Tensor, fixed: MetaTensor
    ) -> None:
        label = read(pair.moving_label)  # type: ignore[arg-type]
        values = label.as_tensor().round()
        whole = values.to(torch.uint8 if values.max() < 256 else torch.uint16)
        label = MetaTensor(whole, affine=label.affine)
        warped = apply_world_displacement(label, displacement, fixed=fixed, mode="nearest")
        write_image(self.folder / f"{name}_label.nii.gz", warped)

    def _seen(self, path: Path) -> MetaTensor:
        """The image as the network sees it, (C, *S)."""
        return self.preprocessing({"image": str(path)})["image"]

    def _batch(self, image: MetaTensor) -> torch.Tensor:
        return image.as_tensor()[None].to(self.device, torch.float32)
