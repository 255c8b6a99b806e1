"""The phantom: its fields are true, and it gives nothing away."""

from __future__ import annotations

import json
import multiprocessing

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.networks.utils import one_hot

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.phantom import write_phantom
from gemini_monai.data.phantom_subjects import make_subject, random_diffeomorphism
from gemini_monai.geometry.warp import compose, warp
from gemini_monai.metrics import dice_per_structure, folding_percent, true_displacement

SIZES = {2: (64, 60), 3: (32, 28, 30)}


@pytest.mark.parametrize("axes", [2, 3])
def test_a_field_and_its_inverse_undo_each_other(axes):
    random = torch.Generator().manual_seed(0)
    field, inverse = random_diffeomorphism(SIZES[axes], random=random)
    assert field.norm(dim=0).max() > 2
    for there, back in ((field, inverse), (inverse, field)):
        assert compose(there[None], back[None]).norm(dim=1).max() < 0.6
        assert compose(there[None], back[None]).norm(dim=1).mean() < 0.05
    assert float(folding_percent(field[None])) == 0


@pytest.mark.parametrize("axes", [2, 3])
def test_the_true_displacement_takes_one_subject_onto_another(axes):
    moving, fixed = (make_subject(SIZES[axes], seed=(0, k)) for k in (0, 1))
    truth = true_displacement(fixed["field"][None], moving["inverse_field"][None])
    labels = [one_hot(s["label"][None, None].float(), num_classes=5) for s in (moving, fixed)]
    before = dice_per_structure(*labels)[0, 1:]
    after = dice_per_structure(warp(labels[0], truth, mode="nearest"), labels[1])[0, 1:]
    assert after[:3].mean() > 0.9  # clavicles are a voxel thick at this size
    assert (after > before).all()


def test_seeds_and_numbers_make_different_subjects():
    subjects = [make_subject((32, 32), seed=seed)["image"] for seed in ((0, 0), (0, 1), (1, 0))]
    assert torch.equal(subjects[0], make_subject((32, 32), seed=(0, 0))["image"])
    assert not torch.allclose(subjects[0], subjects[1])
    assert not torch.allclose(subjects[0], subjects[2])


def test_every_structure_is_in_every_subject():
    for number in range(10):
        assert make_subject((96, 96), seed=(0, number))["label"].unique().tolist() == [
            0,
            1,
            2,
            3,
            4,
        ]


def test_unlabeled_subjects_have_no_label_file(tiny_phantom):
    dataset = read_cohort(tiny_phantom)
    files = {path.name for path in (tiny_phantom.parent / "labels").iterdir()}
    for entry in dataset.unlabeled:
        assert set(entry) == {"case", "image"}
        assert f"{entry['case']}.nii.gz" not in files
    assert len(files) == 3 + 2 + 3


def test_files_are_what_the_subject_is(tiny_phantom):
    entry = read_cohort(tiny_phantom).test[0]
    subject = make_subject((32, 32), seed=(0, int(entry["case"].split("_")[1])))
    for key in ("image", "label"):
        np.testing.assert_array_equal(nib.load(entry[key]).get_fdata(), subject[key].numpy())
    field = np.moveaxis(nib.load(entry["field"]).get_fdata(), -1, 0)
    np.testing.assert_array_equal(field, subject["field"].numpy())


def test_a_phantom_is_written_once_and_again_for_other_settings(tmp_path):
    counts = {"labeled": 1, "unlabeled": 2, "validation": 0, "test": 0}
    path = write_phantom(tmp_path / "p", spatial_size=(16, 16), **counts)
    written = path.stat().st_mtime_ns
    assert write_phantom(tmp_path / "p", spatial_size=(16, 16), **counts) == path
    assert path.stat().st_mtime_ns == written
    write_phantom(tmp_path / "p", spatial_size=(16, 16), seed=1, **counts)
    assert json.loads(path.read_text())["seed"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


TINY = {"spatial_size": (16, 16), "labeled": 1, "unlabeled": 2, "validation": 0, "test": 1}


def _bytes(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "files",
    [
        ["images/a.nii.gz", "labels/a.nii.gz"],
        ["dataset.json"],
        ["notes.txt"],
        ["images/subject_000.nii.gz"],  # named as ours, but there is nothing that says so
    ],
)
def test_a_folder_that_holds_anything_else_is_left_alone(tmp_path, files):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}" if name.endswith(".json") else "mine")
    before = _bytes(tmp_path)
    with pytest.raises(InputError, match=f"holds '{files[0]}'.*dataset_folder.json"):
        write_phantom(tmp_path, **TINY)
    assert _bytes(tmp_path) == before


def test_a_phantom_with_something_of_the_users_in_it_is_not_replaced(tmp_path):
    write_phantom(tmp_path, **TINY)
    (tmp_path / "notes.txt").write_text("mine")
    before = _bytes(tmp_path)
    write_phantom(tmp_path, **TINY)
    with pytest.raises(InputError, match=r"holds 'notes\.txt'"):
        write_phantom(tmp_path, **TINY, seed=1)
    assert _bytes(tmp_path) == before


def test_a_part_folder_of_that_name_is_left_alone(tmp_path):
    (tmp_path / ".part-p").mkdir()
    (tmp_path / ".part-p" / "notes.txt").write_text("mine")
    write_phantom(tmp_path / "p", **TINY)
    assert (tmp_path / ".part-p" / "notes.txt").read_text() == "mine"


def test_a_phantom_that_lacks_a_file_is_made_again(tmp_path):
    path = write_phantom(tmp_path, **TINY)
    before = {file: nib.load(file).get_fdata() for file in tmp_path.rglob("*.nii.gz")}
    (tmp_path / "images" / "subject_001.nii.gz").unlink()
    (tmp_path / "labels" / "subject_000.nii.gz").unlink()
    assert write_phantom(tmp_path, **TINY) == path
    assert set(tmp_path.rglob("*.nii.gz")) == set(before)
    for file, values in before.items():
        np.testing.assert_array_equal(nib.load(file).get_fdata(), values)


def test_a_phantom_whose_making_was_stopped_is_made_whole(tmp_path, monkeypatch):
    def stopped(size, *, seed):
        if seed[1] == 2:
            raise KeyboardInterrupt
        return make_subject(size, seed=seed)

    with monkeypatch.context() as patched:
        patched.setattr("gemini_monai.data.phantom.make_subject", stopped)
        with pytest.raises(KeyboardInterrupt):
            write_phantom(tmp_path, **TINY)
    assert not (tmp_path / "dataset.json").exists()
    assert len(read_cohort(write_phantom(tmp_path, **TINY)).unlabeled) == 2


def test_another_phantom_leaves_nothing_of_the_first(tmp_path):
    write_phantom(tmp_path, **TINY | {"unlabeled": 5})
    path = write_phantom(tmp_path, **TINY, seed=3)
    entries = [e for s in ("labeled", "unlabeled", "test") for e in getattr(read_cohort(path), s)]
    named = {value for e in entries for key, value in e.items() if key != "case"}
    assert {str(p) for p in tmp_path.rglob("*.nii.gz")} == named


def test_two_processes_may_write_one_phantom(tmp_path):
    forked = multiprocessing.get_context("fork")  # without imports, which would keep them apart
    started = [
        forked.Process(target=write_phantom, args=(tmp_path / "p",), kwargs={"seed": 5} | TINY)
        for _ in range(2)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(timeout=120)
    assert [process.exitcode for process in started] == [0, 0]
    assert len(read_cohort(tmp_path / "p" / "dataset.json").unlabeled) == TINY["unlabeled"]
    assert not list((tmp_path / "p").rglob(".part-*"))


def test_settings_that_cannot_be_are_named(tmp_path):
    for options, message in (
        ({"spatial_dims": 4}, "spatial_dims: expected a whole number, 2 to 3"),
        ({"test": -1}, "test: expected a whole number, 0 or more, got -1"),
        ({"seed": 0.5}, "seed: expected a whole number"),
    ):
        with pytest.raises(InputError, match=message):
            write_phantom(tmp_path / "p", **options)
    assert not (tmp_path / "p").exists()
