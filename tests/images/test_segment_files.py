"""Label maps as files of 3D Slicer and ITK-SNAP, read back by us and by ITK."""

from __future__ import annotations

import itk
import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gemini_monai.base.errors import InputError
from gemini_monai.images import read_label, snap_descriptions, write_segments
from gemini_monai.images.segment_files import label_color
from gemini_monai.images.segments import on_grid, read_segmentation

AFFINE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.1, 0.2, 0.3) @ np.diag([1.0, 1.5, 2.0]), [5.0, -6.0, 7.0]
)
NAMES = ["liver", "linke Niere", "tumör: left"]


@settings(max_examples=20)
@given(
    label=arrays(
        np.int64,
        array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=5),
        elements=st.sampled_from([0, 1, 4, 700]),
    ),
)
def test_a_map_is_read_with_its_values_names_and_place(tmp_path_factory, label):
    path = tmp_path_factory.mktemp("s") / "a.seg.nrrd"
    write_segments(path, label[None], affine=AFFINE, structures=NAMES, values=[1, 4, 700])
    found = read_segmentation(path)
    assert {s.name: s.value for s in found.segments} == dict(zip(NAMES, [1, 4, 700], strict=True))
    shape = (*label.shape, 1)[:3]
    np.testing.assert_array_equal(found.stored.values[0], label.reshape(shape))
    np.testing.assert_allclose(found.stored.affine, AFFINE, atol=1e-9)
    kept = on_grid(found.as_map(), affine=AFFINE, shape=shape, path=path)
    np.testing.assert_array_equal(kept[0], label.reshape(shape))
    np.testing.assert_array_equal(read_label(path)[0].numpy(), label)


def test_masks_that_overlap_are_layers(tmp_path):
    masks = np.random.default_rng(0).integers(0, 2, (3, 4, 3, 5))
    path = write_segments(tmp_path / "a.seg.nrrd", masks, affine=AFFINE, structures=NAMES)
    found = read_segmentation(path).masks()
    for name, mask in zip(NAMES, masks, strict=True):
        np.testing.assert_array_equal(found[name], mask == 1)


def test_itk_reads_the_same_voxels_at_the_same_place(tmp_path):
    label = np.random.default_rng(0).integers(0, 3, (4, 3, 5))
    path = write_segments(
        tmp_path / "a.seg.nrrd", label[None], affine=AFFINE, structures=NAMES[:2], values=[1, 2]
    )
    image = itk.imread(str(path))
    np.testing.assert_array_equal(itk.array_from_image(image), label.T)
    place = np.array(image.TransformIndexToPhysicalPoint([3, 1, 2])) * [-1, -1, 1]
    np.testing.assert_allclose(place, (AFFINE @ [3, 1, 2, 1])[:3], atol=1e-9)
    assert (
        path.read_bytes()
        == write_segments(
            tmp_path / "b.seg.nrrd", label[None], affine=AFFINE, structures=NAMES[:2], values=[1, 2]
        ).read_bytes()
    )


def test_what_the_format_cannot_hold_is_named(tmp_path):
    label, path = np.zeros((1, 3, 3, 3), int), tmp_path / "a.seg.nrrd"
    sheared = np.eye(4)
    sheared[0, 1] = 0.5
    for options, message in (
        ({"affine": sheared, "structures": ["a"], "values": [1]}, r"a\.seg\.nrrd: a sheared grid"),
        ({"affine": AFFINE, "structures": ["a\nb"], "values": [1]}, "no segment of the name"),
        ({"affine": AFFINE, "structures": ["a"], "values": [2**40]}, "above 4294967295"),
    ):
        with pytest.raises(InputError, match=message):
            write_segments(path, label, **options)
    assert not path.exists()


def test_itk_snap_is_told_names_and_colors():
    lines = snap_descriptions({1: "heart", 42: 'the "left" lung'}).splitlines()[5:]
    fields = [line.split(maxsplit=7) for line in lines]
    assert [row[0] for row in fields] == ["0", "1", "42"]
    assert [row[7] for row in fields] == ['"Clear Label"', '"heart"', "\"the 'left' lung\""]
    assert tuple(map(int, fields[1][1:4])) == label_color(0)
    colors = [label_color(place) for place in range(40)]
    assert len(set(colors)) == 40
    assert all(0 <= part <= 255 for color in colors for part in color)
