"""A person's own folder: ``images/``, and ``labels/`` for some of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gemini_monai.data.prepare.labels import LabelFiles, declared_names, find_labels
from gemini_monai.data.prepare.patients import CHANNEL, read_patients
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.errors import InputError
from gemini_monai.images import find_images
from gemini_monai.images.names import suffix_of


def prepare_folder(
    source: str | Path, destination: str | Path, *, wanted: Wanted | None = None
) -> Path:
    """Write ``destination/dataset.json`` for a folder of images.

    ``source/images``, or ``source`` itself where there are no labels, holds NIfTI, NRRD, MHA/MHD,
    PNG or JPEG files, or a sub-folder per DICOM series; ``source/images`` enhanced DICOM, too.
    ``source/labels``, which pre-training does without, holds for some a label map of the same name,
    or a sub-folder with a mask per structure for structures that overlap. ``imagesTr`` and
    ``labelsTr`` are the same by nnU-Net's names. Optional: ``labels.json`` with names and values;
    ``patients.csv`` or ``manifest.csv`` with a case and a patient column, so that one patient's
    images stay on one side of the split; ``participants.tsv`` of BIDS is understood.

    Args:
        source: The folder; never changed.
        destination: Where ``dataset.json`` goes.
        wanted: The split.

    Raises:
        InputError: For input that training could not use; nothing is written then.
    """
    source = Path(source)
    place, label_place = _places(source)
    images = find_images(place)
    labels, structures = find_labels(label_place) if label_place.is_dir() else ({}, [])
    images = _without_channel(images, labels)
    found = Source(
        name=source.absolute().name,
        kind="folder",
        images=images,
        labels=labels,
        declared=declared_names(source / "labels.json"),
        structures=structures,
        patients=read_patients(source, set(images)),
    )
    return prepare_source(found, Path(destination), wanted=wanted or Wanted())


def _places(source: Path) -> tuple[Path, Path]:
    """Folders of images and of labels."""
    if (source / "imagesTr").is_dir() and not (source / "images").exists():
        return source / "imagesTr", source / "labelsTr"
    return source if _is_bare(source) else source / "images", source / "labels"


def _is_bare(source: Path) -> bool:
    """Whether images lie in the folder itself, without ``images`` and ``labels``."""
    inside = any((source / name).exists() for name in ("images", "labels"))
    files = list(source.iterdir()) if source.is_dir() and not inside else []
    return any(path.is_file() and suffix_of(path) for path in files)


def _without_channel(
    images: Mapping[str, Path], labels: Mapping[str, LabelFiles]
) -> dict[str, Path]:
    """Cases without nnU-Net's number of the channel, where every image and no label has it."""
    bare = {case.removesuffix(CHANNEL): path for case, path in images.items()}
    numbered = all(case.endswith(CHANNEL) for case in images)
    if numbered and not any(case.endswith(CHANNEL) for case in labels):
        return bare
    for case, path in images.items():
        if case.endswith("_0001") and f"{case[:-5]}{CHANNEL}" in images:
            raise InputError(
                f"{path}: nnU-Net's name of a second channel; put the channels of a case into one "
                "file, (x, y, z, channel)"
            )
    return dict(images)
