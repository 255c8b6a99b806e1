"""Pairs of image files: which is registered onto which, and how they lie in the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monai.data.meta_tensor import MetaTensor
from monai.transforms.croppad.array import CropForeground

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.tables import read_table
from gemini_monai.geometry.world import FieldOfView, Overlap, is_singular, overlap_between
from gemini_monai.images import case_of, read, says_where
from gemini_monai.images.names import refuse_name
from gemini_monai.inference.starts import refuse_apart
from gemini_monai.transforms import InputSpec

COLUMNS = ("moving", "fixed", "moving_label", "moving_landmarks", "fixed_landmarks")


class FilePair(NamedTuple):
    """Files of one registration."""

    moving: Path
    fixed: Path
    moving_label: Path | None
    moving_landmarks: Path | None
    fixed_landmarks: Path | None
    name: str
    """What the names of the written files begin with."""

    def inputs(self) -> list[Path]:
        """Files that are read."""
        return [path for path in self[:5] if path is not None]

    def outputs(self, folder: Path, *, inverse: bool = False) -> dict[str, Path]:
        """Files that are written, by kind."""
        ends = {"field": "field.nii.gz", "warped": "warped.nii.gz"}
        if inverse:
            ends["inverse"] = "inverse_field.nii.gz"
        if self.moving_label:
            ends["label"] = "label.nii.gz"
        if self.fixed_landmarks:
            ends["landmarks"] = "landmarks.csv"
        return {kind: folder / f"{self.name}_{end}" for kind, end in ends.items()}


def read_pairs(
    pairs: str | Path | None = None,
    *,
    moving: str | None = None,
    fixed: str | None = None,
    moving_label: str | None = None,
    moving_landmarks: str | None = None,
    fixed_landmarks: str | None = None,
) -> list[FilePair]:
    """One pair from its files, or those of a list.

    Args:
        pairs: JSON (a list of objects) or CSV with the columns ``moving``, ``fixed`` and, if
            wanted, ``moving_label``, both landmarks and ``name``; paths relative to the list.
        moving: The image to warp.
        fixed: The image to warp it onto.
        moving_label: Label map of ``moving``, to warp along.
        moving_landmarks: CSV of places in ``moving``, as ``read_landmarks`` takes it.
        fixed_landmarks: CSV of the same places in ``fixed``.

    Raises:
        InputError: If neither a pair nor a list is given, the list cannot be used, or two of its
            pairs would be written to the same files.
    """
    if pairs is None:
        if moving is None or fixed is None:
            raise InputError("give --moving FILE and --fixed FILE, or --pairs LIST")
        given = {"moving": moving, "fixed": fixed, "moving_label": moving_label}
        given |= {"moving_landmarks": moving_landmarks, "fixed_landmarks": fixed_landmarks}
        return [_pair(given, Path(), where="--moving and --fixed")]
    path = Path(pairs)
    rows: Sequence[Any] = (
        read_json(path, list) if path.suffix.lower() == ".json" else read_table(path)
    )
    if not rows:
        raise InputError(f"{path}: no pairs in it")
    entry_of: dict[str, int] = {}
    result = []
    for number, row in enumerate(rows, start=1):
        where = f"{path}: entry {number}"
        pair = _pair(row, path.parent, where=where)
        if pair.name in entry_of:
            raise InputError(
                f"{where}: would be written to the files of entry {entry_of[pair.name]}, "
                f"'{pair.name}'; give each a 'name'"
            )
        entry_of[pair.name] = number
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
    if (files["moving_landmarks"] is None) != (files["fixed_landmarks"] is None):
        raise InputError(f"{where}: landmarks need both 'moving_landmarks' and 'fixed_landmarks'")
    names = [case_of(folder / row[key]) for key in ("moving", "fixed")]
    name = row.get("name") or "_to_".join(names)
    refuse_name(name, where=where)
    return FilePair(**files, name=name)  # type: ignore[arg-type]


class FileImages(NamedTuple):
    """A pair of image files, and the images on their own grids, (C, *S)."""

    files: tuple[Path, Path]
    """The moving one first."""
    moving: MetaTensor
    fixed: MetaTensor


def read_pair(moving: str | Path, fixed: str | Path) -> FileImages:
    """Both images.

    Raises:
        InputError: If one cannot be read.
    """
    return FileImages((Path(moving), Path(fixed)), read(Path(moving)), read(Path(fixed)))


def refuse_pairs_apart(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Before any of them is registered from where it lies in the world.

    Args:
        pairs: Moving and fixed files.

    Raises:
        InputError: If an image cannot be read, or two do not overlap.
    """
    for moving, fixed in pairs:
        pair = read_pair(moving, fixed)
        if pair.moving.ndim == pair.fixed.ndim:  # else its registration names the dimensions
            refuse_apart(overlap_of(pair), moving=moving, fixed=fixed)


def overlap_of(pair: FileImages) -> Overlap | None:
    """Of a pair in the world; ``None`` where a header does not say where its image lies."""
    if not all(map(says_where, pair.files)):
        return None
    return overlap_between(FieldOfView.of(pair.fixed), FieldOfView.of(pair.moving))


def refuse_edge_on(pair: FileImages) -> None:
    """Stop at an image of two axes that has no place in x and y of the world.

    Raises:
        InputError: Naming the file.
    """
    for image, file in zip((pair.moving, pair.fixed), pair.files, strict=True):
        if image.ndim == 3 and is_singular(image.affine, axes=2):
            raise InputError(
                f"{file}: a slice that stands on edge in x and y of the world, where its field is "
                "written; register the volume, or store the slice as an axial one"
            )


def refuse_other_axes(pair: FileImages, spec: InputSpec) -> None:
    """Stop at images of other dimensions than the run's.

    Raises:
        InputError: Naming the file.
    """
    for image, file in zip((pair.moving, pair.fixed), pair.files, strict=True):
        if image.ndim - 1 != spec.spatial_dims:
            raise InputError(
                f"{file}: a {image.ndim - 1}-D image, the run is for {spec.spatial_dims}-D"
            )


def shown(image: MetaTensor, spec: InputSpec) -> FieldOfView:
    """What training centered: the image, or the box of what is above zero."""
    return FieldOfView.of(CropForeground(allow_smaller=True)(image) if spec.foreground else image)
