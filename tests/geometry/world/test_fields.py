"""Fields in mm: ITK itself applies them and gets our warped image."""

from __future__ import annotations

import itk
import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from gemini_monai.geometry.warp import identity_grid
from gemini_monai.geometry.world import (
    apply_world_displacement,
    inverse_world_displacement,
    to_voxels,
    to_world,
    world_displacement,
)
from gemini_monai.images import read, write_field, write_image


def _affine(axes, *, spacing, angle=0.0, flip=False, origin=5.0):
    affine = np.eye(4)
    rotation = np.eye(3)
    rotation[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    if flip:
        rotation[:, 0] *= -1
    affine[:axes, :axes] = (rotation[:axes, :axes]) @ np.diag(spacing[:axes])
    affine[:axes, 3] = origin
    return torch.from_numpy(affine)


def _smooth(shape, *, seed):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 1, *[4] * len(shape), generator=generator)
    mode = "bicubic" if len(shape) == 2 else "trilinear"
    return torch.nn.functional.interpolate(coarse, size=shape, mode=mode, align_corners=True)[0]


def _apply_with_itk(moving_file, field_file, axes):
    moving = itk.imread(str(moving_file), itk.F)
    field = itk.imread(str(field_file), itk.Vector[itk.F, axes])
    warped = itk.warp_image_filter(
        moving,
        displacement_field=field,
        output_spacing=field.GetSpacing(),
        output_origin=field.GetOrigin(),
        output_direction=field.GetDirection(),
    )
    return np.asarray(itk.array_from_image(warped)).T


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("angle", [0.0, 0.3])
@pytest.mark.parametrize("flip", [False, True])
def test_itk_warps_as_we_do(tmp_path, axes, angle, flip):
    fixed_shape, moving_shape, seen = (21, 18, 15)[:axes], (19, 23, 17)[:axes], (24, 24, 24)[:axes]
    fixed_affine = _affine(axes, spacing=(1.0, 1.3, 2.0), angle=angle, flip=flip)
    moving_affine = _affine(axes, spacing=(1.2, 1.0, 1.7), angle=-angle / 2, flip=flip, origin=4.0)
    fixed = MetaTensor(_smooth(fixed_shape, seed=0), affine=fixed_affine)
    moving = MetaTensor(_smooth(moving_shape, seed=1), affine=moving_affine)
    ddf = 2 * torch.stack([_smooth(seen, seed=2 + k)[0] for k in range(axes)])[None] - 1
    displacement = world_displacement(
        ddf, fixed_network=fixed_affine, moving_network=moving_affine, fixed=fixed
    )
    ours = apply_world_displacement(moving, displacement, fixed=fixed)
    write_image(tmp_path / "moving.nii.gz", moving, affine=moving.affine)
    write_field(tmp_path / "field.nii.gz", displacement, affine=fixed.affine)
    theirs = _apply_with_itk(tmp_path / "moving.nii.gz", tmp_path / "field.nii.gz", axes)
    ones = MetaTensor(torch.ones_like(moving), affine=moving_affine)
    # Half a voxel around the image, where ITK extends it, we fade to zero.
    inside = apply_world_displacement(ones, displacement, fixed=fixed)[0].numpy() > 1 - 1e-6
    assert inside.mean() > 0.3
    np.testing.assert_allclose(ours[0].numpy()[inside], theirs[inside], atol=2e-4)
    assert not np.allclose(theirs[inside], fixed[0].numpy()[inside], atol=1e-2)


@pytest.mark.parametrize("axes", [2, 3])
def test_a_shift_in_voxels_is_that_many_millimeters(axes):
    affine = _affine(axes, spacing=(2.0, 3.0, 4.0))
    image = MetaTensor(torch.zeros(1, *[8] * axes), affine=affine)
    ddf = torch.ones(1, axes, *[8] * axes)
    displacement = world_displacement(ddf, fixed_network=affine, moving_network=affine, fixed=image)
    for axis, spacing in enumerate((2.0, 3.0, 4.0)[:axes]):
        torch.testing.assert_close(displacement[axis], torch.full_like(displacement[axis], spacing))


@pytest.mark.parametrize("axes", [2, 3])
def test_no_displacement_between_two_grids_takes_index_to_index(axes):
    fixed_affine = _affine(axes, spacing=(2.0, 3.0, 4.0), angle=0.3)
    moving_affine = _affine(axes, spacing=(1.0, 1.5, 2.5), angle=-0.2, origin=-7.0)
    fixed = MetaTensor(torch.zeros(1, *[8] * axes), affine=fixed_affine)
    moving = MetaTensor(_smooth([8] * axes, seed=0), affine=moving_affine)
    displacement = world_displacement(
        torch.zeros(1, axes, *[8] * axes),
        fixed_network=fixed_affine,
        moving_network=moving_affine,
        fixed=fixed,
    )
    warped = apply_world_displacement(moving, displacement, fixed=fixed)
    inner = (0, *[slice(1, -1)] * axes)  # the rim may lie a rounding error outside
    torch.testing.assert_close(warped[inner], moving[inner], atol=1e-5, rtol=0, check_dtype=False)


@pytest.mark.parametrize("axes", [2, 3])
def test_world_and_voxel_positions_undo_each_other(axes):
    affine = _affine(axes, spacing=(1.0, 2.0, 3.0), angle=0.7, flip=True)
    grid = identity_grid([5] * axes, dtype=torch.float64)
    torch.testing.assert_close(to_voxels(to_world(grid, affine), affine), grid)


@pytest.mark.parametrize("channels", [2, 3])
def test_every_channel_is_written(tmp_path, channels):
    values = 200 * torch.rand(channels, 7, 6, 5)
    write_image(tmp_path / "image.nii.gz", values, affine=torch.eye(4))
    found = itk.array_from_image(itk.imread(str(tmp_path / "image.nii.gz")))
    np.testing.assert_array_equal(found.transpose(0, 3, 2, 1), values.numpy())
    np.testing.assert_array_equal(np.asarray(read(tmp_path / "image.nii.gz")), values.numpy())


def test_labels_keep_their_values_and_dtype():
    label = MetaTensor(torch.randint(0, 4, (1, 8, 9), dtype=torch.int16), affine=torch.eye(4))
    displacement = 2 * torch.rand(2, 8, 9, dtype=torch.float64)
    warped = apply_world_displacement(label, displacement, fixed=label, mode="nearest")
    assert warped.dtype == torch.int16
    assert set(warped.unique().tolist()) <= {0, 1, 2, 3}


@pytest.mark.parametrize("axes", [2, 3])
def test_the_way_back_leads_back_between_grids_that_differ(axes):
    """A field that is linear within the grids, so that interpolation changes nothing."""
    torch.manual_seed(0)
    shapes = (12, 14, 10)[:axes], (9, 11, 13)[:axes]
    grids = []
    for shape, spacing in zip(shapes, (1.5, 1.2), strict=True):
        diagonal = torch.tensor([spacing] * axes + [1.0] * (4 - axes), dtype=torch.float64)
        affine = torch.diag(diagonal)
        affine[:axes, 3] = -spacing * (torch.tensor(shape) - 1) / 2  # about one center
        grids.append(MetaTensor(torch.zeros(1, *shape), affine=affine))
    fixed, moving = grids
    linear = 0.05 * torch.randn(axes, axes, dtype=torch.float64)
    world = to_world(identity_grid(fixed.shape[1:], dtype=torch.float64), fixed.affine)
    displacement = torch.tensordot(linear, world, 1)
    back = inverse_world_displacement(displacement, fixed=fixed, moving=moving)
    place = to_world(identity_grid(moving.shape[1:], dtype=torch.float64), moving.affine)
    expected = torch.tensordot(torch.linalg.inv(torch.eye(axes) + linear), place, 1) - place
    inside = (slice(None), *[slice(4, -4)] * axes)
    torch.testing.assert_close(back[inside], expected[inside], atol=1e-6, rtol=0)


@pytest.mark.parametrize("axes", [2, 3])
def test_the_way_back_of_a_start_that_turns_and_doubles(axes):
    """Its displacements differ by more than points are apart, so that it is undone by itself."""
    torch.manual_seed(0)
    start, affine = (torch.eye(axes + 1, dtype=torch.float64) for _ in range(2))
    start[:axes, :axes] = _affine(axes, spacing=(2.0, 2.0, 1.8), angle=2.0)[:axes, :axes]
    start[:axes, -1] = torch.tensor([40.0, -30.0, 900.0])[:axes]
    affine[:axes, -1] = -6
    fixed = MetaTensor(torch.zeros(1, *[13] * axes), affine=affine)
    moving = MetaTensor(torch.zeros(1, *[12] * axes), affine=start @ affine)
    linear = torch.eye(axes, dtype=torch.float64) + 0.05 * torch.randn(axes, axes).double()
    world = to_world(identity_grid(fixed.shape[1:], dtype=torch.float64), affine)
    there = to_world(torch.tensordot(linear, world, 1), start)
    back = inverse_world_displacement(there - world, fixed=fixed, moving=moving, start=start)
    goal = to_world(identity_grid(moving.shape[1:], dtype=torch.float64), moving.affine)
    begin = to_voxels(goal, start)  # of an affine to the world, so its inverse
    expected = torch.tensordot(torch.linalg.inv(linear), begin, 1) - goal
    inside = (slice(None), *[slice(3, -3)] * axes)
    torch.testing.assert_close(back[inside], expected[inside], atol=1e-6, rtol=0)
    astray = inverse_world_displacement(there - world, fixed=fixed, moving=moving)
    assert not torch.allclose(astray[inside], expected[inside], atol=1)
