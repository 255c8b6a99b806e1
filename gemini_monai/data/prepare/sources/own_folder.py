"""A person's own folder: ``images/``, and ``labels/`` for some of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.declared_labels import Declared, declared_names
from gemini_monai.data.prepare.label_files import LabelFiles, find_labels
from gemini_monai.data.prepare.nnunet_dataset import (
    NnUNetDataset,
    read_nnunet,
    refuse_other_ending,
)
from gemini_monai.data.prepare.patients import CHANNEL, read_patients
from gemini_monai.data.prepare.regions import with_declared
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import find_images
from gemini_monai.images.clutter import is_clutter
from gemini_monai.images.names import find_segmentations, suffix_of


def prepare_folder(
    source: str | Path, destination: str | Path, *, wanted: Wanted | None = None
) -> Path:
    """Write ``destination/dataset.json`` for a folder of images.

    ``source/images``, or ``source`` itself where there are no labels, holds NIfTI, NRRD, MHA/MHD,
    PNG or JPEG files, or a sub-folder per DICOM series; ``source/images`` enhanced DICOM, too.
    ``source/labels``, which pre-training does without, holds for some a label map of the same name,
    or a sub-folder with a mask per structure for structures that overlap. ``imagesTr`` and
    ``labelsTr`` are the same by nnU-Net's names, and its ``dataset.json`` says what labels and
    channels mean. Segmentations of 3D Slicer, ``CASE.seg.nrrd``, may also lie beside the images.
    Optional: ``labels.json`` with names and values, of which ``ignore`` is that of voxels that do
    not count; ``patients.csv`` or ``manifest.csv`` with a case and a patient column, so that one
    patient's images stay on one side of the split; ``participants.tsv`` of BIDS is understood.

    Args:
        source: The folder; never changed.
        destination: Where ``dataset.json`` goes.
        wanted: The split.

    Raises:
        InputError: For input that training could not use; no ``dataset.json`` is written then.
    """
    source, destination = Path(source), Path(destination)
    nnunet = read_nnunet(source)
    declared, said_in = _declared(source, nnunet)
    contents = _found(source, nnunet)
    contents = with_declared(contents, declared, said_in=said_in, folder=destination / "masks")
    path = prepare_source(contents, destination, wanted=wanted or Wanted())
    if nnunet is not None:
        _tell(nnunet, labels=len(contents.labels))
    return path


def _found(source: Path, nnunet: NnUNetDataset | None) -> Source:
    """Images, labels and patients of the folder."""
    image_folder, label_folder = _places(source)
    images = find_images(image_folder)
    labels, structures = _labels(image_folder, label_folder)
    if nnunet is not None:
        refuse_other_ending(images, nnunet)
    images = _without_channel(images, labels)
    return Source(
        name=source.absolute().name,
        kind="folder",
        images=images,
        labels=labels,
        structures=structures,
        patients=read_patients(source, set(images)),
        channel_names=nnunet.channels if nnunet else (),
        license=(nnunet and nnunet.license) or "not recorded",
    )


def _tell(nnunet: NnUNetDataset, *, labels: int) -> None:
    """What of nnU-Net's folder is not used, or not as it says."""
    tests = nnunet.path.parent / "imagesTs"
    if tests.is_dir():
        print(f"{'passed over':>13}  {tests}: images to test nnU-Net on")
    if nnunet.training not in (None, labels):
        number = f"numTraining {nnunet.training}, but {labels} labels are there"
        print(f"{'note':>13}  {nnunet.path}: {number}")


def _declared(source: Path, nnunet: NnUNetDataset | None) -> tuple[Declared, Path]:
    """What is said of labels, and where."""
    path = source / "labels.json"
    declared = declared_names(path)
    if nnunet is None:
        return declared, path
    if path.is_file() and declared != nnunet.declared:
        raise InputError(f"{path}: says other labels than {nnunet.path}; remove one of them")
    return nnunet.declared, nnunet.path


def _places(source: Path) -> tuple[Path, Path]:
    """Folders of images and of labels."""
    if (source / "imagesTr").is_dir() and not (source / "images").exists():
        return source / "imagesTr", source / "labelsTr"
    return source if _is_bare(source) else source / "images", source / "labels"


def _labels(image_folder: Path, label_folder: Path) -> tuple[dict[str, LabelFiles], list[str]]:
    """Those of a folder of their own, or else 3D Slicer's segmentations beside the images."""
    beside = find_segmentations(image_folder)
    if not label_folder.is_dir():
        return dict(beside), []
    if beside:
        raise InputError(
            f"{next(iter(beside.values()))}: a segmentation beside its image, where labels lie in "
            f"{label_folder}; put it there"
        )
    return find_labels(label_folder)


def _is_bare(source: Path) -> bool:
    """Whether images lie in the folder itself, without ``images`` and ``labels``."""
    inside = any((source / name).exists() for name in ("images", "labels"))
    files = list(source.iterdir()) if source.is_dir() and not inside else []
    return any(path.is_file() and suffix_of(path) for path in files if not is_clutter(path))


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
