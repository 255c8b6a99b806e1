"""Segmentations of 3D Slicer become label maps, or masks, on their images' grids."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import read, read_label
from tests.data.prepare.made import save
from tests.images.written import write_nrrd, write_segmentation

SHAPE, START = (14, 12, 10), (2, 3, 1)
ORIGIN = (12, 26, 33)  # of the box, the image's being (10, 20, 30) and its steps 1, 2 and 3
WANTED = Wanted(labeled=2, validation=0, test=1)
BOX = tuple(slice(start, start + size) for start, size in zip(START, (9, 6, 5), strict=True))


def _label(k):
    """Liver and tumor of a case, on its image's grid."""
    label = np.zeros(SHAPE, np.uint8)
    label[3 : 6 + k, 4:7, 2:5], label[9:11, 5:8, 2:4] = 1, 2
    return label


def _folder(root, *, segments=None, layers=None, images="images", place="labels", start=ORIGIN):
    """Five images, of which three have a segmentation of a box within."""
    for k in range(5):
        values = np.random.default_rng(k).integers(0, 99, SHAPE).astype(np.int16)
        write_nrrd(root / images / f"c{k}.nrrd", values)
        if k < 3:
            own = segments(k) if segments else [("liver", 1, 0), ("tumor", 2, 0)]
            stored = layers(_label(k)[BOX]) if layers else _label(k)[BOX]
            write_segmentation(root / place / f"c{k}.seg.nrrd", stored, own, origin=start)
    return root


def _prepared(root):
    dataset = read_cohort(prepare_folder(root, root.parent / "dst", wanted=WANTED))
    return dataset, {e["case"]: e for e in [*dataset.labeled, *dataset.test]}


@pytest.mark.parametrize(
    ("images", "place"), [("images", "labels"), ("images", "images"), (".", ".")]
)
def test_a_cropped_segmentation_lies_in_its_image(tmp_path, images, place):
    dataset, entries = _prepared(_folder(tmp_path / "src", images=images, place=place))
    assert dataset.labels == {"background": 0, "liver": 1, "tumor": 2}
    for k in range(3):
        label = read_label(entries[f"c{k}"]["label"])
        np.testing.assert_array_equal(label[0].numpy(), _label(k))
        np.testing.assert_allclose(label.affine, read(entries[f"c{k}"]["image"]).affine)


def test_a_segment_is_known_by_its_name_and_not_by_its_value(tmp_path):
    def exchanged(k):
        return [("liver", 1, 0), ("tumor", 2, 0)][:: 1 if k == 1 else -1]

    def numbered(k):
        return [(name, place, 0) for place, (name, _, _) in enumerate(exchanged(k), start=1)]

    root = _folder(tmp_path / "src", segments=numbered)
    for k in (0, 2):  # values 1 and 2 are tumor and liver
        stored = np.array([0, 2, 1], np.uint8)[_label(k)][BOX]
        path = root / "labels" / f"c{k}.seg.nrrd"
        write_segmentation(path, stored, numbered(k), origin=ORIGIN)
    dataset, entries = _prepared(root)
    for k in range(3):
        label = read_label(entries[f"c{k}"]["label"])[0].numpy()
        np.testing.assert_array_equal(label == dataset.labels["liver"], _label(k) == 1)
        np.testing.assert_array_equal(label == dataset.labels["tumor"], _label(k) == 2)


LAYERED = [("liver", 1, 0), ("tumor", 1, 1)]


def test_layers_that_overlap_are_masks(tmp_path):
    def layers(label):
        return np.stack([label > 0, label == 2]).astype(np.uint8)

    root = _folder(tmp_path / "src", segments=lambda k: LAYERED, layers=layers)
    dataset, entries = _prepared(root)
    assert dataset.overlapping
    assert dataset.structures == ("liver", "tumor")
    for k in range(3):
        masks = read_label(entries[f"c{k}"]["label"]).numpy()
        np.testing.assert_array_equal(masks, [_label(k) > 0, _label(k) == 2])


def test_layers_that_do_not_overlap_are_one_map(tmp_path):
    def layers(label):
        return np.stack([label == 1, label == 2]).astype(np.uint8)

    root = _folder(tmp_path / "src", segments=lambda k: LAYERED, layers=layers)
    dataset, entries = _prepared(root)
    assert dataset.labels == {"background": 0, "liver": 1, "tumor": 2}
    np.testing.assert_array_equal(read_label(entries["c1"]["label"])[0].numpy(), _label(1))


def test_names_may_be_given_their_values(tmp_path):
    root = _folder(tmp_path / "src")
    (root / "labels.json").write_text(json.dumps({"tumor": 5, "liver": 3}))
    dataset, entries = _prepared(root)
    assert dataset.labels == {"background": 0, "tumor": 5, "liver": 3}
    label = read_label(entries["c0"]["label"])[0].numpy()
    np.testing.assert_array_equal(label, np.array([0, 3, 5])[_label(0)])
    (root / "labels.json").write_text(json.dumps({"tumor": 5}))
    with pytest.raises(InputError, match=r"segment 'liver' is not among the names of labels\.json"):
        prepare_folder(root, tmp_path / "other", wanted=WANTED)


def test_another_grid_than_the_image_s_is_named(tmp_path):
    root = _folder(tmp_path / "src", start=(10.4, 20, 30))
    with pytest.raises(InputError, match=r"\.seg\.nrrd: its grid is not a part of its image's"):
        prepare_folder(root, tmp_path / "dst", wanted=WANTED)


def test_a_label_without_names_fits_where_values_are_one_s_own(tmp_path):
    root = _folder(tmp_path / "src")
    (root / "labels" / "c1.seg.nrrd").unlink()
    affine = read(root / "images" / "c1.nrrd").affine.numpy()
    save(root / "labels" / "c1.nii.gz", _label(1), affine=affine)
    assert _prepared(root)[0].labels == {"background": 0, "liver": 1, "tumor": 2}
    segments = [("tumor", 1, 0), ("liver", 2, 0)]
    write_segmentation(root / "labels" / "c2.seg.nrrd", _label(2), segments, origin=(10, 20, 30))
    with pytest.raises(InputError, match=r"c1\.nii\.gz: a label without names among segmentations"):
        prepare_folder(root, tmp_path / "other", wanted=WANTED)


def test_a_segmentation_beside_its_image_and_labels_elsewhere_is_named(tmp_path):
    root = _folder(tmp_path / "src")
    write_segmentation(root / "images" / "c4.seg.nrrd", _label(4), [("liver", 1, 0)])
    with pytest.raises(InputError, match=r"c4\.seg\.nrrd: a segmentation beside its image, where"):
        prepare_folder(root, tmp_path / "dst", wanted=WANTED)


def test_no_segmentation_is_opened_of_an_image_that_is_used_without(tmp_path):
    root = _folder(tmp_path / "src")
    wanted = Wanted(labeled=1, validation=0, test=1)
    dataset = read_cohort(prepare_folder(root, tmp_path / "dst", wanted=wanted))
    used = {entry["case"] for entry in [*dataset.labeled, *dataset.test]}
    [hidden] = {"c0", "c1", "c2"} - used
    (root / "labels" / f"{hidden}.seg.nrrd").write_bytes(b"no segmentation")
    prepare_folder(root, tmp_path / "dst", wanted=wanted)
