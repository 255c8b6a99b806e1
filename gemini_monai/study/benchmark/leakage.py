"""Whether anything of the test was seen in training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gemini_monai.data import Cohort
from gemini_monai.data.content import digests_of, recorded
from gemini_monai.data.entries import sources_of
from gemini_monai.study.benchmark.grid import GridSpec


def leakage_sentences(spec: GridSpec) -> list[str]:
    """A sentence for each data set: whether its test images or patients are trained on.

    Images are compared by their files' content, patients by their names within one data set.

    Args:
        spec: Whose data sets are looked at; the one to pre-train on is whatever else is given.
    """
    sentences = []
    for folder, place in ((own, part) for own in spec.tested for part in spec.splits(own)):
        tested = spec.cohort(place)
        trained = [spec.cohort(place if own == folder else own) for own in spec.data]
        contents = _contents(tested, tested.test)
        for cohort in trained:
            seen = [*cohort.labeled, *cohort.unlabeled, *cohort.validation]
            images = len(contents & _contents(cohort, seen))
            same = cohort.name == tested.name
            patients = len(_patients(tested.test) & _patients(seen)) if same else 0
            sentences.append(
                f"{tested.name}: of {len(tested.test)} test images {images or 'none'} and of their "
                f"patients {patients or 'none'} among the {len(seen)} images of {cohort.name} that "
                "are not for testing" + ("" if same else " (patients of other data unknown)")
            )
    return sentences


def _contents(cohort: Cohort, entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """Hashes of what the images hold."""
    sources = [source for e in entries for key, source in sources_of(e) if key == "image"]
    digests = cohort.digests or digests_of(sources, recorded(sources))
    return {digests[source] for source in sources}


def _patients(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    return {str(entry["patient"]) for entry in entries if "patient" in entry}
