"""Which files are images, and what the case of each is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unicodedata import category

from gemini_monai.base.errors import InputError
from gemini_monai.base.presence import refuse_absent_folder
from gemini_monai.base.system import cannot_be_written
from gemini_monai.images.clutter import without_clutter
from gemini_monai.images.dicom import is_slice

SEGMENTATION = ".seg.nrrd"
"""Of 3D Slicer: a label, never an image."""
SUFFIXES = (".nii.gz", ".nii", SEGMENTATION, ".nrrd", ".mha", ".mhd", ".png", ".jpg", ".jpeg")
PICTURES = (".png", ".jpg", ".jpeg")
LOSSY = (".jpg", ".jpeg")
DICOM = ".dcm"
"""Of an enhanced file, which is a case by itself; the slices of a series have a folder."""
COMPANIONS = (".raw", ".zraw", ".json", ".bval", ".bvec")
"""What may lie beside an image: data of ``.mhd`` headers, and the notes of BIDS."""
FORBIDDEN = ("/", "\\")
"""In the name of a case, which becomes the name of a file."""
UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")
"""Kinds of characters likewise: control, line breaks, bytes that are no text in UTF-8."""


def is_picture(file: Any) -> bool:
    """Whether a file is a PNG or JPEG, which has no voxel size."""
    return isinstance(file, (str, Path)) and str(file).lower().endswith(PICTURES)


def is_segmentation(file: Any) -> bool:
    """Whether a file is a segmentation of 3D Slicer, which its name says."""
    return isinstance(file, (str, Path)) and str(file).lower().endswith(SEGMENTATION)


def is_dicom(path: Path) -> bool:
    """Whether an image is a folder, which holds a series, or a ``.dcm`` file."""
    return path.is_dir() or path.name.lower().endswith(DICOM)


def suffix_of(path: Path) -> str | None:
    """The suffix of an image format that a file's name ends with, as it is written there."""
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return path.name[-len(suffix) :]
    return None


def case_of(path: Path) -> str:
    """Name of a file without its image suffix; a folder's own name, whatever dots are in it.

    Raises:
        InputError: If the suffix is none of an image format.
    """
    if path.is_dir():
        return path.name
    suffix = path.suffix if is_dicom(path) else suffix_of(path)
    if not suffix or suffix == path.name:
        raise InputError(f"{path}: unknown image format{_hint(path)}")
    return path.name.removesuffix(suffix)


def _hint(path: Path) -> str:
    if path.name.lower().endswith(".ima"):
        return "; every DICOM series goes into a folder of its own, named by its case"
    return f", expected one of {' '.join(SUFFIXES)} {DICOM}, or a folder per DICOM series"


def refuse_name(case: Any, *, where: str) -> None:
    """Stop at a case whose name no file can have.

    Raises:
        InputError: If it is empty, no text, ``.`` or ``..``, or has a character such as ``/``, a
            line break, or a byte that is no text; on Windows also where Windows has no such name.
    """
    if not isinstance(case, str) or case.strip() in ("", ".", ".."):
        raise InputError(f"{where}: the name of a case must be text, got {case!r}")
    unwritable = any(c in FORBIDDEN or category(c) in UNWRITABLE for c in case)
    if unwritable or cannot_be_written(case):
        raise InputError(f"{where}: case {case!r} cannot be the name of a file")


def find_images(folder: str | Path) -> dict[str, Path]:
    """Image files and DICOM series (sub-folders) of a folder by case.

    A file is a case alone, and so is a folder in which the slices of a DICOM series lie themselves.
    Whether a ``.dcm`` file is a volume is seen when it is read. A segmentation of 3D Slicer is no
    image, and may lie beside its image. What no one could mean as a scan, such as ``Thumbs.db`` and
    ``README.txt``, is passed over and named once.

    Raises:
        InputError: If the folder is missing or empty, a file is of no known format, or two files
            have one case.
    """
    return _by_case(Path(folder), lambda path: not is_segmentation(path))


def find_label_files(folder: str | Path) -> dict[str, Path]:
    """The same of label maps, which segmentations of 3D Slicer are too.

    Raises:
        InputError: As ``find_images``.
    """
    return _by_case(Path(folder), lambda path: True)


def find_segmentations(folder: str | Path) -> dict[str, Path]:
    """Segmentations of 3D Slicer in a folder, such as those that lie beside images, by case."""
    return {case_of(path): path for path in _listed(Path(folder)) if is_segmentation(path)}


def _by_case(folder: Path, wanted: Callable[[Path], bool]) -> dict[str, Path]:
    if folder.is_file():
        return {case_of(folder): folder}
    refuse_absent_folder(folder)
    if _holds_slices(folder):
        return {case_of(folder if folder.name.strip(".") else folder.resolve()): folder}
    by_case: dict[str, Path] = {}
    for path in filter(wanted, _listed(folder)):
        case = case_of(path)
        if case in by_case:
            raise InputError(f"{path}: case '{case}' is there twice, also as {by_case[case].name}")
        by_case[case] = path
    if not by_case:
        raise InputError(f"{folder}: empty; expected images ({' '.join(SUFFIXES)}, DICOM folders)")
    return by_case


def _holds_slices(folder: Path) -> bool:
    """Whether a folder's files are slices of DICOM, and no images that are cases by themselves."""
    paths = list(_listed(folder))
    if any(path.is_dir() or suffix_of(path) for path in paths):
        return False
    return any(is_slice(path) for path in paths)


def _listed(folder: Path) -> Iterable[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from error
    return [p for p in without_clutter(paths) if not p.name.lower().endswith(COMPANIONS)]
