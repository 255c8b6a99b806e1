"""The labeled cases by a table instead of a draw."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.base.errors import InputError
from gemini_monai.data import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted, split_cases
from tests.data.prepare.made import folder

CASES = [f"c{k:02d}" for k in range(20)]


def table(root, *names):
    path = root / "labeled_from.csv"
    path.write_text("case\n" + "".join(f"{name}\n" for name in names))
    return str(path)


def split(file, *, with_label=CASES, patients=None, **wanted):
    return split_cases(
        CASES, with_label=with_label, wanted=Wanted(labeled_from=file, **wanted), patients=patients
    )


def test_the_named_cases_are_labeled_in_their_order(tmp_path):
    found = split(table(tmp_path, "c07.nii.gz", "c03", "c11"))
    assert found.labeled == ["c07", "c03", "c11"]
    assert [len(part) for part in found[1:]] == [12, 2, 3, 0]


def test_the_first_n_of_them_with_the_same_test_cases(tmp_path):
    file = table(tmp_path, "c07", "c03", "c11")
    all_three, first = split(file), split(file, labeled=1)
    assert first.labeled == ["c07"]
    assert {"c03", "c11"} <= set(first.unlabeled)
    assert (first.validation, first.test) == (all_three.validation, all_three.test)


def test_labels_of_the_named_alone_suffice(tmp_path):
    names = [f"c{k:02d}" for k in range(12)]
    found = split(table(tmp_path, *names), with_label=names)
    assert [len(part) for part in found] == [12, 8, 0, 0, 0]


@given(seed=st.integers(0, 99))
def test_no_patient_of_a_named_case_is_tested(tmp_path_factory, seed):
    file = table(tmp_path_factory.mktemp("named"), "c00", "c08")
    patients = {case: case[:2] + case[2] if int(case[1:]) > 9 else "one" for case in CASES}
    found = split(file, patients=patients, seed=seed, test=2, validation=2)
    held_out = {patients[case] for case in (*found.validation, *found.test)}
    assert not held_out & {"one"}


def test_a_named_case_without_a_label_is_told_unless_it_comes_later(tmp_path):
    file = table(tmp_path, "c00", "c01", "c02")
    with pytest.raises(InputError, match="no label file of c01, c02; label them first"):
        split(file, with_label=["c00", "c05"])
    assert split(file, with_label=["c00", "c05"], labeled=1).labeled == ["c00"]


@pytest.mark.parametrize(
    ("names", "wanted", "match"),
    [
        (["c00", "other"], {}, "there is no image of case 'other'"),
        (["c00", "c00.png"], {}, "case 'c00' is there twice"),
        ([], {}, "names no case"),
        (["c00"], {"labeled": 2}, "--labeled 2: .*labeled_from.csv names 1 case"),
        (["c00"], {"test": 20}, "are too few"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path, names, wanted, match):
    with pytest.raises(InputError, match=match):
        split(table(tmp_path, *names), **wanted)


def test_a_table_without_the_column_is_refused(tmp_path):
    (tmp_path / "names.txt").write_text("c00\nc01\n")
    with pytest.raises(InputError, match="column 'case' is missing"):
        split(str(tmp_path / "names.txt"))


def test_a_draw_and_a_table_are_not_both(tmp_path):
    with pytest.raises(InputError, match="--labeled_draw 2: .* says which cases are labeled"):
        Wanted(labeled_from=table(tmp_path, "c00"), labeled_draw=2).check()


def test_a_folder_is_prepared_by_it(tmp_path, capsys):
    source = folder(tmp_path, images=6, labels=3)
    file = table(tmp_path, "case2", "case0")
    path = prepare_folder(source, tmp_path / "dst", wanted=Wanted(labeled_from=file))
    cohort = read_cohort(path)
    assert [entry["case"] for entry in cohort.labeled] == ["case2", "case0"]
    assert len(cohort.unlabeled) == 4
    assert not any("label" in entry for entry in cohort.unlabeled)
