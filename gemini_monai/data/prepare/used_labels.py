"""The labels that a data set uses: read once, checked against their images, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tqdm import tqdm

from gemini_monai.data.cohort import Cohort
from gemini_monai.data.prepare.label_files import LabelFiles, check_label, named_structures
from gemini_monai.data.prepare.scan import ImageFacts
from gemini_monai.data.prepare.source_files import Source
from gemini_monai.data.prepare.split import Split
from gemini_monai.data.prepare.structures import Count, counted


class UsedLabels(NamedTuple):
    """What is in the label files that are used."""

    files: dict[str, LabelFiles]
    """By case."""
    values: dict[str, int]
    """By name of the structure."""
    counts: dict[str, list[Count]]
    """Structures of each case, on file and as the network gets them."""
    ignored: dict[str, bool]
    """Cases in which voxels are ignored, and whether all are."""


def used_labels(
    source: Source, split: Split, scans: Mapping[str, ImageFacts], cohort: Cohort
) -> UsedLabels:
    """Labels of the cases that keep theirs, each read once.

    Args:
        source: Whose label files they are.
        split: Who is labeled, validated or tested.
        scans: Every image by case.
        cohort: How images are seen.

    Raises:
        InputError: If a label is none of its image, or has values that nobody declared.
    """
    labels: dict[str, LabelFiles] = {}
    counts: dict[str, list[Count]] = {}
    seen_values: set[int] = set()
    ignored: dict[str, bool] = {}
    for case in tqdm([*split.labeled, *split.validation, *split.test], "labels", leave=False):
        files = source.labels[case]
        if source.convert_label is not None:
            files = source.convert_label(case, files)
        values = check_label(scans[case], files, declared=source.declared, ignore=source.ignore)
        if source.ignore in values:
            ignored[case] = len(values) == 1
        seen_values |= values
        labels[case] = files
        counts[case] = counted(files, cohort, fit=case in split.labeled)
    names = named_structures(seen_values, labels, declared=source.declared, ignore=source.ignore)
    structures = {structure: k for k, structure in enumerate(source.structures)}
    return UsedLabels(labels, structures or names, counts, ignored)
