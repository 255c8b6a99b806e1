"""``--align``: grids that bring images together, kept transforms, labels left alone."""

from __future__ import annotations

import json

import itk
import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.align import align_affine
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.geometry.world import read_transform
from tests.data.prepare.made import folder, image, save
from tests.volumes import INTENSITY, corner_error, population

WANTED = Wanted(labeled=2, validation=1, test=1, align="itk")
SHAPE = (24, 24, 24)


def _entries(dataset):
    parts = (dataset.labeled, dataset.unlabeled, dataset.validation, dataset.test)
    return {entry["case"]: entry for part in parts for entry in part}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("aligned")
    source, truth = population(root, images=6, labels=4)
    path = prepare_folder(source, root / "dst", wanted=WANTED)
    return source, path, truth


def test_every_entry_has_a_grid_that_is_the_reference_grid_moved(prepared):
    _, path, truth = prepared
    dataset = read_cohort(path)
    entries = _entries(dataset)
    assert dataset.align == "itk"
    assert dataset.reference.is_file()
    reference = dataset.reference.name.split(".")[0]
    assert reference in {entry["case"] for entry in dataset.labeled}
    base = np.array(entries[reference]["grid"])
    size = {"affine": base, "shape": dataset.spatial_size}
    for case, entry in entries.items():
        expected = truth[case] @ np.linalg.inv(truth[reference])
        found = np.array(entry["grid"]) @ np.linalg.inv(base)
        assert corner_error(found, expected, **size) < 3, (
            case
        )  # two voxels, at corners far from any blob
        written = read_transform(path.parent / "transforms" / f"{case}.tfm")
        np.testing.assert_allclose(written @ base, entry["grid"], atol=1e-9)


def test_the_file_of_a_transform_is_lps(prepared):
    _, path, _ = prepared
    case = read_cohort(path).unlabeled[0]["case"]
    file = path.parent / "transforms" / f"{case}.tfm"
    theirs = itk.transformread(str(file))[0].TransformPoint([4.0, -3.0, 2.0])
    ours = read_transform(file) @ [-4.0, 3.0, 2.0, 1.0]
    np.testing.assert_allclose(list(theirs), ours[:3] * [-1, -1, 1])


def test_labels_overlap_more_and_the_numbers_are_kept(prepared):
    overlap = json.loads(prepared[1].read_text())["overlap"]
    assert overlap["cases"] == 3
    assert overlap["before"] + 0.3 < overlap["after"]
    assert overlap["after"] > 0.85


def test_a_second_run_registers_nothing_and_writes_the_same(prepared, monkeypatch, capsys):
    source, path, _ = prepared
    files = [path, *sorted((path.parent / "transforms").iterdir())]
    before = [file.read_bytes() for file in files]

    def refuse(*images, **options):
        raise AssertionError("registered again")

    monkeypatch.setattr("gemini_monai.data.prepare.align.register_affine", refuse)
    prepare_folder(source, path.parent, wanted=WANTED)
    assert [file.read_bytes() for file in files] == before
    printed = capsys.readouterr().out
    assert "aligned to  c" in printed
    assert "(3 labeled images)" in printed


def test_another_image_or_window_is_registered_again(prepared, tmp_path, monkeypatch):
    source, path, _ = prepared
    other = _entries(read_cohort(path)).keys() - {read_cohort(path).reference.name[:2]}
    calls = []

    def count(moving, reference, **options):
        calls.append(moving.meta["filename_or_obj"])
        return np.eye(4)

    monkeypatch.setattr("gemini_monai.data.prepare.align.register_affine", count)
    target = tmp_path / "dst"
    prepare_folder(source, target, wanted=WANTED)
    assert len(calls) == 6
    changed = source / "images" / "c5.nii.gz"
    content, original = changed.read_bytes(), nib.load(changed)
    try:
        nib.save(nib.Nifti1Image(original.get_fdata()[::-1].copy(), original.affine), changed)
        prepare_folder(source, target, wanted=WANTED)
        assert [name.split("/")[-1] for name in calls[6:]] == ["c5.nii.gz"]
        prepare_folder(source, target, wanted=WANTED._replace(reference=min(other)))
        assert len(calls) == 7 + 6
    finally:
        changed.write_bytes(content)


def test_no_label_of_an_unlabeled_image_is_opened(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "gemini_monai.data.prepare.align.register_affine", lambda *_, **__: np.eye(4)
    )
    source, _ = population(tmp_path, images=5, labels=5)
    wanted = Wanted(labeled=2, validation=0, test=0, align="itk")
    first = read_cohort(prepare_folder(source, tmp_path / "a", wanted=wanted))
    for entry in first.unlabeled:
        (source / "labels" / f"{entry['case']}.nii.gz").write_bytes(b"garbage")
    again = prepare_folder(source, tmp_path / "b", wanted=wanted)
    assert read_cohort(again).labeled == first.labeled
    unlabeled = first.unlabeled[0]["case"]
    capsys.readouterr()
    prepare_folder(source, tmp_path / "b", wanted=wanted._replace(reference=unlabeled))
    assert "not known: the reference has no label" in capsys.readouterr().out


def test_the_reference_is_a_training_image_of_median_extent_or_what_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "gemini_monai.data.prepare.align.register_affine", lambda *_, **__: np.eye(4)
    )
    for k, length in enumerate((10, 30, 20, 21, 19)):
        save(tmp_path / "src" / f"c{k}.nii", image(k, (length, 12, 14)))
    atlas = tmp_path / "atlas.nii"
    save(atlas, image(9, (24, 20, 16)), affine=np.diag([2.0, 1, 1, 1]))
    for given, expected in ((None, "c2.nii"), ("c3", "c3.nii"), (str(atlas), "atlas.nii")):
        wanted = Wanted(align="itk", reference=given, spatial_size=(16, 16, 8), spacing=(2, 1, 1))
        dataset = read_cohort(prepare_folder(tmp_path / "src", tmp_path / "dst", wanted=wanted))
        assert dataset.reference.name == expected
        assert (dataset.spatial_size, dataset.spacing) == ((16, 16, 8), (2, 1, 1))
    center = np.array(dataset.unlabeled[0]["grid"]) @ [7.5, 7.5, 3.5, 1]
    np.testing.assert_allclose(center, [23, 9.5, 7.5, 1])


@pytest.mark.parametrize(
    ("shape", "suffix", "options", "message"),
    [
        ((12, 10, 8), ".nii.gz", {"align": "elastix"}, "--align must be one of itk, ants"),
        ((12, 10, 8), ".nii.gz", {"reference": "c"}, "give --align too"),
        ((12, 10, 8), ".nii.gz", {"align": "itk", "reference": "x"}, "--reference x: neither"),
        ((12, 10), ".nii.gz", {"align": "itk"}, "--align is for 3-D images with voxel sizes"),
        ((12, 10), ".png", {"align": "itk"}, "--align is for 3-D images with voxel sizes"),
    ],
)
def test_what_cannot_be_aligned_is_refused(tmp_path, shape, suffix, options, message):
    source = folder(tmp_path, suffix=suffix, shape=shape)
    with pytest.raises(InputError, match=message):
        prepare_folder(source, tmp_path / "dst", wanted=Wanted(labeled=2, **options))
    assert not (tmp_path / "dst").exists()


def test_a_configuration_for_another_grid_is_refused(prepared):
    dataset = read_cohort(prepared[1])
    assert dataset.input_spec().align == "itk"
    other = dataset.input_spec(align=None, spatial_size=(8, 8, 8), spacing=None)
    assert other.spatial_size == (8, 8, 8)
    with pytest.raises(InputError, match=r"key 'spatial_size' is \[8, 8, 8\].*prepare again with"):
        dataset.input_spec(spatial_size=(8, 8, 8))
    with pytest.raises(InputError, match=r"key 'spacing' is \[3.0"):
        dataset.input_spec(spacing=(3.0, 3.0, 3.0))


def test_a_missing_grid_is_named(prepared, tmp_path):
    content = json.loads(prepared[1].read_text())
    del content["labeled"][0]["grid"]
    broken = prepared[1].parent / "broken.json"
    broken.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"broken\.json: 'grid' of 'c\d' must be 4 x 4"):
        read_cohort(broken)
    broken.write_text(json.dumps(json.loads(prepared[1].read_text()) | {"align": None}))
    plain = read_cohort(broken)
    with pytest.raises(InputError, match="is not aligned; prepare it with --align"):
        plain.input_spec(align="itk")


def test_two_files_are_registered(prepared):
    source, _, truth = prepared
    files = [source / "images" / f"c{k}.nii.gz" for k in (0, 1)]
    found = align_affine(*files, intensity=INTENSITY)
    affine = nib.load(files[1]).affine
    expected = truth["c0"] @ np.linalg.inv(truth["c1"])
    assert corner_error(found, expected, affine=affine, shape=SHAPE) < 1.5


def test_voxels_that_monai_does_not_tell_apart_are_refused(tmp_path):
    for k in range(3):
        affine = np.diag([0.005, 0.005, 0.005, 1.0])
        save(tmp_path / "src" / f"c{k}.nii.gz", image(k, (16, 16, 16)), affine=affine)
    with pytest.raises(InputError, match=r"--align is for voxels of 0\.05 mm or more"):
        prepare_folder(tmp_path / "src", tmp_path / "dst", wanted=Wanted(align="itk"))
