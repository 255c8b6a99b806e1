"""A choice of scans: what it says and what it keeps to."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.choosing import Choice, Scan, choose, write_choice
from gemini_monai.data import read_cohort
from gemini_monai.data.dataset_file import write_cohort


@pytest.fixture
def unlabeled(tiny_phantom, tmp_path):
    """A data set in which no scan has a label."""
    cohort = read_cohort(tiny_phantom)
    bare = [{k: v for k, v in own.items() if k != "label"} for own in cohort.labeled]
    path = tmp_path / "bare" / "dataset.json"
    path.parent.mkdir()
    none = {"labeled": [], "validation": [], "test": []}
    write_cohort(replace(cohort, path=path, unlabeled=[*bare, *cohort.unlabeled], **none))
    return path.parent


def choice(**changed):
    """Four scans on a line, of which the second is labeled already and the fourth is chosen."""
    places = np.array([[0.0], [1.0], [4.0], [6.0]])
    values = {
        "scans": tuple(Scan(c, f"/{c}.png", c) for c in "abcd"),
        "chosen": (3,),
        "already": (1,),
        "between": np.abs(places - places.T),
        "outlyingness": np.zeros(4),
        "weights": np.ones(4),
        "plane": np.zeros((4, 2)),
        "settings": {"data": "x"},
    }
    return Choice(**(values | changed))


def test_a_scan_belongs_to_the_nearest_labeled_one():
    assert choice().stands_for == [[1, 0], [3, 2]]
    assert choice().parts == [[3, 2]]
    assert choice().shares == [0.5]
    assert choice().reasons == ["stands for 50 % of the folder: itself and 1 scan more, such as c"]


def test_names_are_of_other_patients():
    scans = tuple(Scan(c, f"/{c}.png", p) for c, p in zip("abcd", "1233", strict=True))
    assert choice(scans=scans).others == [[]]
    assert choice(scans=scans).reasons == [
        "stands for 50 % of the folder: itself and 1 scan more of the same patient"
    ]


def test_what_is_left_is_told_against_the_mean_distance_of_two_scans():
    between = choice().between
    assert choice().distances_left == pytest.approx([(1 + 0 + 2 + 0) / 4 / between.mean()])
    first, second = choice(already=(), chosen=(1, 3)).distances_left
    assert first == pytest.approx((1 + 0 + 3 + 5) / 4 / between.mean())
    assert second < first


def test_scans_of_a_patient_share_their_weight():
    found = choice(weights=np.array([1, 1, 0.5, 0.5]))
    assert found.shares == [pytest.approx(1 / 3)]


def test_what_stands_out_is_told_and_is_in_no_part():
    found = choice(outlyingness=np.array([4.0, 0, 9.0, 0]))
    assert found.outstanding == [2, 0]
    assert found.parts == [[3]]
    assert found.reasons == ["stands for itself alone, 25 % of the folder"]


def test_copies_of_a_labeled_scan_stay_with_their_own_center():
    found = choice(between=np.zeros((4, 4)))
    assert [part[0] for part in found.stands_for] == [1, 3]


@pytest.mark.parametrize("strategy", ["k_medoids", "typical", "k_center", "random"])
def test_without_any_label_scans_are_chosen(unlabeled, strategy):
    found = choose(unlabeled, 3, strategy=strategy)
    assert len(set(found.cases)) == 3
    assert found.already == ()
    assert choose(unlabeled, 3, strategy=strategy).cases == found.cases
    parts = [place for part in found.parts for place in part]
    assert len(parts) == len(set(parts)) == len(found.scans)
    assert sum(found.shares) == pytest.approx(1)


def test_in_3d(tiny_phantom_3d):
    assert len(choose(tiny_phantom_3d.parent, 2).cases) == 2


def test_labeled_scans_and_those_that_are_named_are_not_chosen_again(tiny_phantom):
    cohort = read_cohort(tiny_phantom)
    first = choose(tiny_phantom.parent, 1)
    again = choose(tiny_phantom.parent, 3, labeled_already=[f"{first.cases[0]}.nii.gz"])
    left = {entry["case"] for entry in cohort.unlabeled} - set(first.cases)
    assert set(again.cases) == left
    assert len(again.already) == len(cohort.labeled) + 1


def test_validation_and_test_scans_are_not_looked_at(tiny_phantom):
    cohort = read_cohort(tiny_phantom)
    held_out = {entry["case"] for entry in (*cohort.validation, *cohort.test)}
    assert not held_out & {scan.case for scan in choose(tiny_phantom.parent, 1).scans}


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"count": 0}, "N: expected a whole number, 1 or more, got 0"),
        ({"count": 5}, r"4 scan\(s\) without a label to choose from, got N 5"),
        ({"count": 1, "strategy": "x"}, "--strategy: expected one of k_medoids, .*, got 'x'"),
        ({"count": 1, "labeled_already": ["x"]}, "has no scan 'x' to train on"),
    ],
)
def test_what_cannot_be_is_one_line(tiny_phantom, options, match):
    with pytest.raises(InputError, match=match):
        choose(tiny_phantom.parent, **options)


def test_tables_say_what_to_label_and_are_not_replaced_unasked(tmp_path):
    found = choice(outlyingness=np.array([0, 0, 9.25, 0]))
    files = write_choice(found, tmp_path)
    chosen, outstanding, labeled = (list(csv.DictReader(file.open())) for file in files)
    assert [(row["order"], row["case"], row["share"]) for row in chosen] == [("1", "d", "0.25")]
    assert [(row["case"], row["outlyingness"]) for row in outstanding] == [("c", "9.25")]
    assert [row["case"] for row in labeled] == ["b", "d"]
    with pytest.raises(InputError, match="chosen.csv: is there already"):
        write_choice(found, tmp_path)
    write_choice(found, tmp_path, overwrite=True)
