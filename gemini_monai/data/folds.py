"""Folds of a data set by patient, so that every labeled case is tested once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.dataset_file import read_cohort, write_cohort

LEAST = 3
"""Folds below which nothing would be left to train on beside validation and test."""

Entry = dict[str, Any]


def fold_of(cohort: Cohort, number: int, *, folds: int) -> Cohort:
    """A data set split anew by patient: who is tested, who validated, who trained on.

    Patients with labels are put in an order by the data set's seed. Every ``folds``-th of them,
    from the one of the fold's number on, is tested. Of the others the first, counted from that one
    on, are validated, as many cases as before or as many as whole patients have; the rest is
    trained on. An image without label of somebody who is tested or validated is left out.

    Args:
        cohort: All of whose labeled cases are split.
        number: Of the fold, from 0.
        folds: How many there are.

    Raises:
        InputError: If there are fewer patients than folds.
    """
    known = [*cohort.labeled, *cohort.validation, *cohort.test]
    patients = sorted({_patient(entry) for entry in known})
    if not LEAST <= folds <= len(patients):
        raise InputError(
            f"folds: expected {LEAST} to {len(patients)}, the patients with labels of "
            f"{cohort.path}, got {folds}"
        )
    order = np.random.default_rng(cohort.seed).permutation(len(patients)).tolist()
    tested = {patients[k] for k in order[number::folds]}
    turned = [patients[k] for k in order[number:] + order[:number]]
    others = [patient for patient in turned if patient not in tested]
    validated = _first(others, known, count=len(cohort.validation))
    held_out = tested | validated
    return replace(
        cohort,
        test=[entry for entry in known if _patient(entry) in tested],
        validation=[entry for entry in known if _patient(entry) in validated],
        labeled=[entry for entry in known if _patient(entry) not in held_out],
        unlabeled=[entry for entry in cohort.unlabeled if _patient(entry) not in held_out],
    )


def write_folds(path: Path, folder: Path, *, folds: int, data_changed: bool = False) -> list[Path]:
    """Every fold as a prepared data set, ``folder/0`` and so on; images stay where they are.

    Args:
        path: The ``dataset.json``.
        folder: Where they go.
        folds: How many.
        data_changed: As of ``read_cohort``.

    Returns:
        Their folders.

    Raises:
        InputError: As ``read_cohort``, ``fold_of`` and ``write_cohort``.
    """
    cohort = read_cohort(path, data_changed=data_changed)
    places = [folder / str(number) for number in range(folds)]
    for number, place in enumerate(places):
        fold = fold_of(cohort, number, folds=folds)
        place.mkdir(parents=True, exist_ok=True)
        write_cohort(replace(fold, path=place / "dataset.json"))
    return places


def _patient(entry: Entry) -> str:
    return str(entry.get("patient", entry["case"]))


def _first(patients: Sequence[str], entries: Sequence[Entry], *, count: int) -> set[str]:
    """The first patients that have as many cases together."""
    chosen: set[str] = set()
    for patient in patients:
        if sum(_patient(entry) in chosen for entry in entries) >= count:
            break
        chosen.add(patient)
    return chosen
