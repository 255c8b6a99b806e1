"""Where a pair meets, in closed form: a network that says nothing leaves the start alone."""

from __future__ import annotations

import itertools

import itk
import nibabel as nib
import numpy as np
import pytest
import torch
from monai.transforms import ResizeWithPadOrCrop

from gemini_monai.base.errors import InputError
from gemini_monai.images import write_field
from gemini_monai.inference import register_files
from gemini_monai.transforms import InputSpec, preprocessing
from tests.data.prepare.made import save
from tests.inference.networks import Shift

INTENSITY = {"kind": "percentile", "lower": 0.5, "upper": 99.5}
SHAPE = (14, 12, 18)
PART = 11
"""Slices of the part, from the first on."""


def smooth(shape=SHAPE, *, seed=0):
    """A smooth image, (*shape), above 0 everywhere."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 1, *[4] * len(shape), generator=random)
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    fine = torch.nn.functional.interpolate(coarse, size=shape, mode=mode, align_corners=True)
    return (100 + 800 * fine[0, 0]).numpy().astype(np.float32)


def grid(name, axes):
    """The affine (4, 4) of a grid of that kind."""
    steps = np.diag([1.0, 1.0, 1.0])
    if name == "anisotropic":
        steps = np.diag([0.8, 1.5, 2.5])
    if name == "mirrored":
        steps = np.diag([-1.0, 1.2, -2.0] if axes == 3 else [-1.0, 1.2, 1.0])
    if name == "oblique":
        turns = [np.eye(3), np.eye(3)]
        cos, sin = np.cos(0.4), np.sin(0.4)
        turns[0][:2, :2] = [[cos, -sin], [sin, cos]]
        if axes == 3:
            turns[1][1:, 1:] = [[cos, -sin], [sin, cos]]
        steps = turns[0] @ turns[1] @ np.diag([1.0, 1.3, 1.7])
    affine = np.eye(4)
    affine[:3, :3] = steps
    affine[:axes, 3] = (-31.0, 17.0, 220.0)[:axes]
    return affine


def spec(kind, axes, *, size=12, **options):
    """How a run of that kind sees images."""
    spacing = {"spacing": [1.5] * axes, "orientation": "RAS" if axes == 3 else None}
    known = {"spaced": spacing, "resized": {}, "slices": spacing | {"slices": True}}
    known["foreground"] = spacing | {"foreground": True}
    base = {"spatial_dims": axes, "in_channels": 1, "intensity": INTENSITY}
    return InputSpec(**base | {"spatial_size": [size] * axes} | known[kind] | options)


class Still(Shift):
    """Says nothing, and remembers what it saw."""

    def correspond(self, image_a, image_b=None):
        self.seen = image_a, image_b
        return super().correspond(image_a, image_b)


@pytest.fixture
def pair(tmp_path):
    """Call to write an image and its first slices, on a grid; both paths."""

    def made(kind="plain", axes=3):
        values = smooth(SHAPE[-axes:])
        for name, array in (("whole", values), ("part", values[..., :PART])):
            save(tmp_path / f"{name}.nii.gz", array, affine=grid(kind, axes))
        return tmp_path / "whole.nii.gz", tmp_path / "part.nii.gz"

    return made


def _registered(moving, fixed, kind, axes, *, network=None, **options):
    flat = 2 if kind == "slices" else axes
    network = network or Still(*[0] * flat)
    return register_files(network, moving, fixed, spec=spec(kind, axes), **options)


def _is_everywhere(displacement, expected, *, atol=1e-6):
    wanted = torch.as_tensor(np.asarray(expected, dtype=float)).view(-1, *[1] * len(expected))
    torch.testing.assert_close(displacement, wanted.expand_as(displacement), atol=atol, rtol=0)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("kind", "axes", "grids"),
    [
        *itertools.product(("spaced", "resized"), (3,), ("anisotropic", "oblique", "mirrored")),
        *itertools.product(("spaced", "resized"), (2,), ("oblique", "mirrored")),
        ("slices", 3, "anisotropic"),
        ("foreground", 3, "oblique"),
    ],
)
def test_in_the_world_a_part_lies_in_its_whole_and_centers_are_apart(
    pair, kind, axes, grids, order
):
    moving, fixed = pair(grids, axes)[::order]
    for start in ("auto", "world"):
        found = _registered(moving, fixed, kind, axes, start=start)
        assert (found.start.kind, found.start.distance) == ("world", 0)
        assert not found.displacement.any()  # exactly 0 mm
        assert not found.inverse().any()
        assert found.start.overlap.share == 1
    offset = grid(grids, axes)[:axes, axes - 1] * (SHAPE[-1] - PART) / 2 * order
    found = _registered(moving, fixed, kind, axes, start="center")
    _is_everywhere(found.displacement, offset)
    _is_everywhere(found.inverse(), -offset)
    assert found.start.distance == pytest.approx(np.linalg.norm(offset))


@pytest.mark.parametrize("grids", ["anisotropic", "oblique", "mirrored"])
@pytest.mark.parametrize("axes", [2, 3])
def test_masses_meet_where_the_moments_of_itk_do(pair, axes, grids):
    files = pair(grids, axes)
    centers = []
    for file in files:
        image = itk.imread(str(file), itk.F)
        moments = itk.ImageMomentsCalculator[type(image)].New(Image=image)
        moments.Compute()
        lps = np.asarray(list(moments.GetCenterOfGravity()))
        centers.append(lps * [-1, -1, 1][:axes])
    found = _registered(*files, "spaced", axes, start="mass")
    _is_everywhere(found.displacement, centers[0] - centers[1], atol=1e-3)


def test_masses_of_images_below_zero_count_from_the_least_value(tmp_path):
    """CT: a block of water in air, which moments of the values themselves would place elsewhere."""
    for name, first in (("a", 2), ("b", 5)):
        values = np.full(SHAPE, -1000, np.float32)
        values[first : first + 4, 3:7, 6:10] = 0
        save(tmp_path / f"{name}.nii.gz", values, affine=np.diag([2.0, 1, 1, 1]))
    files = tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"
    _is_everywhere(_registered(*files, "spaced", 3, start="mass").displacement, [-6, 0, 0])


def test_a_field_of_the_network_comes_on_top_of_the_start(pair):
    moving, fixed = pair("oblique")
    found = _registered(moving, fixed, "spaced", 3, network=Still(0, 1, 0), start="center")
    offset = grid("oblique", 3)[:3, 2] * (SHAPE[-1] - PART) / 2
    axes = nib.orientations.io_orientation(grid("oblique", 3))[:, 0]
    step = grid("oblique", 3)[:3, :3][:, list(axes).index(1)]
    _is_everywhere(found.displacement, offset + 1.5 * step / np.linalg.norm(step), atol=1e-4)
    _is_everywhere(found.inverse(), -offset - 1.5 * step / np.linalg.norm(step), atol=1e-4)


@pytest.mark.parametrize("kind", ["spaced", "resized"])
def test_scans_far_apart_are_told_and_meet_center_to_center(tmp_path, pair, kind):
    whole, _ = pair("plain")
    away = grid("plain", 3)
    away[2, 3] += 990
    save(tmp_path / "far.nii.gz", smooth(), affine=away)
    for moving, fixed, offset in (
        (whole, tmp_path / "far.nii.gz", -990),
        (tmp_path / "far.nii.gz", whole, 990),
    ):
        found = _registered(moving, fixed, kind, 3)
        _is_everywhere(found.displacement, [0, 0, offset])
        line = found.start.told(moving, fixed)
        assert line.startswith(f"{moving} -> {fixed}: start center, moved by 990.00 mm")
        assert "do not overlap in the world: 972.0 mm lie between them, 990.0 mm between" in line
        with pytest.raises(InputError, match=r"--start world: .* 972\.0 mm .*; use --start center"):
            _registered(moving, fixed, kind, 3, start="world")
        found = _registered(moving, fixed, kind, 3, refinement=1)
        assert float((found.displacement[2] - offset).abs().max()) < 20


def test_a_smaller_part_in_common_is_not_enough_for_the_world(tmp_path, pair):
    whole, _ = pair("plain")
    for shift, expected in ((7, "world"), (11, "center")):  # of 18 slices
        aside = grid("plain", 3)
        aside[2, 3] += shift
        save(tmp_path / "aside.nii.gz", smooth(), affine=aside)
        for files in itertools.permutations((whole, tmp_path / "aside.nii.gz")):
            found = _registered(*files, "spaced", 3)
            assert found.start.kind == expected
            assert found.start.overlap.share == pytest.approx(1 - shift / 18, abs=0.03)


@pytest.mark.parametrize("shapes", [((24, 20), (24, 20)), ((48, 20), (24, 30))])
def test_pictures_say_nothing_and_are_laid_over_one_another(tmp_path, shapes):
    for name, shape in zip("ab", shapes, strict=True):
        save(tmp_path / f"{name}.png", smooth(shape).astype(np.uint8))
    found = _registered(tmp_path / "a.png", tmp_path / "b.png", "resized", 2)
    assert found.start.kind == "center"
    assert "headers do not say where the images lie" in found.start.told("a", "b")
    corners = [
        (np.asarray(end) + (-0.5 if end == (0, 0) else 0.5)).tolist()
        for end in ((0, 0), tuple(n - 1 for n in shapes[1]))
    ]
    wanted = [[-0.5, -0.5], [n - 0.5 for n in shapes[0]]]
    for corner, goal in zip(corners, wanted, strict=True):
        moved = found.start.transform @ [*corner, 1]
        np.testing.assert_allclose(moved[:2], goal, atol=1e-9)
    if shapes[0] == shapes[1]:
        assert not found.displacement.any()


def test_nifti_without_codes_says_nothing(tmp_path, pair):
    whole, part = pair("plain")
    nib.save(nib.Nifti1Image(smooth(), None), tmp_path / "bare.nii.gz")
    found = _registered(tmp_path / "bare.nii.gz", part, "spaced", 3)
    assert (found.start.kind, found.start.overlap) == ("center", None)
    assert (
        _registered(tmp_path / "bare.nii.gz", part, "spaced", 3, start="world").start.distance == 0
    )
    assert _registered(whole, part, "spaced", 3).start.overlap is not None


@pytest.mark.parametrize("size", [8, 12, 16, 24])
@pytest.mark.parametrize("kind", ["spaced", "resized"])
def test_of_one_grid_the_network_sees_what_training_showed_it(tmp_path, kind, size):
    for k in range(2):
        save(tmp_path / f"{k}.nii.gz", smooth(seed=k), affine=grid("anisotropic", 3))
    files = [tmp_path / f"{k}.nii.gz" for k in range(2)]
    how = spec(kind, 3, size=size)
    network = Still(0, 0, 0)
    register_files(network, *files, spec=how)
    shown = preprocessing(how, keys=["image"], fit=True)
    for file, seen in zip(files, network.seen, strict=True):
        assert torch.equal(seen[0], shown({"image": str(file)})["image"].as_tensor())


def test_centered_by_whole_voxels_it_sees_what_training_showed_it(pair):
    moving = pair("plain")[0]
    fixed = moving.parent / "middle.nii.gz"
    save(fixed, smooth()[..., 3:15], affine=np.eye(4))  # of 18 slices of 1 mm, elsewhere
    how = spec("spaced", 3, size=10, spacing=[1.0] * 3)
    network = Still(0, 0, 0)
    register_files(network, moving, fixed, spec=how, start="center")
    shown = preprocessing(how, keys=["image"], fit=True)
    expected = shown({"image": str(moving)})["image"].as_tensor()
    torch.testing.assert_close(network.seen[0][0], expected, atol=1e-6, rtol=0)


def test_without_a_spacing_both_are_seen_as_fine(tmp_path):
    """Of noise: the part fills the network's grid voxel by voxel, and the whole twice as much."""
    noise = np.random.default_rng(0).uniform(0, 1000, (8, 8, 32)).astype(np.float32)
    for name, array in (("whole", noise), ("part", noise[..., :16])):
        save(tmp_path / f"{name}.nii.gz", array, affine=grid("anisotropic", 3))
    window = {"kind": "range", "lower": 0, "upper": 1000}
    how = spec("resized", 3, spatial_size=[8, 8, 16], intensity=window)
    network = Still(0, 0, 0)
    register_files(network, tmp_path / "whole.nii.gz", tmp_path / "part.nii.gz", spec=how)
    torch.testing.assert_close(*network.seen, atol=1e-6, rtol=0)
    register_files(network, tmp_path / "part.nii.gz", tmp_path / "whole.nii.gz", spec=how)
    halves = network.seen[0][..., :8], network.seen[1][..., :8]
    assert torch.corrcoef(torch.stack([half.flatten() for half in halves]))[0, 1] > 0.95
    assert not network.seen[0][..., 9:].any()


def test_the_window_lies_where_both_images_are(pair):
    moving, fixed = pair("plain")
    how = spec("spaced", 3, size=10, spacing=[1.0] * 3)
    for files in itertools.permutations((moving, fixed)):
        network = Still(0, 0, 0)
        register_files(network, *files, spec=how)
        seen = network.seen
        assert (seen[0] > 0).float().mean() > 0.95
        assert (seen[1] > 0).float().mean() > 0.95
        whole = preprocessing(how, keys=["image"])({"image": str(moving)})["image"].as_tensor()
        size = [*[10] * 2, 18]
        middle = ResizeWithPadOrCrop(size)(whole)[..., :10]  # the part's middle ten of eleven
        assert torch.equal(seen[files.index(moving)][0], middle)


def test_what_itk_warps_by_the_written_field_is_what_we_say(tmp_path, pair):
    moving, fixed = pair("oblique")
    found = _registered(moving, fixed, "spaced", 3, start="center")
    write_field(tmp_path / "field.nii.gz", found.displacement, affine=found.fixed.affine)
    field = itk.imread(str(tmp_path / "field.nii.gz"), itk.Vector[itk.F, 3])
    theirs = itk.warp_image_filter(
        itk.imread(str(moving), itk.F),
        displacement_field=field,
        output_spacing=field.GetSpacing(),
        output_origin=field.GetOrigin(),
        output_direction=field.GetDirection(),
    )
    theirs = itk.array_from_image(theirs).T
    inside = np.s_[1:-1, 1:-1, 1:-1]
    np.testing.assert_allclose(found.warped[0].numpy()[inside], theirs[inside], atol=0.5)


def test_one_start_is_named(pair):
    both = pair("plain")
    with pytest.raises(InputError, match="--affine itk and --start world: an affine is a start"):
        _registered(*both, "spaced", 3, start="world", affine="itk")


@pytest.mark.parametrize(("order", "asked"), [(1, {"affine": "itk"}), (-1, {"start": "affine"})])
def test_an_affine_of_a_part_and_its_whole_begins_in_the_world(pair, order, asked):
    found = _registered(*pair("plain")[::order], "spaced", 3, **asked)
    assert found.start.kind == "affine"
    assert float(found.displacement.abs().max()) < 0.3  # mm
    assert float(found.inverse().abs().max()) < 0.3


def test_a_slice_on_edge_is_named(tmp_path):
    coronal = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    save(tmp_path / "a.nii.gz", smooth((12, 10))[..., None], affine=coronal)
    with pytest.raises(InputError, match=r"a\.nii\.gz: a slice that stands on edge"):
        _registered(tmp_path / "a.nii.gz", tmp_path / "a.nii.gz", "spaced", 2)
