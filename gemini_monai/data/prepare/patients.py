"""The table that says which images are of one patient, by whatever name it has."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import read_table
from gemini_monai.images.names import DICOM, suffix_of

DOCUMENTED = ("patients.csv", "manifest.csv")
"""The first before the other."""
BIDS = "participants"
"""Its table has a row per participant, by whom images are named."""
ALIKE = re.compile(r"(patient|participant|subject)s?(list|table|ids?|csv|\d+)?|manifest(csv)?")
"""Names of such tables, in small letters and without what stands between words."""
TEXT, OTHERS = (".csv", ".tsv", ".txt"), (".xlsx", ".xls", ".ods", ".numbers")
CASE_COLUMNS = ("case", "id", "image", "filename", "caseid", "imageid", "file")
PATIENT_COLUMNS = ("patient", "patientid", "subject", "subjectid", "participant", "participantid")
CHANNEL = "_0000"
"""What nnU-Net adds to the name of an image, but not to that of its label."""
EXPECTED = "expected patients.csv with a column of cases and one of patients"


def read_patients(source: Path, cases: Collection[str]) -> dict[str, str] | None:
    """Patient of each case; ``None`` where nothing in a folder looks like a table of them.

    A table by another name than the documented ones is read where it is the only one that looks
    like it, by its name or by columns of cases and of patients, and a line says so.

    Args:
        source: The folder.
        cases: Of its images.

    Raises:
        InputError: If what looks like one cannot be read, there are several, or a case has no
            patient or two.
    """
    files = sorted(source.iterdir()) if source.is_dir() else []
    tables = [path for path in files if _is_alike(path)]
    tables = tables or [path for path in files if _has_columns(path, cases)]
    documented = [path for name in DOCUMENTED for path in tables if path.name == name]
    if not tables:
        _refuse_unread(files)
        return None
    path = (documented or tables)[0]
    rivals = [table for table in tables if table != path and _competes(table, path, documented)]
    if rivals:
        names = ", ".join(table.name for table in (path, *rivals))
        raise InputError(f"{source}: {names} all look like the table of patients; leave one")
    if path.is_dir() or path.suffix.lower() in OTHERS:
        kind = "a folder" if path.is_dir() else "a spreadsheet"
        raise InputError(
            f"{path}: {kind} that is called like the table of patients; {EXPECTED}. Export it so, "
            "or give it another name if it is none"
        )
    patients = _patients_in(path, cases)
    if not documented:
        print(f"{'patients':>13}  {len(set(patients.values()))}, by {path.name}")
    return patients


def _refuse_unread(files: Sequence[Path]) -> None:
    """Stop at a file that is called like the table and is none that is read, nor an image."""
    for path in files:
        is_image = bool(suffix_of(path)) or path.suffix == DICOM
        explains = _plain(path.stem) == BIDS and path.suffix.lower() == ".json"
        if path.is_file() and _has_name(path) and not is_image and not explains:
            raise InputError(
                f"{path}: is called like the table of patients, and is no CSV; {EXPECTED}, or give "
                "it another name if it is none"
            )


def _has_name(path: Path) -> bool:
    return bool(ALIKE.fullmatch(_plain(path.stem))) and not path.name.startswith(".")


def _is_alike(path: Path) -> bool:
    """Whether a file or folder has the name of a table of patients."""
    if not _has_name(path):
        return False
    if path.suffix.lower() in (*TEXT, *OTHERS):
        return True
    return path.is_dir() and any(file.suffix.lower() in (*TEXT, *OTHERS) for file in path.iterdir())


def _has_columns(path: Path, cases: Collection[str]) -> bool:
    """Whether a file is a table of cases that are here, and of patients."""
    if path.suffix.lower() not in TEXT or not path.is_file():
        return False
    try:
        rows = read_table(path)
    except InputError:  # some other text
        return False
    case, patient = _columns(rows)
    if not case or not patient:
        return False
    return any(case_in(row[case], cases) in cases for row in rows)


def _columns(rows: Sequence[Mapping[str, str]]) -> tuple[str | None, str | None]:
    """Names of the columns of cases and of patients."""
    columns = {_plain(name): name for name in (rows[0] if rows else {})}
    case = next((columns[name] for name in CASE_COLUMNS if name in columns), None)
    return case, next((columns[name] for name in PATIENT_COLUMNS if name in columns), None)


def _competes(other: Path, path: Path, documented: Sequence[Path]) -> bool:
    """Whether it is as likely meant: a spelling of a documented name, that one left aside."""
    if not documented:
        return True
    same = [re.findall(r"^(?:patient|manifest)", _plain(table.stem)) for table in (other, path)]
    return same[0] == same[1] != [] and other.suffix.lower() in TEXT


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())


def _patients_in(path: Path, cases: Collection[str]) -> dict[str, str]:
    rows = read_table(path)
    case_column, patient_column = _columns(rows)
    if patient_column and not case_column and _plain(path.stem) == BIDS:
        pairs = _by_name([row[patient_column] for row in rows], cases)
    elif patient_column and case_column:
        pairs = [(case_in(row[case_column], cases), row[patient_column]) for row in rows]
    else:
        raise InputError(
            f"{path}: expected a column of {CASE_COLUMNS} and one of {PATIENT_COLUMNS}, got "
            f"{list(rows[0] if rows else [])}"
        )
    patients: dict[str, str] = {}
    for case, patient in pairs:
        if patients.setdefault(case, patient) != patient:
            raise InputError(
                f"{path}: '{case}' has two patients, '{patients[case]}' and '{patient}'"
            )
    _refuse_without(patients, cases, path=path)
    return patients


def _by_name(names: Sequence[str], cases: Collection[str]) -> list[tuple[str, str]]:
    """Cases that are called after a participant: ``sub-01_T1w`` after ``sub-01``."""
    return [
        (case, name)
        for name in names
        for case in cases
        if re.match(rf"(sub-)?{re.escape(name)}(?![A-Za-z0-9])", case)
    ]


def _refuse_without(patients: Mapping[str, str], cases: Collection[str], *, path: Path) -> None:
    for case in sorted(cases):
        if not patients.get(case):
            missing = "no row for image" if case not in patients else "no patient of image"
            raise InputError(f"{path}: {missing} '{case}'")


def case_in(cell: str, cases: Collection[str]) -> str:
    """The case that a cell names, by itself or as a file with its suffix and folder.

    Args:
        cell: Of a table.
        cases: That there are; where none is meant, the name without its suffix comes back.
    """
    name = Path(cell).name
    stem = name.removesuffix(suffix_of(Path(name)) or DICOM)
    options = (cell, name, stem, stem.removesuffix(CHANNEL))
    return next((option for option in options if option in cases), stem)
