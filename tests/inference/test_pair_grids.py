"""An affine first: a pair of volumes that lie apart is brought together, in the world."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world import register_affine
from gemini_monai.inference import register_files
from gemini_monai.transforms import InputSpec, alignment
from tests.data.prepare.made import image, save
from tests.inference.networks import Shift
from tests.volumes import CENTERED, INTENSITY, moved, volume

GRIDS = {
    "resized": {"spatial_size": [24, 20, 28]},
    "spacing": {"spatial_size": [16, 16, 16], "spacing": [2.0, 2.0, 2.5], "orientation": "RAS"},
}


def _spec(**options):
    return InputSpec(spatial_dims=3, in_channels=1, intensity=INTENSITY, **options)


def _save(path, volume):
    nib.save(nib.Nifti1Image(volume.numpy()[0], np.asarray(volume.affine)), path)
    return path


@pytest.mark.parametrize("grid", GRIDS)
def test_without_a_network_what_is_left_is_the_affine(tmp_path, grid):
    truth = moved()
    fixed = _save(tmp_path / "fixed.nii.gz", volume())
    moving = _save(tmp_path / "moving.nii.gz", volume(truth, gain=2.0))
    options = {"spec": _spec(**GRIDS[grid])}
    still = register_files(Shift(0, 0, 0), moving, fixed, **options)
    found = register_files(Shift(0, 0, 0), moving, fixed, affine="itk", **options)
    center = [slice(8, -8)] * 3
    voxels = np.stack(np.meshgrid(*map(np.arange, volume().shape[1:]), indexing="ij"))
    world = np.tensordot(CENTERED[:3, :3], voxels, 1) + CENTERED[:3, 3, None, None, None]
    expected = np.tensordot(truth[:3, :3], world, 1) + truth[:3, 3, None, None, None] - world
    away = [
        float(np.linalg.norm(own.displacement.numpy() - expected, axis=0)[tuple(center)].max())
        for own in (still, found)
    ]
    assert away[1] < 1 < 4 < away[0]  # mm
    target = volume().as_tensor()[(0, *center)]
    errors = [
        (own.warped.as_tensor()[(0, *center)] / 2 - target).abs().mean() for own in (still, found)
    ]
    assert float(errors[1]) < 0.3 * float(errors[0])


def test_slices_and_runs_with_a_reference_are_refused(tmp_path):
    save(tmp_path / "a.nii.gz", image(0))
    flat = InputSpec(
        spatial_dims=2, in_channels=1, spatial_size=image(0).shape, intensity=INTENSITY
    )
    both = [tmp_path / "a.nii.gz"] * 2
    with pytest.raises(InputError, match="--affine is for volumes, .* 2 axes"):
        register_files(Shift(0, 0), *both, spec=flat, affine="itk")
    _save(tmp_path / "v.nii.gz", volume())
    aligned = _spec(spatial_size=[8, 8, 8], spacing=[4.0] * 3, align="itk")
    both = [tmp_path / "v.nii.gz"] * 2
    with pytest.raises(InputError, match="registered to its reference anyway"):
        register_files(Shift(0, 0, 0), *both, spec=aligned, affine="itk")


def test_a_field_of_the_network_comes_on_top_of_the_affine(tmp_path):
    path = _save(tmp_path / "v.nii.gz", volume())
    spec = _spec(spatial_size=[16, 16, 16])
    found = register_files(Shift(0, 1, 0), path, path, spec=spec, affine="itk").displacement
    step = torch.tensor(CENTERED[:3, 1]) * volume().shape[2] / 16
    torch.testing.assert_close(found[:, 16, 16, 16], step.double(), atol=1e-3, rtol=0)


@pytest.fixture
def registered_once(monkeypatch):
    """Of two images, the affine is found once, however often it is asked for."""
    known = {}

    def remembered(moving, reference, **options):
        key = tuple(own.as_tensor().numpy().tobytes() for own in (moving, reference))
        if key not in known:
            known[key] = register_affine(moving, reference, **options)
        return known[key]

    monkeypatch.setattr(alignment, "register_affine", remembered)
    return known


def test_a_run_with_a_reference_goes_by_it_unless_the_start_is_said(tmp_path, registered_once):
    """The moving scan is the fixed one, cropped and shifted in its header by 3 mm along x."""
    _save(tmp_path / "reference.nii.gz", volume())
    fixed = _save(tmp_path / "fixed.nii.gz", volume(moved(degrees=5)))
    values = volume(moved(degrees=5))[:, 4:]
    shifted = CENTERED.copy()
    shifted[0, 3] += 4 + 3
    values.affine = torch.as_tensor(shifted)
    moving = _save(tmp_path / "moving.nii.gz", values)
    spec = _spec(
        spatial_size=[16, 16, 16],
        spacing=[2.0, 2.0, 2.0],
        align="itk",
        reference=str(tmp_path / "reference.nii.gz"),
    )

    def found(**options):
        return register_files(Shift(0, 0, 0), moving, fixed, spec=spec, **options)

    for start in ("auto", "affine"):
        by_reference = found(start=start)
        assert by_reference.start.kind == "affine"
        center = by_reference.displacement[:, 16, 16, 16]
        torch.testing.assert_close(center, torch.tensor([3.0, 0, 0]).double(), atol=0.7, rtol=0)
    assert len(registered_once) == 2  # each scan to the reference
    assert not found(start="world").displacement.any()
    offset = torch.tensor([5.0, 0, 0]).double().view(3, 1, 1, 1)  # 2 mm by the crop, 3 by header
    centered = found(start="center").displacement
    torch.testing.assert_close(centered, offset.expand_as(centered), atol=1e-6, rtol=0)
