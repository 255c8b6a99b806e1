"""A person's own folder: ``images/``, and ``labels/`` for some of them."""

from __future__ import annotations

import csv
from pathlib import Path

from gemini_monai.data.prepare.labels import declared_names, find_labels
from gemini_monai.data.prepare.scan import SUFFIXES, find_images
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.errors import InputError

CASE_COLUMNS = ("case", "id", "image", "filename")
PATIENT_COLUMNS = ("patient", "patientid", "patient_id", "subject")


def prepare_folder(
    source: str | Path, destination: str | Path, *, wanted: Wanted | None = None
) -> Path:
    """Write ``destination/dataset.json`` for a folder of images.

    ``source/images``, or ``source`` itself where there are no labels, holds NIfTI, NRRD, MHA/MHD,
    PNG or JPEG files, or a sub-folder per DICOM series. ``source/labels``, which pre-training does
    without, holds for some a label map of the same name, or a sub-folder with a mask per structure
    for structures that overlap. Optional: ``labels.json`` with names and values; ``patients.csv``
    or ``manifest.csv`` with a case and a patient column, so that one patient's images stay on one
    side of the split.

    Args:
        source: The folder; never changed.
        destination: Where ``dataset.json`` goes.
        wanted: The split.

    Raises:
        InputError: For input that training could not use; nothing is written then.
    """
    source = Path(source)
    has_labels = (source / "labels").is_dir()
    images = find_images(source if _is_bare(source) else source / "images")
    labels, structures = find_labels(source / "labels") if has_labels else ({}, [])
    found = Source(
        name=source.absolute().name,
        images=images,
        labels=labels,
        declared=declared_names(source / "labels.json"),
        structures=structures,
        patients=_patients(source, set(images)),
    )
    return prepare_source(found, Path(destination), wanted=wanted or Wanted())


def _is_bare(source: Path) -> bool:
    """Whether images lie in the folder itself, without ``images`` and ``labels``."""
    inside = any((source / name).exists() for name in ("images", "labels"))
    files = list(source.iterdir()) if source.is_dir() and not inside else []
    return any(path.is_file() and path.name.lower().endswith(SUFFIXES) for path in files)


def _patients(source: Path, cases: set[str]) -> dict[str, str] | None:
    """Patient of each case, or ``None`` without a table."""
    for name in ("patients.csv", "manifest.csv"):
        if (source / name).is_file():
            return _read_patients(source / name, cases)
    return None


def _read_patients(path: Path, cases: set[str]) -> dict[str, str]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0]) if rows else []
    case_column = next((n for n in names if n.lower() in CASE_COLUMNS), None)
    patient_column = next((n for n in names if n.lower() in PATIENT_COLUMNS), None)
    if case_column is None or patient_column is None:
        raise InputError(
            f"{path}: expected a column of {CASE_COLUMNS} and one of {PATIENT_COLUMNS}, got {names}"
        )
    patients = {row[case_column].split(".")[0]: row[patient_column] for row in rows}
    for case in sorted(cases):
        if case not in patients:
            raise InputError(f"{path}: no row for image '{case}'")
    return patients
