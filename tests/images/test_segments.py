"""Segmentations of 3D Slicer: segments by name, in layers, on a part of the image's grid."""

from __future__ import annotations

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.images import case_of, find_images, read, read_label
from gemini_monai.images.names import find_label_files, find_segmentations
from gemini_monai.images.segments import on_grid, read_segmentation, segments_of
from gemini_monai.images.stored import Stored
from tests.images.written import write_nrrd, write_segmentation

ONE_LAYER = [("liver", 1, 0), ("left kidney", 2, 0)]
TWO_LAYERS = [("liver", 1, 0), ("tumor", 1, 1)]


def _map():
    label = np.zeros((7, 6, 5), np.uint8)
    label[1:3, 2:4, 1:3], label[4:6, 1:3, 2:4] = 1, 2
    return label


def _refused(path, message, reader=read_label):
    with pytest.raises(InputError, match=rf"{path.name}: .*{message}"):
        reader(path)


def test_segments_are_known_by_their_names(tmp_path):
    path = write_segmentation(tmp_path / "a.seg.nrrd", _map(), ONE_LAYER)
    masks = read_segmentation(path).masks()
    np.testing.assert_array_equal(masks["liver"], _map() == 1)
    np.testing.assert_array_equal(masks["left kidney"], _map() == 2)
    np.testing.assert_array_equal(read_label(path)[0].numpy(), _map())


def test_layers_that_do_not_overlap_are_one_map(tmp_path):
    layers = np.stack([_map() == 1, _map() == 2]).astype(np.uint8)
    path = write_segmentation(tmp_path / "a.seg.nrrd", layers, TWO_LAYERS)
    np.testing.assert_array_equal(read_label(path)[0].numpy(), _map())


def test_files_that_do_not_say_the_layer_have_one_for_each(tmp_path):
    layers = np.stack([_map() == 1, _map() == 2]).astype(np.uint8)
    path = write_segmentation(tmp_path / "a.seg.nrrd", layers, TWO_LAYERS)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(line for line in lines if b"_L" not in line))
    assert [(own.layer, own.value) for own in segments_of(path)] == [(0, 1), (1, 1)]
    np.testing.assert_array_equal(read_label(path)[0].numpy(), _map())


def test_segments_that_overlap_are_no_map(tmp_path):
    layers = np.stack([_map() == 1, _map() > 0]).astype(np.uint8)
    path = write_segmentation(tmp_path / "a.seg.nrrd", layers, TWO_LAYERS)
    assert read_segmentation(path).masks()["tumor"].sum() == 16
    _refused(path, "segment 'tumor' overlaps another, so they make no label map")


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([], "names no segment"),
        ([("liver", 1, 0)], "value 2 in layer 0, which is no segment's"),
        ([("liver", 1, 0), ("liver", 2, 0)], "segment 'liver' is there twice"),
        ([*ONE_LAYER, ("tumor", 1, 1)], "segment 'tumor' is in layer 1, the file has 1"),
    ],
)
def test_segments_that_the_file_does_not_have_are_named(tmp_path, segments, message):
    _refused(write_segmentation(tmp_path / "a.seg.nrrd", _map(), segments), message)


def test_fractions_are_no_label(tmp_path):
    path = write_segmentation(tmp_path / "a.seg.nrrd", _map(), ONE_LAYER)
    path.write_bytes(path.read_bytes().replace(b"Binary labelmap", b"Fractional labelmap"))
    _refused(path, "Fractional labelmap, expected a segmentation stored as binary labelmap")


def test_a_segmentation_is_a_label_and_never_an_image(tmp_path):
    path = write_segmentation(tmp_path / "c0.seg.nrrd", _map(), ONE_LAYER)
    image = write_nrrd(tmp_path / "c0.nrrd", _map())
    assert case_of(path) == "c0"
    assert find_images(tmp_path) == {"c0": image}
    assert find_segmentations(tmp_path) == {"c0": path}
    with pytest.raises(InputError, match="case 'c0' is there twice"):
        find_label_files(tmp_path)
    _refused(path, "a segmentation of 3D Slicer, expected an image", reader=read)


AFFINE = np.array([[0.0, -2, 0, 5], [-1, 0, 0, 7], [0, 0, 3, -2], [0, 0, 0, 1]])
SHAPE = (9, 8, 7)


def _part(start, values, *, aside=0.0):
    affine = AFFINE.copy()
    affine[:3, 3] += AFFINE[:3, :3] @ (np.asarray(start) + aside)
    return Stored(values[None], affine)


@pytest.mark.parametrize("start", [(0, 0, 0), (2, 1, 2), (-1, 2, 0), (5, 5, 5), (20, 0, 0)])
def test_a_part_of_a_grid_lies_where_its_voxels_do(tmp_path, start):
    values = np.zeros((4, 3, 2), np.uint8)
    values[1, 0, 1] = values[3, 2, 0] = 3
    inside = [k for k in np.argwhere(values) if all(k + start >= 0) and all(k + start < SHAPE)]
    place = _part(start, values)
    if len(inside) < 2:
        with pytest.raises(InputError, match=r"a: \d of its voxels lie outside its image"):
            on_grid(place, affine=AFFINE, shape=SHAPE, path=tmp_path / "a")
        return
    found = on_grid(place, affine=AFFINE, shape=SHAPE, path=tmp_path / "a")
    assert found.shape == (1, *SHAPE)
    world = place.affine @ np.array([*np.argwhere(values).T, [1, 1]])
    there = AFFINE @ np.array([*np.argwhere(found[0]).T, [1, 1]])
    np.testing.assert_allclose(sorted(world.T.tolist()), sorted(there.T.tolist()))


@pytest.mark.parametrize("other", ["between voxels", "mirrored", "finer", "turned"])
def test_another_grid_is_named(tmp_path, other):
    values = np.ones((4, 3, 2), np.uint8)
    place = _part((1, 1, 1), values, aside=0.3 if other == "between voxels" else 0)
    changes = {
        "mirrored": np.diag([-1.0, 1, 1, 1]),
        "finer": np.diag([0.5, 1, 1, 1]),
        "turned": np.eye(4)[[1, 0, 2, 3]],
    }
    place = place._replace(affine=place.affine @ changes.get(other, np.eye(4)))
    with pytest.raises(InputError, match="a: its grid is not a part of its image's"):
        on_grid(place, affine=AFFINE, shape=SHAPE, path=tmp_path / "a")
