"""Which scans of a prepared data set to label first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gemini_monai.base.errors import InputError
from gemini_monai.base.limits import one_of, whole
from gemini_monai.choosing.choice import Choice, Scan
from gemini_monai.choosing.describing import description_of, raw_vectors, weighed_alike
from gemini_monai.choosing.distances import FAR, Array, distances, outlyingness
from gemini_monai.choosing.features import pictures_of
from gemini_monai.choosing.registered import registered_distances
from gemini_monai.choosing.strategies import STRATEGIES, Pool
from gemini_monai.data import Cohort, read_cohort
from gemini_monai.data.entries import has_label
from gemini_monai.data.prepare.patients import case_in

STRATEGY, KIND = "k_medoids", "network"
"""The rule and the features by default; see docs/results/choosing.md."""
UNUSED = ("count", "choose")
"""What is done with scans that have a label file which the split does not use."""


def choose(
    data: str | Path,
    count: int,
    *,
    strategy: str = STRATEGY,
    features: str = KIND,
    pretrained: str | Path | None = None,
    labeled_already: Sequence[str] = (),
    unused_labels: str = "count",
    seed: int = 0,
) -> Choice:
    """Choose scans to label, from images alone.

    Scans are those that a data set may train on: its unlabeled ones, beside the labeled ones, which
    count as labeled already. Validation and test images are not looked at. A scan that stands out
    from all others is told and never chosen. A patient has a second scan chosen only when every
    patient has a label.

    Args:
        data: Folder of a prepared data set.
        count: How many to choose, 1 or more.
        strategy: One of ``STRATEGIES``.
        features: One of ``FEATURES``.
        pretrained: A run, or a file that ``load_backbone`` takes; ``None`` for random weights.
        labeled_already: Cases that have labels beyond those of the data set.
        unused_labels: ``"count"``: scans that have a label file which the split does not use count
            as labeled already. ``"choose"``: they may be chosen.
        seed: Of the strategy ``"random"``.

    Raises:
        InputError: If there is no such data set, strategy or features, an already labeled case is
            not in it, too few scans are left to choose from, or a scan cannot be read.
    """
    whole(1)(count, "N")
    if strategy not in STRATEGIES:
        raise InputError(f"--strategy: expected one of {', '.join(STRATEGIES)}, got '{strategy}'")
    one_of(*UNUSED)(unused_labels, "--unused_labels")
    cohort = read_cohort(Path(data) / "dataset.json")
    unused = _unused(cohort) if unused_labels == "count" else []
    entries, covered = candidates(cohort, [*labeled_already, *unused])
    if len(entries) - len(covered) < count:
        raise InputError(
            f"{cohort.path}: {len(entries) - len(covered)} scan(s) without a label to choose from, "
            f"got N {count}"
        )
    kinds = raw_vectors(entries, description_of(cohort, features, pretrained=pretrained))
    vectors = weighed_alike(kinds)
    between = _registered(kinds[0], cohort) if features == "registered" else distances(vectors)
    settings = {"data": str(cohort.path), "spatial_dims": cohort.spatial_dims}
    settings |= {"strategy": strategy, "features": features, "seed": seed}
    settings |= {} if pretrained is None else {"pretrained": str(pretrained)}
    return choice_of(entries, vectors, count, between=between, covered=covered, settings=settings)


def _registered(vectors: NDArray[np.float32], cohort: Cohort) -> Array:
    pictures = pictures_of(vectors, spatial_dims=cohort.spatial_dims, channels=cohort.channels)
    return registered_distances(pictures)


def _unused(cohort: Cohort) -> list[str]:
    """Cases whose label file the split does not use, which is told."""
    cases = [str(entry["case"]) for entry in cohort.unlabeled if has_label(entry)]
    if cases:
        print(
            f"{len(cases)} scan(s) have a label file that the split does not use: they count as "
            "labeled (--unused_labels choose: they may be chosen)"
        )
    return cases


def candidates(
    cohort: Cohort, labeled_already: Sequence[str] = ()
) -> tuple[list[dict[str, Any]], list[int]]:
    """Entries without their labels, and places of those that are labeled already.

    Args:
        cohort: Whose labeled and unlabeled scans.
        labeled_already: More cases that have labels, or names of their files.

    Raises:
        InputError: If one of these is not there.
    """
    known = [*cohort.labeled, *cohort.unlabeled]
    entries = [{key: value for key, value in e.items() if key != "label"} for e in known]
    cases = [str(entry["case"]) for entry in entries]
    labeled = {str(entry["case"]) for entry in cohort.labeled}
    for name in labeled_already:
        case = case_in(name, cases)
        if case not in cases:
            raise InputError(f"--labeled_already: {cohort.path} has no scan '{case}' to train on")
        labeled.add(case)
    return entries, [k for k, case in enumerate(cases) if case in labeled]


def choice_of(
    entries: Sequence[Mapping[str, Any]],
    vectors: Array,
    count: int,
    *,
    between: Array,
    covered: Sequence[int],
    settings: Mapping[str, Any],
) -> Choice:
    """The choice by a rule, of scans whose features are known.

    Args:
        entries: Scans, with ``case``, ``image`` and, where they are known, ``patient`` and
            ``group``.
        vectors: One a scan, (n, K).
        count: How many to choose.
        between: Distances of scans, (n, n).
        covered: Places of those that have labels.
        settings: ``strategy`` and ``seed`` among them.

    Raises:
        InputError: If too few scans are left without those that stand out.
    """
    scans = tuple(_scan(entry) for entry in entries)
    patients = np.array([scan.patient for scan in scans])
    out = outlyingness(between, patients)
    pool = Pool(between, patients, out < FAR, covered=covered, seed=settings["seed"])
    left = int(np.setdiff1d(np.flatnonzero(pool.eligible), covered).size)
    if left < count:
        raise InputError(
            f"{settings['data']}: {left} scan(s) to choose from, got N {count}; "
            f"{len(covered)} have labels and {int((out >= FAR).sum())} stand out"
        )
    return Choice(
        scans=scans,
        chosen=tuple(STRATEGIES[settings["strategy"]](pool, count)),
        already=tuple(covered),
        between=between,
        outlyingness=out,
        weights=pool.weights,
        plane=np.pad(vectors[:, :2], ((0, 0), (0, max(0, 2 - vectors.shape[1])))),
        settings=settings,
    )


def _scan(entry: Mapping[str, Any]) -> Scan:
    case = str(entry["case"])
    patient, group = str(entry.get("patient", case)), str(entry.get("group", ""))
    return Scan(case=case, image=str(entry["image"]), patient=patient, group=group)
