"""Splits: disjoint, whole, seeded."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.propose import propose
from gemini_monai.data.prepare.scan import ImageFacts
from gemini_monai.data.prepare.split import Wanted, split_cases

CASES = [f"c{k:02d}" for k in range(20)]


@given(
    labeled=st.integers(1, 5),
    validation=st.integers(0, 3),
    test=st.integers(0, 3),
    seed=st.integers(0, 99),
    per_patient=st.integers(1, 2),
)
def test_every_case_is_in_one_part_and_no_patient_in_two(
    labeled, validation, test, seed, per_patient
):
    patients = {case: str(k // per_patient) for k, case in enumerate(CASES)}
    split = split_cases(
        CASES,
        with_label=CASES[1:15],
        wanted=Wanted(labeled, validation, test, seed),
        patients=patients,
    )
    assert sorted(case for part in split for case in part) == CASES
    assert len(split.labeled) == labeled
    assert len(split.test) >= test
    assert set(split.labeled) | set(split.validation) | set(split.test) <= set(CASES[1:15])
    trained = {patients[case] for case in [*split.labeled, *split.unlabeled]}
    held_out = [{patients[c] for c in part} for part in (split.validation, split.test)]
    assert not trained & (held_out[0] | held_out[1])
    assert not held_out[0] & held_out[1]


def test_the_order_of_the_cases_does_not_matter():
    wanted = Wanted(labeled=3, validation=2, test=2, seed=1)
    forward = split_cases(CASES, with_label=CASES, wanted=wanted)
    assert split_cases(CASES[::-1], with_label=CASES[::-1], wanted=wanted) == forward
    assert split_cases(CASES, with_label=CASES, wanted=wanted._replace(seed=2)) != forward


def test_a_tenth_and_a_fifth_by_default_and_nothing_when_there_are_few():
    many = split_cases(CASES, with_label=CASES, wanted=Wanted())
    assert [len(part) for part in many] == [14, 0, 2, 4, 0]
    few = split_cases(CASES, with_label=CASES[:5], wanted=Wanted())
    assert [len(part) for part in few] == [5, 15, 0, 0, 0]


def _scan(shape, spacing, minimum=0.0):
    return ImageFacts("c", None, shape, 1, spacing, np.eye(4), "x", (minimum,))


def _earlier(folder, **parts):
    content = {"name": "x", "spatial_dims": 2, "channels": 1, "labels": {"background": 0, "a": 1}}
    content |= {"overlapping": False, "spacing": None, "spatial_size": [32, 32], "seed": 0}
    content |= {"intensity": {"kind": "percentile", "lower": 0, "upper": 100}, "hash": "x"}
    for part in ("labeled", "unlabeled", "validation", "test"):
        content[part] = [
            {"case": case, "image": f"{case}.png", "label": f"{case}_.png"}
            for case in parts.get(part, ())
        ]
    for name in (
        file for entries in parts.values() for case in entries for file in (case, f"{case}_")
    ):
        (folder / f"{name}.png").touch()
    (folder / "dataset.json").write_text(json.dumps(content))
    return str(folder)


@given(more=st.sets(st.sampled_from(CASES[6:]), max_size=8), seed=st.integers(0, 9))
def test_what_was_held_out_stays_so_and_every_other_label_may_be_trained_on(
    tmp_path_factory, more, seed
):
    folder = _earlier(tmp_path_factory.mktemp("dst"), validation=["c03"], test=["c01", "c05"])
    wanted = Wanted(after=folder, seed=seed).check()
    split = split_cases(CASES, with_label=[*CASES[:6], *more], wanted=wanted)
    assert (split.validation, split.test) == (["c03"], ["c01", "c05"])
    assert set(split.labeled) == {"c00", "c02", "c04"} | more
    assert sorted([*split.labeled, *split.unlabeled, *split.validation, *split.test]) == CASES
    patients = {case: "p" if case in ("c01", "c09") else case for case in CASES}
    split = split_cases(CASES, with_label=CASES[:12], wanted=wanted, patients=patients)
    assert "c09" in split.dropped


def test_an_earlier_split_that_cannot_be_kept_is_named(tmp_path):
    folder = _earlier(tmp_path, test=["c01"])
    with pytest.raises(InputError, match="tests or validates on case 'c01', which has no label"):
        split_cases(CASES, with_label=["c02"], wanted=Wanted(after=folder))
    with pytest.raises(InputError, match="1 labeled.*too few for --labeled 1 beside those that"):
        split_cases(CASES, with_label=["c01"], wanted=Wanted(after=folder))
    with pytest.raises(InputError, match="--test: is that of --after"):
        Wanted(after=folder, test=2).check()
    with pytest.raises(InputError, match="prepare the data first"):
        Wanted(after=str(tmp_path / "none")).check()


def test_size_covers_the_median_extent_at_the_median_spacing():
    scans = [_scan((30, 40), (1.0, 2.0)), _scan((50, 40), (1.0, 2.0)), _scan((40, 80), (1.0, 1.0))]
    found = propose(scans)
    assert found["spacing"] == [1.0, 2.0]
    assert found["spatial_size"] == [40, 40]
    assert found["intensity"]["kind"] == "percentile"


def test_ct_is_clipped_to_a_range_and_images_without_spacing_are_resized():
    assert propose([_scan((30, 40, 9), (1.0, 1.0, 5.0), -1024)])["intensity"]["kind"] == "range"
    found = propose([_scan((1000, 900), None)])
    assert found["spacing"] is None
    assert found["spatial_size"] == [256, 256]
