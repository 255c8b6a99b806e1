"""Tables of patients as people have them; names as other tools write them."""

from __future__ import annotations

import pytest

from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.errors import InputError
from tests.data.prepare.made import image, label, save

NAMES = [f"1.2.840.{k}" for k in range(6)]


def _source(root, names=tuple(NAMES), *, labels=4, suffix=""):
    for k, name in enumerate(names):
        save(root / "images" / f"{name}{suffix}.nii.gz", image(k))
        if k < labels:
            save(root / "labels" / f"{name}.nii.gz", label())
    return root


def _patients(root, destination):
    dataset = read_cohort(prepare_folder(root, destination, wanted=Wanted(2, 0, 0)))
    entries = [*dataset.labeled, *dataset.unlabeled]
    return {entry["case"]: entry["patient"] for entry in entries}


@pytest.mark.parametrize("cell", ["{}", "{}.nii.gz", "images/{}.nii.gz", " {} "])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_cases_with_dots_are_found_however_they_are_written(tmp_path, cell, delimiter):
    source = _source(tmp_path / "src")
    rows = [delimiter.join([cell.format(name), f"P{k} "]) for k, name in enumerate(NAMES)]
    text = "\n".join([delimiter.join(["case", "patient"]), *rows])
    (source / "patients.csv").write_text(text, encoding="utf-8-sig")
    expected = {name: f"P{k}" for k, name in enumerate(NAMES)}
    assert _patients(source, tmp_path / "dst") == expected


def test_a_stray_space_does_not_make_another_patient(tmp_path):
    source = _source(tmp_path / "src")
    rows = [f"{name},P1{' ' * (k % 2)}" for k, name in enumerate(NAMES[:5])] + [f"{NAMES[5]},P2"]
    (source / "patients.csv").write_text("\n".join(["case,patient", *rows]))
    with pytest.raises(InputError, match="4 labeled case"):
        prepare_folder(source, tmp_path / "dst", wanted=Wanted(labeled=2, validation=0, test=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [*rows, f"{NAMES[0]},P7"], r"'1\.2\.840\.0' has two patients, 'P0' and 'P7'"),
        (lambda rows: rows[1:], r"no row for image '1\.2\.840\.0'"),
        (lambda rows: [f"{NAMES[0]},", *rows[1:]], r"no patient of image '1\.2\.840\.0'"),
        (lambda rows: [], "expected a column of"),
        (lambda rows: [f"{rows[0]},x,y", *rows[1:]], "line 2: 4 cells, expected 2"),
    ],
)
def test_tables_that_do_not_say_who_is_who_are_named(tmp_path, change, message):
    source = _source(tmp_path / "src")
    rows = change([f"{name},P{k}" for k, name in enumerate(NAMES)])
    (source / "patients.csv").write_text("\n".join(["case,patient", *rows]))
    with pytest.raises(InputError, match=rf"patients\.csv: {message}"):
        prepare_folder(source, tmp_path / "dst", wanted=Wanted(2, 0, 0))


def test_rows_of_other_cases_do_not_matter(tmp_path):
    source = _source(tmp_path / "src")
    rows = [f"{name},P{k}" for k, name in enumerate([*NAMES, "more"])]
    (source / "patients.csv").write_text("\n".join(["case,patient", *rows]))
    assert len(_patients(source, tmp_path / "dst")) == 6


@pytest.mark.parametrize("folders", [("images", "labels"), ("imagesTr", "labelsTr")])
def test_nnunets_names_and_folders_are_read(tmp_path, folders):
    source = _source(tmp_path / "src", ["w", "x", "y", "z"], labels=2, suffix="_0000")
    (source / "images").rename(source / folders[0])
    (source / "labels").rename(source / folders[1])
    dataset = read_cohort(prepare_folder(source, tmp_path / "dst", wanted=Wanted(2, 0, 0)))
    assert [entry["case"] for entry in dataset.labeled] == ["w", "x"]
    assert [entry["case"] for entry in dataset.unlabeled] == ["y", "z"]


def test_a_second_channel_of_nnunet_is_named(tmp_path):
    source = _source(tmp_path / "src", ["a_0000", "a_0001", "b_0000", "b_0001"], labels=0)
    save(source / "labels" / "a.nii.gz", label())
    with pytest.raises(InputError, match=r"a_0001\.nii\.gz: nnU-Net's name of a second channel"):
        prepare_folder(source, tmp_path / "dst")


def test_one_unlabeled_patient_is_not_enough(tmp_path):
    source = _source(tmp_path / "src")
    rows = [f"{name},P{min(k, 4)}" for k, name in enumerate(NAMES)]  # the last two are one
    (source / "patients.csv").write_text("\n".join(["case,patient", *rows]))
    with pytest.raises(InputError, match=r"the only unlabeled patient \(2 images\); pairs need"):
        prepare_folder(source, tmp_path / "dst", wanted=Wanted(labeled=4, validation=0, test=0))
