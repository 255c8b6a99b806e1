"""Synthetic contrast on label maps: geometry, labels, tissues, and a folder that prepares."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest

from benchmarks.synthetic_brains import contrasted, write_brains
from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder

LEFT, RIGHT, CSF, SKULL = 2, 41, 24, 516


def _map(path):
    codes = np.zeros((40, 36, 32), dtype=np.int16)
    codes[8:32, 8:28, 8:24] = SKULL
    codes[10:20, 10:26, 10:22] = LEFT
    codes[20:30, 10:26, 10:22] = RIGHT
    codes[18:22, 14:20, 12:18] = CSF
    nib.save(nib.Nifti1Image(codes, np.diag([1.0, 1.0, 1.0, 1.0])), path)


@pytest.fixture
def maps(tmp_path):
    folder = tmp_path / "maps"
    folder.mkdir()
    for name in ("one", "two", "three"):
        _map(folder / f"{name}.nii.gz")
    return folder


def test_images_and_labels_of_every_person(maps, tmp_path):
    write_brains(str(maps), str(tmp_path / "out"), contrasts=2, step=2)
    names = json.loads((tmp_path / "out" / "labels.json").read_text())
    assert list(names.values()) == list(range(1, 29))
    images = sorted((tmp_path / "out" / "images").iterdir())
    assert len(images) == 6
    image, other = (nib.load(path) for path in images[:2])
    label = nib.load(tmp_path / "out" / "labels" / images[0].name)
    assert image.shape == label.shape == (18, 16, 14)  # 8 voxels around, every second one
    assert image.header.get_zooms() == (2, 2, 2)
    assert image.affine[:3, 3].tolist() == [2, 2, 2]
    assert not np.allclose(image.get_fdata(), other.get_fdata())
    found = set(np.unique(label.get_fdata()).astype(int))
    wanted = [f"{side} cerebral white matter" for side in ("left", "right")]
    assert found == {0, *(names[name] for name in (*wanted, "cerebrospinal fluid"))}
    dataset = prepare_folder(tmp_path / "out", tmp_path / "data")
    assert len(read_cohort(dataset).structures) == 28


def test_left_and_right_are_one_tissue_and_others_are_not():
    codes = np.full((30, 30, 30), LEFT)
    codes[15:], codes[:, 20:] = RIGHT, CSF
    apart = []
    for seed in range(8):
        image = contrasted(codes, np.random.RandomState(seed))
        left, right, fluid = image[3:12, 3:17], image[18:27, 3:17], image[:, 23:]
        apart.append([abs(left.mean() - right.mean()), abs(left.mean() - fluid.mean())])
    sides, tissues = np.mean(apart, axis=0)
    assert tissues > 3 * sides  # sides differ by the bias field alone


def test_the_same_seed_gives_the_same_image():
    codes = np.full((8, 8, 8), LEFT)
    first, again, other = (contrasted(codes, np.random.RandomState(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_what_cannot_be_is_named(maps, tmp_path):
    with pytest.raises(InputError, match="empty: no label map"):
        write_brains(str(tmp_path / "empty"), str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("")
    with pytest.raises(InputError, match="is there already and not empty"):
        write_brains(str(maps), str(tmp_path / "out"))
    nothing = nib.Nifti1Image(np.full((4, 4, 4), SKULL, dtype=np.int16), np.eye(4))
    nib.save(nothing, maps / "one.nii.gz")
    with pytest.raises(InputError, match="holds none of the 28 structures"):
        write_brains(str(maps), str(tmp_path / "other"))
