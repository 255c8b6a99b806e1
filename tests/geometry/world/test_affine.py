"""A known affine is found again."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from monai.data.meta_tensor import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.world import refuse_method, register_affine
from gemini_monai.geometry.world.affine import BY_ITK
from gemini_monai.geometry.world.first_shift import first_shift
from tests.volumes import CENTERED, INTENSITY, corner_error, moved, volume

OTHER = np.array([[-1.1, 0, 0, 19], [0, 0, 0.9, -14], [0, 1.2, 0, -17], [0, 0, 0, 1.0]])


def test_a_known_affine_is_found_on_another_grid_and_with_other_brightness():
    truth = moved()
    image = volume(truth, affine=OTHER, shape=(36, 30, 34), gain=3.0)
    found = register_affine(image, volume(), intensity=INTENSITY)
    assert corner_error(np.eye(4), truth) > 8
    assert corner_error(found, truth) < 1
    again = register_affine(image, volume(), intensity=INTENSITY)
    np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize("sheared", ["moving", "reference", "both"])
def test_a_sheared_grid_is_registered_where_it_lies(sheared):
    """ITK squares such a grid; what is found must not depend on how an image is stored."""
    truth, tilted = moved(degrees=5), CENTERED.copy()
    tilted[1, 2] = 0.5
    tilted[1, 3] -= 0.5 * 15.5  # about the same center
    grids = [tilted if sheared in (name, "both") else CENTERED for name in ("moving", "reference")]
    images = [volume(truth, affine=grids[0]), volume(affine=grids[1])]
    # Corners lie outside of what both grids hold; taken as squared they would be 7 mm off.
    assert corner_error(register_affine(*images, intensity=INTENSITY), truth) < 3


def test_larger_images_are_compared_on_fewer_voxels():
    truth = moved(degrees=5)
    fine = np.diag([0.3, 0.25, 0.25, 1.0])
    fine[:3, 3] = -16
    image = volume(truth, affine=fine, shape=(106, 128, 128))
    assert corner_error(register_affine(image, volume(), intensity=INTENSITY), truth) < 1


def test_the_reference_itself_is_not_moved():
    found = register_affine(volume(), volume(), intensity=INTENSITY)
    np.testing.assert_array_equal(found, np.eye(4))
    brighter = volume(gain=2.0)
    found = register_affine(brighter, volume(), intensity=INTENSITY)
    assert corner_error(found, np.eye(4)) < 0.1


def test_a_window_hides_what_lies_outside():
    """A bright block that stays where it is pulls the affine only when it is not clipped away."""
    truth = moved(degrees=0, scale=(1, 1, 1), shift=(3, 0, 0))
    window = {"kind": "range", "lower": 0.0, "upper": 1.0}
    images = [volume(truth), volume()]
    for image in images:
        image[:, :, :, :4] = -50.0
    assert corner_error(register_affine(*images, intensity=window), truth) < 1


def test_of_several_channels_the_first_rule_is_the_first_ones():
    truth = moved(degrees=5)
    images = [volume(truth), volume()]
    alone = register_affine(*images, intensity=INTENSITY)
    both = [MetaTensor(torch.cat([own, own * 0 + 7]), affine=own.affine) for own in images]
    rules = [INTENSITY, {"kind": "range", "lower": 0.0, "upper": 1.0}]
    np.testing.assert_array_equal(register_affine(*both, intensity=rules), alone)


def test_images_that_are_mostly_one_value_are_registered_by_the_rest():
    """Three vessels, dim at one end: where all that is no background were one value, as bright."""
    vessels = torch.zeros(1, *volume().shape[1:])
    dim = torch.linspace(100, 2000, 16)
    vessels[0, 8:24, 15, 15], vessels[0, 12, 8:24, 15], vessels[0, 15, 20, 8:24] = dim, dim, dim
    assert np.ptp(np.percentile(vessels.numpy(), (0.5, 99.5))) == 0
    truth = np.eye(4)
    truth[:3, 3] = (2, -1, 3)
    affine = torch.as_tensor(CENTERED)
    images = [MetaTensor(v, affine=affine) for v in (vessels.roll((2, -1, 3), (1, 2, 3)), vessels)]
    assert corner_error(register_affine(*images, intensity=INTENSITY), truth) < 1


def test_images_in_other_units_are_named():
    small = volume()
    image = MetaTensor(
        small.as_tensor(), affine=torch.as_tensor(np.diag([0.4] * 3 + [1]) @ CENTERED)
    )
    image.meta["filename_or_obj"] = "small.nii.gz"
    with pytest.raises(
        InputError, match=r"small\.nii\.gz: the affine onto .* changes volumes 0\.0"
    ):
        register_affine(image, volume(), intensity=INTENSITY)


def test_a_registration_that_fails_is_named(monkeypatch):
    def fails(moving, reference, *, world):
        raise RuntimeError("itk::ERROR:\n all samples map outside")

    monkeypatch.setattr("gemini_monai.geometry.world.affine._by_itk", fails)
    with pytest.raises(InputError, match="image: no affine onto the reference .* map outside"):
        register_affine(volume(moved()), volume(), intensity=INTENSITY)


@pytest.mark.parametrize(
    ("method", "missing", "message"),
    [
        ("elastix", "ants", "--align must be one of itk, ants, got 'elastix'"),
        ("ants", "ants", r"--align ants needs .*: pip install antspyx \"itk>=5\.3\"$"),
        ("ants", "itk", r"--align ants needs .*: pip install antspyx \"itk>=5\.3\"$"),
        ("itk", "itk", r"--align itk needs .*: pip install \"itk>=5\.3\"$"),
        ("itk", BY_ITK, r"--align itk needs .*: pip install \"itk>=5\.3\"$"),
    ],
)
def test_methods_that_are_not_there(monkeypatch, method, missing, message):
    """What ``itk-io`` brings does not register."""
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError, match=message):
        refuse_method(method)


def test_ants_gives_a_transform_of_the_same_direction():
    pytest.importorskip("ants")
    truth = moved(degrees=4, scale=(1, 1, 1), shift=(5, -3, 4))
    found = register_affine(volume(truth), volume(), intensity=INTENSITY, method="ants")
    center = np.array([0, 0, 0, 1.0])
    assert np.linalg.norm((found - truth) @ center) < 1


def test_it_begins_in_the_world_where_images_are_more_alike_there():
    """A part of a volume lies in the volume; its center of mass lies elsewhere."""
    whole = volume()
    values = volume()[:, :, :, :18]
    part = MetaTensor(values.as_tensor(), affine=whole.affine)
    for pair in ((part, whole), (whole, part)):
        _, shift = first_shift(*pair, world=True)
        assert not shift.any()
        assert np.linalg.norm(first_shift(*pair, world=False)[1]) > 1
    away = CENTERED.copy()
    away[:3, 3] += (6, -5, 8)
    moving = MetaTensor(whole.as_tensor(), affine=torch.as_tensor(away))
    _, shift = first_shift(moving, whole, world=True)
    np.testing.assert_allclose(shift, [-6, 5, 8], atol=1e-6)  # LPS


def test_advice_and_option_are_those_of_who_asks():
    small = MetaTensor(volume().as_tensor(), affine=torch.as_tensor(np.diag([0.4] * 3 + [1])))
    with pytest.raises(InputError, match=r"changes volumes 0\.0.* times; try --start center"):
        register_affine(small, volume(), intensity=INTENSITY, advice="try --start center")
    with pytest.raises(InputError, match="--affine must be one of"):
        refuse_method("elastix", option="--affine")
