"""Images in memory become what their files become."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.images import file_shape, has_voxel_size, image_in_memory, read

AFFINE = np.array([[0, -1.5, 0, 5], [-2.0, 0, 0, 6], [0, 0, 1.1, 7], [0, 0, 0, 1.0]])


def _values(*shape):
    return np.random.default_rng(0).integers(0, 100, shape).astype(np.int16)


@pytest.mark.parametrize("shape", [(6, 5, 4), (6, 5, 4, 2), (6, 5, 1), (6, 5)])
def test_an_image_of_nibabel_is_its_file(shape, tmp_path):
    image = nib.Nifti1Image(_values(*shape), AFFINE)
    nib.save(image, tmp_path / "a.nii.gz")
    expected = read(tmp_path / "a.nii.gz")
    found = image_in_memory(image, spatial_dims=2 if shape[2:] in ((), (1,)) else 3)
    assert torch.equal(found.as_tensor(), expected.as_tensor())
    assert torch.equal(found.affine, expected.affine)
    assert file_shape(found) == file_shape(expected)


def test_its_unit_and_scale_are_applied():
    image = nib.Nifti1Image(_values(6, 5, 4), AFFINE)
    image.header.set_xyzt_units("micron")
    found = image_in_memory(image, spatial_dims=3)
    np.testing.assert_allclose(found.affine[:3], AFFINE[:3] / 1000)


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_arrays_take_an_affine_or_a_spacing_and_need_no_channel(kind):
    values = _values(6, 5, 4)
    for given in (values, values[None]):
        found = image_in_memory(kind(given), spatial_dims=3, affine=AFFINE)
        assert (found.shape, found.dtype) == ((1, 6, 5, 4), torch.float32)
        np.testing.assert_array_equal(found[0].numpy(), values)
        np.testing.assert_allclose(found.affine, AFFINE)
    found = image_in_memory(kind(values), spatial_dims=3, spacing=(1, 2, 3))
    np.testing.assert_allclose(found.affine, np.diag([1, 2, 3, 1]))
    flat = image_in_memory(kind(values[..., 0]), spatial_dims=2, affine=AFFINE[:3, [0, 1, 3]])
    assert has_voxel_size(flat)
    assert not has_voxel_size(image_in_memory(kind(values), spatial_dims=3))


def test_a_metatensor_has_its_own_affine_and_its_past_is_left_behind():
    image = MetaTensor(torch.rand(2, 6, 5, 4, requires_grad=True), affine=torch.as_tensor(AFFINE))
    image.push_applied_operation({"class": "Theirs"})
    found = image_in_memory(image, spatial_dims=3)
    np.testing.assert_allclose(found.affine, AFFINE)
    assert (found.applied_operations, found.requires_grad) == ([], False)


@pytest.mark.parametrize(
    ("image", "given", "message"),
    [
        ([1, 2], {}, "image in memory: expected a file, an image of nibabel, .* got list"),
        (np.zeros((2, 2)), {}, r"of shape \(2, 2\), expected \(x, y, z\) or \(channels, x, y, z\)"),
        (np.zeros((0, 2, 2)), {}, r"of shape \(0, 2, 2\)"),
        (np.zeros((2, 2, 2), complex), {}, "values of type complex128, expected real numbers"),
        (np.zeros((2, 2, 2)), {"spacing": (1, 1)}, r"spacing: expected 3 numbers above 0 \(mm\)"),
        (np.zeros((2, 2, 2)), {"spacing": (1, 0, 1)}, "spacing: expected 3 numbers above 0"),
        (np.zeros((2, 2, 2)), {"affine": np.eye(2)}, r"affine: expected \(4, 4\) or \(3, 3\)"),
        (np.zeros((2, 2, 2)), {"affine": np.zeros((4, 4))}, "its affine is singular"),
        (np.zeros((2, 2, 2)), {"affine": np.eye(4), "spacing": (1, 1, 1)}, "affine and spacing"),
        (MetaTensor(torch.zeros(2, 2, 2)), {"spacing": (1, 1, 1)}, "its own affine and spacing"),
        (nib.Nifti1Image(_values(2, 2, 2), AFFINE), {"affine": AFFINE}, "its own affine and aff"),
    ],
)
def test_what_is_no_image_or_says_its_grid_twice_is_refused(image, given, message):
    with pytest.raises(InputError, match=message):
        image_in_memory(image, spatial_dims=3, **given)
