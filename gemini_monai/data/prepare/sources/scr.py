"""SCR/JSRT: chest X-rays with masks of heart, lungs and clavicles, which overlap."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.label_files import LabelFiles
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.sources.jsrt import (
    PIXEL,
    check_size,
    convert_radiograph,
    merge_masks,
)
from gemini_monai.data.prepare.sources.released import find_released
from gemini_monai.data.prepare.split import Split, Wanted
from gemini_monai.images import find_images

STRUCTURES = {
    "heart": ("heart",),
    "lung": ("left lung", "right lung"),
    "clavicle": ("left clavicle", "right clavicle"),
}
"""Folders of SCR whose masks make one structure of the paper."""
PARTS = tuple(part for parts in STRUCTURES.values() for part in parts)
FOLDS = ("fold1", "fold2")
CASE = re.compile(r"JPC[LN]N\d{3}")
COMPLETE = 247
LICENSE = "SCR: research and education, no redistribution, no commercial use, cite; JSRT: its own"
SIZE = [512, 512]  # what the paper trains at


def prepare_scr(
    source: str | Path, destination: str | Path, *, wanted: Wanted | None = None
) -> Path:
    """Write ``destination/dataset.json`` for the radiographs of JSRT with the masks of SCR.

    Two downloads in one folder: ``JPCLN001.IMG`` to ``JPCLN154.IMG`` and ``JPCNN001.IMG`` to
    ``JPCNN093.IMG`` anywhere in it, and SCR's ``fold1`` and ``fold2`` anywhere in it. They become
    NIfTI files below ``destination``, of 1024 x 1024 pixels of 0.35 mm; the network sees 512 x 512
    of 0.7 mm. Also read, as they are: the authors' folders ``image`` and ``label/heart``,
    ``label/lung``, ``label/clavicle`` of PNG files, alone or in ``train/labeled``,
    ``train/unlabeled`` and ``test/labeled``, which then are the split.

    Args:
        source: The folder; never changed.
        destination: Where ``dataset.json`` and converted files go.
        wanted: The split; the paper's 5 labeled, 142 unlabeled and 100 test images by default.

    Raises:
        InputError: If it is neither, if a file is missing or not what it should be, or if a split
            is asked for where the folders are one.
    """
    source, destination = Path(source), Path(destination)
    divided = find_released(source, names=("ChestXray",), find_labels=_structure_masks)
    if divided:
        released = _released(divided.images, divided.labels, split=divided.split)
        return prepare_source(released, destination, wanted=wanted or Wanted())
    flat = (source / "image").is_dir()
    contents = _flat(source) if flat else _official(source, destination)
    asked = (wanted or Wanted()).or_else(labeled=5, validation=0, test=100)
    path = prepare_source(contents, destination, wanted=asked)
    if len(contents.images) != COMPLETE:
        print(
            f"{'note':>13}  {len(contents.images)} of {COMPLETE} images: another split than of all"
        )
    return path


def _official(source: Path, destination: Path) -> Source:
    images, masks = _radiographs(source), _masks(source)
    _refuse_without_image(masks, images=images, source=source)
    for case, image in images.items():
        check_size(image)
        if case not in masks:
            raise InputError(f"{image}: no masks of '{case}' in {' or '.join(FOLDS)}")

    def convert_label(case: str, files: LabelFiles) -> LabelFiles:
        given = dict(zip(PARTS, files if isinstance(files, list) else [files], strict=True))
        return [
            merge_masks(
                [given[part] for part in parts],
                target=destination / "masks" / structure / f"{case}.nii.gz",
            )
            for structure, parts in STRUCTURES.items()
        ]

    return Source(
        name="scr",
        kind="scr",
        images=images,
        labels=masks,
        structures=list(STRUCTURES),
        license=LICENSE,
        view={
            "spacing": [2 * PIXEL, 2 * PIXEL],
            "spatial_size": SIZE,
            "intensity": {"kind": "range", "lower": 0.0, "upper": 4095.0},
        },
        convert_image=lambda case, raw: convert_radiograph(
            raw, target=destination / "images" / f"{case}.nii"
        ),
        convert_label=convert_label,
    )


def _radiographs(source: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(source.rglob("JPC*")):
        if path.suffix.lower() != ".img" or not CASE.fullmatch(path.stem):
            continue
        if path.stem in found:
            raise InputError(f"{path}: '{path.stem}' is there twice, also as {found[path.stem]}")
        found[path.stem] = path
    if not found:
        raise InputError(
            f"{source}: neither JPCLN001.IMG and so on of JSRT, nor the authors' folder 'image' or "
            "'train'; not SCR/JSRT"
        )
    return found


def _masks(source: Path) -> dict[str, list[Path]]:
    """The five files of each case, in the order of ``PARTS``."""
    masks: dict[str, list[Path]] = {}
    for fold in FOLDS:
        folders = [path for path in sorted(source.rglob(fold)) if (path / "masks").is_dir()]
        if not folders:
            raise InputError(
                f"{source}: no folder '{fold}/masks'; SCR has its masks in {' and '.join(FOLDS)}"
            )
        own = _joined(dict(_parts(folders[0] / "masks")), folder=folders[0] / "masks")
        for case in sorted(own.keys() & masks.keys()):
            raise InputError(f"{own[case][0]}: masks of '{case}' are there twice")
        masks |= own
    return masks


def _parts(folder: Path) -> Iterator[tuple[str, dict[str, Path]]]:
    """Masks of each part by case; the folder's name has a space, or an underscore in copies."""
    for part in PARTS:
        names = (part, part.replace(" ", "_"))
        place = next((folder / name for name in names if (folder / name).is_dir()), None)
        if place is None:
            raise InputError(f"{folder}: no folder '{part}'")
        yield part, {path.stem: path for path in sorted(place.glob("JPC*.gif"))}


def _flat(source: Path) -> Source:
    """One folder of the authors'; the split is ours."""
    images, labels = find_images(source / "image"), _structure_masks(source / "label")
    _refuse_without_image(labels, images=images, source=source)
    return _released(images, labels)


def _refuse_without_image(
    masks: Mapping[str, Sequence[Path]], *, images: Mapping[str, Path], source: Path
) -> None:
    for case, files in masks.items():
        if case not in images:
            raise InputError(f"{files[0]}: a mask without an image '{case}' in {source}")


def _structure_masks(folder: Path) -> dict[str, list[Path]]:
    masks = {structure: find_images(folder / structure) for structure in STRUCTURES}
    return _joined(masks, folder=folder)


def _joined(masks: Mapping[str, Mapping[str, Path]], *, folder: Path) -> dict[str, list[Path]]:
    """Masks of each case, one of each kind."""
    cases = sorted({case for files in masks.values() for case in files})
    for kind, files in masks.items():
        for case in cases:
            if case not in files:
                raise InputError(f"{folder / kind}: no mask of '{case}', which others there have")
    return {case: [files[case] for files in masks.values()] for case in cases}


def _released(
    images: Mapping[str, Path],
    labels: Mapping[str, LabelFiles],
    *,
    split: Split | None = None,
) -> Source:
    return Source(
        name="scr",
        kind="scr",
        images=images,
        labels=labels,
        structures=list(STRUCTURES),
        license=LICENSE,
        view={
            "spatial_size": SIZE,
            "intensity": {"kind": "range", "lower": 0.0, "upper": 255.0},
        },
        split=split,
    )
