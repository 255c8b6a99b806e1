"""Fields between two views: exact where MONAI tracks them, measured where it does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import (
    Compose,
    Lambdad,
    OneOf,
    Rand2DElasticd,
    Rand3DElasticd,
    RandAffined,
    RandAxisFlipd,
    RandGaussianNoised,
    RandGridDistortiond,
    RandomOrder,
    RandRotate90d,
    RandRotated,
    RandScaleCropd,
    RandSimulateLowResolutiond,
    RandSmoothDeformd,
    RandSpatialCropd,
    RandZoomd,
    Resized,
)
from monai.transforms.intensity import dictionary
from monai.transforms.transform import MapTransform

from gemini_monai.base.errors import InputError
from gemini_monai.data import Views
from gemini_monai.data.streams.augmentation import is_tracked, places_alone
from gemini_monai.data.streams.places import (
    UNKNOWN,
    Places,
    coordinates,
    displacement,
    measured,
)
from gemini_monai.geometry.warp import identity_grid, inbounds_mask, inverse, warp
from tests.data.streams import own_transforms as own

SIZES = {2: (44, 40), 3: (26, 24, 28)}
LINEAR = {2: "bilinear", 3: "trilinear"}


def _image(dims):
    """Waves, so smooth that interpolation costs nothing."""
    grid = identity_grid(SIZES[dims])
    waves = (torch.sin(axis * (0.3 + 0.05 * k) + k) for k, axis in enumerate(grid))
    return (sum(waves) / (2 * dims) + 0.5)[None]


def _elastic(dims, **options):
    options = {"prob": 1.0, "padding_mode": "zeros"} | options
    if dims == 2:
        return Rand2DElasticd("image", spacing=(10, 10), magnitude_range=(1, 2), **options)
    return Rand3DElasticd("image", sigma_range=(3, 4), magnitude_range=(30, 40), **options)


def _affine(dims, **options):
    turns = [0.3] * (1 if dims == 2 else 3)
    options = {"prob": 1.0, "padding_mode": "zeros"} | options
    return RandAffined("image", rotate_range=turns, scale_range=[0.2] * dims, **options)


MOVES = {
    "elastic": _elastic,
    "elastic, at times": lambda n: _elastic(n, prob=0.5),
    "elastic, mirrored": lambda n: _elastic(n, padding_mode="reflection"),
    "elastic, border": lambda n: _elastic(n, padding_mode="border"),
    "elastic and affine": lambda n: Compose([_affine(n), _elastic(n)]),
    "one of both": lambda n: OneOf([_affine(n), _elastic(n)]),
    "some order": lambda n: RandomOrder([_affine(n), RandAxisFlipd("image"), _elastic(n)]),
    "distortion": lambda n: RandGridDistortiond(
        "image", prob=1.0, num_cells=4, distort_limit=0.15, padding_mode="zeros"
    ),
    "smooth field": lambda n: RandSmoothDeformd(
        "image",
        prob=1.0,
        spatial_size=SIZES[n],
        rand_size=[5] * n,
        def_range=0.05,
        field_mode=LINEAR[n],
        grid_mode="bilinear",
        grid_align_corners=True,
    ),
    "zoom": lambda n: RandZoomd("image", prob=1.0, min_zoom=0.8, max_zoom=1.3),
    "zoom, nearest": lambda n: RandZoomd("image", prob=1.0, max_zoom=1.3, mode="nearest"),
    "crop and resize": lambda n: Compose(
        [
            RandScaleCropd("image", roi_scale=0.7, random_size=False),
            Resized("image", SIZES[n], mode=LINEAR[n]),
        ]
    ),
    "quarter turns": lambda n: Compose(
        [RandRotate90d("image", prob=0.7), Resized("image", SIZES[n])]
    ),
    "low resolution": lambda n: RandSimulateLowResolutiond(
        "image", prob=1.0, zoom_range=(0.5, 0.7), upsample_mode=LINEAR[n]
    ),
    "crop, then affine": lambda n: Compose(
        [RandScaleCropd("image", roi_scale=0.8, random_size=False), _affine(n)]
    ),
    "own elastic": lambda n: own.Elastic(),
    "own roll": lambda n: own.Roll(),
    "own flip": lambda n: own.Flip(prob=0.5),
    "a function": lambda n: Compose([Lambdad("image", func=lambda x: x.flip(1)), _affine(n)]),
}


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("move", MOVES)
def test_a_field_warps_one_view_onto_the_other_whatever_moves_them(dims, move):
    views = Views(3, transform=MOVES[move](dims))
    views.open([{"image": _image(dims)}] * 3)
    assert not views.tracked
    batch = views.draw(np.random.default_rng(1), {})
    inside = inbounds_mask(batch["ddf_ab"]).expand_as(batch["view_b"]) > 0
    assert inside.float().mean() > 0.2
    missed = (warp(batch["view_a"], batch["ddf_ab"]) - batch["view_b"]).abs()[inside]
    assert float(missed.mean()) < 0.012
    assert float(missed.max()) < 0.06


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("transform", "tracked"),
    [
        (_affine, True),
        (
            lambda n: Compose([_affine(n), RandAxisFlipd("image"), RandGaussianNoised("image")]),
            True,
        ),
        (lambda n: RandRotated("image", range_x=0.4, prob=1.0), True),
        (lambda n: RandSpatialCropd("image", roi_size=[20] * n, random_size=False), True),
        (lambda n: Compose([_affine(n), _affine(n)]), False),  # what has left does not come back
        (lambda n: Compose([RandScaleCropd("image", roi_scale=0.9), _affine(n)]), False),
        (_elastic, False),
        (lambda n: Compose([_affine(n), own.Noise()]), False),  # may have lost the affine
    ],
)
def test_what_monai_tracks_is_taken_from_its_affines(dims, transform, tracked):
    assert is_tracked(transform(dims)) is tracked


@pytest.mark.parametrize("dims", [2, 3])
def test_measured_places_of_an_affine_are_its_affine(dims):
    turned = _affine(dims)
    for seed in range(3):
        turned.set_random_state(seed=seed)
        view = turned({"image": coordinates(_image(dims))})["image"]
        places = measured(view)
        assert places.shift is None
        torch.testing.assert_close(places.affine, torch.as_tensor(view.affine).to(places.affine))


def test_what_has_left_the_image_has_no_partner():
    """Away by half the image and back: one half is gone, though affines say otherwise."""
    away, back = (
        RandAffined("image", prob=1.0, translate_range=[(by, by), (0, 0)], padding_mode="zeros")
        for by in (22.0, -22.0)
    )
    views = Views(1, transform=Compose([away, back]))
    views.open([{"image": _image(2)}])
    ddf = views.draw(np.random.default_rng(0), {})["ddf_ab"][0]
    known = ddf[0] < UNKNOWN / 2
    assert known[22:].all()
    assert not known[:22].any()
    assert ddf[:, known].abs().max() < 1e-3


def test_a_shift_is_led_back_by_its_inverse():
    """With the identity as the other view, the field is the inverse of the shift."""
    grid = identity_grid((30, 30))
    shift = torch.stack([torch.sin(grid[1] / 5), torch.cos(grid[0] / 6)]) * 1.5
    moved, still = Places(torch.eye(3).double(), shift=shift), Places(torch.eye(3).double())
    ddf = displacement(moved, still, torch.Size((30, 30)))
    expected = inverse(shift[None])[0]
    inner = (slice(None), slice(4, -4), slice(4, -4))
    torch.testing.assert_close(ddf[inner], expected[inner], atol=5e-3, rtol=0)
    there = displacement(still, moved, torch.Size((30, 30)))
    torch.testing.assert_close(there, shift, atol=1e-5, rtol=0)


def test_a_field_that_folds_is_not_known_where_it_does():
    grid = identity_grid((40, 40))
    fold = torch.stack([6 * torch.sin(grid[0] / 2), torch.zeros_like(grid[0])])
    places = Places(torch.eye(3).double(), shift=fold)
    ddf = displacement(places, Places(torch.eye(3).double()), torch.Size((40, 40)))
    known = ddf[0].abs() < 100
    assert 0 < known.float().mean() < 1
    at = (grid + ddf)[:, known]
    values = warp(fold[None], ddf[None])[0][:, known]
    assert ((at + values) - grid[:, known]).norm(dim=0).max() < 0.3


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (own.NoisyFlip, "NoisyFlip: moves an image and changes its intensities at once"),
        (own.CurvedElastic, "CurvedElastic: moves an image and changes its intensities at once"),
        (own.GlobalRoll, "GlobalRoll: moves an image"),
        (own.Several, "Several makes a list of an item"),
    ],
)
def test_a_field_that_cannot_be_known_is_refused_by_name(dims, transform, message):
    views = Views(2, transform=Compose([_affine(dims), transform(prob=0.1)]))
    with pytest.raises(InputError, match=f"random_transforms: .*{message}"):
        views.open([{"image": _image(dims)}])


def test_an_affine_that_is_tracked_wrongly_is_refused(monkeypatch):
    """As if MONAI's affine were of something else than what it did."""
    call = RandAffined.__call__

    def forgetful(self, data, lazy=None):
        made = call(self, data, lazy=lazy)
        return made | {"image": MetaTensor(made["image"].as_tensor())}

    monkeypatch.setattr(RandAffined, "__call__", forgetful)
    with pytest.raises(InputError, match=r"RandAffined: the field between two views is off by \d"):
        Views(1, transform=_affine(2)).open([{"image": _image(2)}])


LOOKS = [
    name
    for name, kind in vars(dictionary).items()
    if name.startswith("Rand") and name.endswith("d") and issubclass(kind, MapTransform)
]
NEEDS = {
    "RandHistogramShiftd": {"num_control_points": 5},
    "RandCoarseDropoutd": {"holes": 2, "spatial_size": 5},
    "RandCoarseShuffled": {"holes": 2, "spatial_size": 5},
    "RandScaleIntensityd": {"factors": 0.3},
    "RandScaleIntensityFixedMeand": {"factors": 0.3},
    "RandShiftIntensityd": {"offsets": 0.1},
    "RandStdShiftIntensityd": {"factors": 0.1},
    "RandKSpaceSpikeNoised": {"intensity_range": (1, 2)},
}


@pytest.mark.parametrize("name", LOOKS)
def test_monais_changes_of_looks_keep_the_affine(name):
    options = NEEDS.get(name, {})
    look = getattr(dictionary, name)("image", prob=1.0, **options)
    transform = Compose([_affine(2), look])
    assert is_tracked(transform)
    transform.set_random_state(seed=3)
    affine = transform({"image": MetaTensor(_image(2))})["image"].affine
    alone = places_alone(transform, _image(2))
    alone.set_random_state(seed=3)
    assert torch.equal(affine, alone({"image": MetaTensor(_image(2))})["image"].affine)


@pytest.mark.parametrize("still", own.STILL)
def test_what_moves_nothing_leaves_the_field_as_it_is(still):
    """Also where it gives back a plain tensor, without the affine."""
    fields = []
    for parts in ([_affine(2)], [_affine(2), still()]):
        views = Views(2, transform=Compose(parts))
        views.open([{"image": _image(2)}] * 2)
        fields.append(views.draw(np.random.default_rng(0), {})["ddf_ab"])
    known = fields[1] < UNKNOWN / 2
    assert known.float().mean() > 0.5
    torch.testing.assert_close(*(field[known] for field in fields), atol=1e-4, rtol=0)
