"""Folds by patient: every labeled case is tested once, and nobody is on two sides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.data.folds import fold_of, write_folds


@pytest.fixture(scope="module")
def cohort(tiny_phantom):
    """Ten labeled cases of seven patients, and unlabeled ones of two of these and of another."""
    found = read_cohort(tiny_phantom)
    entry = {key: value for key, value in found.labeled[0].items() if key != "patient"}
    owners = [0, 0, 1, 2, 2, 3, 4, 5, 6, 6]
    known = [entry | {"case": f"c{k}", "patient": f"p{p}"} for k, p in enumerate(owners)]
    plain = {key: value for key, value in entry.items() if key != "label"}
    hidden = [plain | {"case": f"u{p}", "patient": p} for p in ("p0", "p5", "p9")]
    return replace(
        found, labeled=known[:5], validation=known[5:7], test=known[7:], unlabeled=hidden
    )


def _names(entries, key="patient"):
    return {entry[key] for entry in entries}


@settings(max_examples=30)
@given(folds=st.integers(3, 7), seed=st.integers(0, 50))
def test_each_case_is_tested_once_and_nobody_is_on_two_sides(cohort, folds, seed):
    every = [fold_of(replace(cohort, seed=seed), k, folds=folds) for k in range(folds)]
    tested = [entry["case"] for fold in every for entry in fold.test]
    assert sorted(tested) == [f"c{k}" for k in range(10)]
    for fold in every:
        trained = _names([*fold.labeled, *fold.unlabeled])
        assert not _names(fold.test) & _names(fold.validation)
        assert not (_names(fold.test) | _names(fold.validation)) & trained
        assert len(fold.labeled) + len(fold.validation) + len(fold.test) == 10
        assert len(fold.validation) >= 2 or not fold.labeled


def test_a_fold_is_the_same_each_time_and_of_the_seed(cohort):
    assert fold_of(cohort, 1, folds=3) == fold_of(cohort, 1, folds=3)
    others = [fold_of(replace(cohort, seed=seed), 0, folds=3).test for seed in range(9)]
    assert len({tuple(_names(test)) for test in others}) > 1


@pytest.mark.parametrize("folds", [2, 8])
def test_too_few_or_too_many_are_refused(cohort, folds):
    with pytest.raises(InputError, match=rf"folds: expected 3 to 7, .* got {folds}"):
        fold_of(cohort, 0, folds=folds)


def test_folds_are_prepared_data_sets(tiny_phantom, tmp_path):
    whole = read_cohort(tiny_phantom)
    places = write_folds(tiny_phantom, tmp_path, folds=3)
    read = [read_cohort(place / "dataset.json") for place in places]
    assert [place.name for place in places] == ["0", "1", "2"]
    known = [*whole.labeled, *whole.validation, *whole.test]
    assert sum(len(fold.test) for fold in read) == len(known)
    assert {e["image"] for fold in read for e in fold.test} == {e["image"] for e in known}
    before = [(place / "dataset.json").read_bytes() for place in places]
    write_folds(tiny_phantom, tmp_path, folds=3)
    assert before == [(place / "dataset.json").read_bytes() for place in places]
