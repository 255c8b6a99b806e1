"""PPMI (Parkinson's Progression Markers Initiative): unlabeled T1 brain volumes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import case_of
from gemini_monai.images.clutter import is_clutter

EXPECTED = 837  # in the paper
NAME = re.compile(r"PPMI_([^_]+)_(?:[A-Z]{2}_)?(.+?)(?:_Br)?(?:_\d{17}.*)?")
"""A file's name: subject, modality, description; in the archive a time in milliseconds and ids."""
SAYS_T1 = re.compile(r"T1", re.IGNORECASE)
IS_LIKE_T1 = re.compile(r"MP-?R(?:AGE)?|SPGR|TFE|BRAVO", re.IGNORECASE)
"""Sequences that PPMI takes T1 volumes with, ``SAG_3D_MPR`` among their names."""
PLANE = re.compile(r"3D|sag(?:ittal)?|repeat|rpt|nd|br|raw|\d+", re.IGNORECASE)
"""Words of a name such as ``3D_SAG``, which says nothing else; PPMI has T1 volumes of that name."""
IS_OTHER = re.compile(r"phantom|(?<![a-z])T2", re.IGNORECASE)
"""``T2_in_T1-anatomical_space`` among them."""
IS_FLAIR = re.compile(r"FLAIR", re.IGNORECASE)
VIEW = {
    "spacing": None,
    "spatial_size": [160, 160, 128],
    "intensity": {"kind": "percentile", "lower": 0.0, "upper": 100.0},
}
LICENSE = "PPMI; signed data use agreement, no redistribution"


class FoundVolume(NamedTuple):
    """A file, or the folder of a DICOM series."""

    case: str
    path: Path
    patient: str | None
    """``None`` where neither the name nor the folders say."""
    description: str | None
    """What the series is called, such as ``T1-anatomical``; ``None`` where nothing says."""


def prepare_ppmi(source: str | Path, destination: str | Path, *, overwrite: bool = False) -> Path:
    """Write ``destination/dataset.json`` with every T1 volume and its patient, all unlabeled.

    Read are files such as ``PPMI_3101_MR_T1-anatomical_....nii`` anywhere below ``source``, DICOM
    series as the archive delivers them, ``<subject>/<description>/<date>/<id>/*.dcm``, and, for the
    authors' folder ``brain``, files of any other name, each then its own patient. What is described
    as anything but T1 is left out, and counted. Brains are not extracted.

    Args:
        source: The folder; never changed.
        destination: Where ``dataset.json`` goes.
        overwrite: Replace an earlier ``dataset.json`` of another content.

    Raises:
        InputError: If there is no such image, or one that pre-training could not use.
    """
    source = Path(source)
    volumes = [*_files(source), *_series(source)]
    used = [volume for volume in volumes if _is_t1(volume)]
    left_out = Counter(str(volume.description) for volume in volumes if not _is_t1(volume))
    if not used:
        found = f"only {_listed(left_out)}" if left_out else "nothing"
        raise InputError(
            f"{source}: expected T1 volumes below it, PPMI_3101_MR_T1-anatomical_....nii or "
            f"folders of *.dcm, found {found}; are its archives unpacked?"
        )
    ppmi = Source(
        name="ppmi",
        kind="ppmi",
        images=_by_case(used),
        labels={},
        patients=_patients(used, source=source),
        license=LICENSE,
        view=VIEW,
    )
    path = prepare_source(ppmi, Path(destination), wanted=Wanted(overwrite=overwrite))
    _tell(ppmi, left_out=left_out)
    return path


def _files(source: Path) -> Iterator[FoundVolume]:
    for path in sorted(source.rglob("*.nii*")):
        if path.name.endswith((".nii", ".nii.gz")) and not is_clutter(path):
            case = case_of(path)
            known = NAME.fullmatch(case)
            patient, description = known.groups() if known else (None, None)
            is_mask = case.endswith("_mask")  # HD-BET writes it beside the extracted brain
            yield FoundVolume(case, path, patient, "mask" if is_mask else description)


def _series(source: Path) -> Iterator[FoundVolume]:
    """Folders of DICOM files; who and what stands in their names, else in those of the folders."""
    first: dict[Path, Path] = {}
    for path in sorted(source.rglob("*.dcm")):
        if not is_clutter(path):
            first.setdefault(path.parent, path)
    for folder in sorted(first):
        known = NAME.fullmatch(first[folder].stem)
        subject, description = known.groups() if known else folder.absolute().parts[-4:-2]
        if not subject.isdigit():
            raise InputError(
                f"{folder}: a DICOM series outside of <subject>/<description>/<date>/<id>: "
                f"'{subject}' is no subject's number"
            )
        yield FoundVolume(f"PPMI_{subject}_{folder.name}", folder, subject, description)


def _is_t1(volume: FoundVolume) -> bool:
    text = volume.description
    if text is None:
        return True
    if IS_OTHER.search(text):
        return False
    if SAYS_T1.search(text):
        return True
    words = [word for word in re.split(r"[\W_]+", text) if word]
    plane = all(map(PLANE.fullmatch, words)) and "3D" in text.upper()
    return (plane or bool(IS_LIKE_T1.search(text))) and not IS_FLAIR.search(text)


def _by_case(volumes: list[FoundVolume]) -> dict[str, Path]:
    images: dict[str, Path] = {}
    for volume in volumes:
        if volume.case in images:
            raise InputError(
                f"{volume.path}: '{volume.case}' is there twice, also as {images[volume.case]}"
            )
        images[volume.case] = volume.path
    return images


def _patients(volumes: list[FoundVolume], *, source: Path) -> dict[str, str]:
    """Patient of each case; a case is its own where no name in a flat folder says."""
    is_named = any(volume.patient is not None for volume in volumes)
    for volume in volumes:
        is_flat = volume.path.parent in (source, source / "brain")
        if volume.patient is None and (is_named or not is_flat):
            raise InputError(
                f"{volume.path}: no subject in its name; expected one such as PPMI_3101_MR_..., or "
                "a flat folder in which no volume has one"
            )
    return {volume.case: volume.patient or volume.case for volume in volumes}


def _tell(contents: Source, *, left_out: Counter[str]) -> None:
    patients = len(set((contents.patients or {}).values()))
    rows = {
        "PPMI": f"{len(contents.images)} volumes of {patients} patients; the paper has {EXPECTED}"
    }
    if contents.patients == {case: case for case in contents.images}:
        rows["patients"] = "none in the names: every volume counts as a patient of its own"
    if left_out:
        rows["left out"] = f"not T1: {_listed(left_out)}"
    print("\n".join(f"{name:>13}  {value}" for name, value in rows.items()))


def _listed(descriptions: Counter[str]) -> str:
    return ", ".join(f"{name} ({descriptions[name]})" for name in sorted(descriptions))
