"""Labels that no training could mean are refused by the file's name."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from tests.data.prepare.made import image, label, save
from tests.images.dicom import along_z, volume, write_slices

SHAPE = (12, 10, 8)
WANTED = Wanted(labeled=2, validation=0, test=1)


def _folder(root, make_label, *, affine=None, label_affine=None):
    for k in range(5):
        save(root / "images" / f"c{k}.nii.gz", image(k, SHAPE), affine=affine)
        if k < 3:
            other = affine if label_affine is None else label_affine
            save(root / "labels" / f"c{k}.nii.gz", make_label(k), affine=other)
    return root


@pytest.mark.parametrize(
    ("make_label", "message"),
    [
        (lambda k: label(SHAPE).astype(np.int8) - 1, "label values from -1 to 1, expected 0 to"),
        (lambda k: np.zeros(SHAPE, np.uint8), "no structure in it, nor in any of the 3 labels"),
        (lambda k: np.stack([label(SHAPE)] * 2, -1), "2 channels, expected a label map of one"),
        (
            lambda k: np.arange(960, dtype=np.int16).reshape(SHAPE),
            "960 distinct values from 0 to 959, more than a label map has; exchanged",
        ),
        (
            lambda k: np.arange(-480, 480, dtype=np.int16).reshape(SHAPE),
            "960 distinct values from -480 to 479, more than a label map has; exchanged",
        ),
    ],
)
def test_what_is_no_label_map_is_named(tmp_path, make_label, message):
    source = _folder(tmp_path / "src", make_label)
    with pytest.raises(InputError, match=rf"labels/c\d\.nii\.gz: {message}"):
        prepare_folder(source, tmp_path / "dst", wanted=WANTED)
    assert not (tmp_path / "dst").exists()


def test_ids_beyond_single_precision_are_kept(tmp_path):
    def ids(k):
        return np.array([0, 70_000, 484_682_470], np.uint32)[label(SHAPE)]

    dataset = read_cohort(
        prepare_folder(_folder(tmp_path / "s", ids), tmp_path / "d", wanted=WANTED)
    )
    assert dataset.label_values == (0, 70_000, 484_682_470)


def test_many_values_are_labels_where_they_are_declared(tmp_path):
    def many(k):
        return (np.arange(960) % 300).reshape(SHAPE).astype(np.uint16)

    source = _folder(tmp_path / "src", many)
    (source / "labels.json").write_text(json.dumps({f"part {k}": k for k in range(1, 300)}))
    path = prepare_folder(source, tmp_path / "dst", wanted=WANTED)
    assert len(read_cohort(path).structures) == 299


def test_a_jpeg_is_no_label(tmp_path):
    for k in range(4):
        save(tmp_path / "src" / "images" / f"c{k}.png", image(k))
    (tmp_path / "src" / "labels").mkdir()
    for k in range(2):
        Image.fromarray(label().T * 100).save(tmp_path / "src" / "labels" / f"c{k}.jpg")
    with pytest.raises(InputError, match=r"c\d\.jpg: JPEG changes values"):
        prepare_folder(tmp_path / "src", tmp_path / "dst", wanted=Wanted(2, 0, 0))


@pytest.mark.parametrize("size", [1e-6, 0.005, 1.0, 700.0])
def test_another_place_is_another_place_at_any_size(tmp_path, size):
    own = np.diag([size, size, size, 1.0])
    mirrored = np.diag([-size, size, size, 1.0])
    shifted = own.copy()
    shifted[0, 3] = 0.2 * size
    for name, other in (("mirrored", mirrored), ("shifted", shifted)):
        source = _folder(tmp_path / name, lambda k: label(SHAPE), affine=own, label_affine=other)
        with pytest.raises(InputError, match="label with another affine than its image"):
            prepare_folder(source, tmp_path / "dst", wanted=WANTED)
    near = own.copy()
    near[:3] *= 1 + 1e-5  # rounding of single precision, and more
    source = _folder(tmp_path / "near", lambda k: label(SHAPE), affine=own, label_affine=near)
    dataset = read_cohort(prepare_folder(source, tmp_path / "dst", wanted=WANTED))
    assert dataset.spacing == pytest.approx([size] * 3, rel=1e-5)
    assert dataset.spatial_size == (16, 16, 16)


def test_thin_volumes_get_a_size_that_training_takes(tmp_path):
    for k in range(3):
        save(tmp_path / "src" / f"c{k}.nii.gz", image(k, (40, 30, 6)))
    dataset = read_cohort(prepare_folder(tmp_path / "src", tmp_path / "dst"))
    assert dataset.spatial_size == (40, 32, 16)


@pytest.mark.parametrize("shape", [(12, 10, 1), (12, 10)])
def test_slices_alone_are_images_of_two_axes(tmp_path, shape):
    for k in range(5):
        save(tmp_path / "src" / "images" / f"c{k}.nii.gz", image(k, shape))
        if k < 2:
            save(tmp_path / "src" / "labels" / f"c{k}.nii.gz", label(shape))
    dataset = read_cohort(prepare_folder(tmp_path / "src", tmp_path / "dst"))
    assert dataset.spatial_dims == 2


def test_a_single_voxel_along_another_axis_is_named(tmp_path):
    for k in range(3):
        save(tmp_path / "src" / f"c{k}.nii.gz", image(k, (1, 10, 8)))
    with pytest.raises(
        InputError, match=r"c0\.nii\.gz: one voxel along an axis, shape \(1, 10, 8\)"
    ):
        prepare_folder(tmp_path / "src", tmp_path / "dst")


def test_a_label_may_be_a_dicom_series(tmp_path):
    source = tmp_path / "src"
    for k in range(4):
        write_slices(source / "images" / f"1.2.{k}", volume() + 10 * k, along_z(8), uid=f"1.{k}")
        if k < 2:
            drawn = (volume() > 100).astype(np.int16)
            write_slices(source / "labels" / f"1.2.{k}", drawn, along_z(8), uid=f"2.{k}")
    dataset = read_cohort(prepare_folder(source, tmp_path / "dst", wanted=Wanted(2, 0, 0)))
    assert [entry["case"] for entry in dataset.labeled] == ["1.2.0", "1.2.1"]
    assert dataset.label_values == (0, 1)
