"""Tables of patients as people have them; names as other tools write them."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_decathlon, prepare_folder
from gemini_monai.data.prepare.split import Wanted
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


ROWS = ["case,patient", *(f"{name},P{k // 2}" for k, name in enumerate(NAMES))]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Patients.csv",
            "patients.CSV",
            "PATIENTS.CSV",
            "patient.csv",
            "patients.tsv",
            "Manifest.csv",
        ),
        *(
            "patient_ids.csv",
            "patients (1).csv",
            "patients.csv.txt",
            "patient list.csv",
            "subjects.csv",
        ),
    ],
)
def test_another_spelling_is_read_and_said(tmp_path, capsys, name):
    source = _source(tmp_path / "src")
    (source / name).write_text("\n".join(ROWS))
    found = _patients(source, tmp_path / "dst")
    assert found == {name: f"P{k // 2}" for k, name in enumerate(NAMES)}
    assert f"patients  3, by {name}" in capsys.readouterr().out


def test_a_table_of_any_name_is_known_by_its_columns_and_cases(tmp_path, capsys):
    source = _source(tmp_path / "src")
    (source / "export.csv").write_text("\n".join(ROWS))
    (source / "other.csv").write_text("case,patient\nelsewhere,P0")
    assert len(set(_patients(source, tmp_path / "dst").values())) == 3
    assert "patients  3, by export.csv" in capsys.readouterr().out
    (source / "second.csv").write_text("\n".join(ROWS))
    with pytest.raises(InputError, match=r"export\.csv, second\.csv all look like the table"):
        prepare_folder(source, tmp_path / "again")


@pytest.mark.parametrize(
    "header", ["Case ID;Patient ID", "image_id;subject-id", "File;PARTICIPANT"]
)
def test_headers_are_understood_as_people_write_them(tmp_path, header):
    source = _source(tmp_path / "src")
    (source / "patients.csv").write_text("\n".join([header, *ROWS[1:]]).replace(",", ";"))
    assert len(set(_patients(source, tmp_path / "dst").values())) == 3


def test_participants_of_bids_are_found_in_the_names(tmp_path):
    names = [f"sub-{k}_ses-{s}_T1w" for k in ("1", "10", "2") for s in "ab"]
    source = _source(tmp_path / "src", names)
    (source / "participants.json").write_text("{}")  # BIDS explains its columns there
    (source / "participants.tsv").write_text("participant_id\tage\nsub-1\t3\nsub-10\t4\nsub-2\t5")
    expected = {name: name.split("_")[0] for name in names}
    assert _patients(source, tmp_path / "dst") == expected
    (source / "participants.tsv").write_text("participant_id\tage\nsub-1\t3\nsub-10\t4")
    with pytest.raises(InputError, match=r"participants\.tsv: no row for image 'sub-2_ses-a_T1w'"):
        prepare_folder(source, tmp_path / "other")


def _folder(path):
    path.mkdir()


def _folder_with_table(path):
    path.mkdir()
    (path / "all.csv").write_text("\n".join(ROWS))


def _file(path):
    path.write_bytes(b"PK")


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("patients.csv", _folder, "a folder that is called like the table of patients"),
        ("Patients", _folder_with_table, "a folder that is called like the table of patients"),
        ("patients.xlsx", _file, "a spreadsheet that is called like the table of patients"),
        ("Participants.ods", _file, "a spreadsheet that is called like the table of patients"),
    ],
)
def test_what_cannot_be_read_as_the_table_is_named(tmp_path, name, write, message):
    source = _source(tmp_path / "src")
    write(source / name)
    with pytest.raises(InputError, match=rf"{name}: {message}; expected patients\.csv with"):
        prepare_folder(source, tmp_path / "dst")
    assert not (tmp_path / "dst").exists()


@pytest.mark.parametrize(
    "name", ["patients.json", "PATIENTS", "patients.csv.bak", "Subject_IDs.md"]
)
def test_a_file_called_like_the_table_is_not_passed_over(tmp_path, name):
    source = _source(tmp_path / "src")
    (source / name).write_text("\n".join(ROWS))
    with pytest.raises(InputError, match=rf"{name}: is called like the table.*expected patients"):
        prepare_folder(source, tmp_path / "dst")
    (source / "patients.csv").write_text("\n".join(ROWS))  # then the other is left aside
    assert len(set(_patients(source, tmp_path / "dst").values())) == 3


def test_images_and_what_explains_columns_are_no_tables(tmp_path):
    source = tmp_path / "src"
    for k in range(6):
        save(source / f"patient{k}.nii.gz", image(k))
    (source / "participants.json").write_text("{}")
    path = prepare_folder(source, tmp_path / "dst")
    assert len(read_cohort(path).unlabeled) == 6


def test_which_of_several_tables_is_meant(tmp_path):
    source = _source(tmp_path / "src")
    (source / "participants.csv").write_text("\n".join(ROWS))
    (source / "Manifest.csv").write_text("\n".join(ROWS))
    with pytest.raises(
        InputError, match=r"Manifest\.csv, participants\.csv all look like the table"
    ):
        prepare_folder(source, tmp_path / "dst")
    (source / "patients.csv").write_text("\n".join(["case,patient", *(f"{n},{n}" for n in NAMES)]))
    (source / "patients.xlsx").write_bytes(b"PK")  # that it was exported from
    assert len(set(_patients(source, tmp_path / "dst").values())) == 6
    (source / "Patients.csv").write_text("\n".join(ROWS))
    with pytest.raises(InputError, match=r"patients\.csv, Patients\.csv all look like the table"):
        prepare_folder(source, tmp_path / "dst")


@pytest.mark.parametrize(
    "name", ["patient_notes.csv", "subjective.csv", "labels.csv", "readme.txt"]
)
def test_other_tables_are_left_alone(tmp_path, name):
    source = _source(tmp_path / "src")
    (source / name).write_text("a,b\n1,2")
    path = prepare_folder(source, tmp_path / "dst", wanted=Wanted(2, 0, 0))
    assert read_cohort(path).column("labeled", "patient") is None


def test_a_decathlon_task_has_patients_too(tmp_path):
    source = _source(tmp_path / "src")
    entries = [
        {"image": f"images/{n}.nii.gz", "label": f"labels/{n}.nii.gz"}
        if k < 4
        else f"images/{n}.nii.gz"
        for k, n in enumerate(NAMES)
    ]
    content = {"labels": {"0": "background", "1": "a", "2": "b"}, "training": entries}
    (source / "dataset.json").write_text(json.dumps(content))
    (source / "Patients.csv").write_text("\n".join(ROWS))
    path = prepare_decathlon(source, tmp_path / "dst", wanted=Wanted(2, 0, 0))
    assert read_cohort(path).column("labeled", "patient") is not None
