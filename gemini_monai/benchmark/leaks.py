"""Whether anything of the test was seen in training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gemini_monai.benchmark.grid import Question
from gemini_monai.data import read_cohort


def leaks(question: Question) -> list[str]:
    """A sentence for each data set: whether its test images or patients are trained on.

    Images are compared by their files' content, patients by their names within one data set.

    Args:
        question: Whose data sets are looked at; the one to pre-train on is whatever else is given.
    """
    found = []
    trained = [read_cohort(folder / "dataset.json") for folder in question.data]
    for folder in question.tested:
        own = read_cohort(folder / "dataset.json")
        contents = set(_contents(own.test))
        for cohort in trained:
            seen = [*cohort.labeled, *cohort.unlabeled, *cohort.validation]
            images = len(contents & set(_contents(seen)))
            same = cohort.name == own.name
            patients = len(_patients(own.test) & _patients(seen)) if same else 0
            found.append(
                f"{own.name}: of {len(own.test)} test images {images or 'none'} and of their "
                f"patients {patients or 'none'} among the {len(seen)} images of {cohort.name} that "
                "are not for testing" + ("" if same else " (patients of other data unknown)")
            )
    return found


def _contents(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    return [hashlib.sha256(Path(e["image"]).read_bytes()).hexdigest() for e in entries]


def _patients(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    return {str(entry["patient"]) for entry in entries if "patient" in entry}
