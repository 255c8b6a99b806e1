"""A field that is bettered for one pair finds a known displacement, and leaves a good one alone."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from gemini_monai.geometry.warp import inverse, warp
from gemini_monai.inference.refinement import refine, resized
from gemini_monai.metrics import folding_percent


def _texture(shape):
    torch.manual_seed(0)
    coarse = torch.rand(1, 1, *[axis // 4 for axis in shape])
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    return F.interpolate(coarse, shape, mode=mode, align_corners=True)


def _hill(shape, *, height):
    axes = [torch.linspace(0, torch.pi, size).sin() for size in shape]
    hill = torch.stack(torch.meshgrid(*axes, indexing="ij")).prod(dim=0)
    return height * torch.stack([hill, -hill, hill][: len(shape)])[None]


@pytest.mark.parametrize("shape", [(48, 56), (24, 24, 20)])
def test_a_known_displacement_is_found(shape):
    truth = _hill(shape, height=4.0)
    moving = _texture(shape)
    fixed = warp(moving, truth)
    inside = (..., *[slice(6, -6)] * len(shape))
    start = torch.zeros_like(truth)
    found = refine(start, moving, fixed, iterations=20)
    before, after = ((own - truth)[inside].norm(dim=1).mean() for own in (start, found))
    assert float(after) < 0.35 * float(before)
    assert float(folding_percent(found)) == 0
    better = F.mse_loss(warp(moving, found)[inside], fixed[inside])
    assert float(better) < 0.2 * float(F.mse_loss(moving[inside], fixed[inside]))


def test_it_goes_on_from_the_field_that_it_is_given():
    truth = _hill((48, 56), height=4.0)
    moving = _texture((48, 56))
    fixed = warp(moving, truth)
    off = truth + _hill((48, 56), height=1.0)
    found = refine(off, moving, fixed, iterations=10)
    assert float((found - truth).abs().mean()) < 0.5 * float((off - truth).abs().mean())
    assert refine(off, moving, fixed, iterations=0) is off
    assert not found.requires_grad


def test_features_say_what_cannot_be_seen():
    """Images that are flat, and features that are the truth's texture."""
    truth = _hill((48, 56), height=4.0)
    texture = _texture((48, 56))
    seen = texture, warp(texture, truth)
    pair = (torch.cat([own, own.square(), 1 - own], dim=1) for own in seen)
    flat = torch.full_like(texture, 0.5)
    inside = (..., slice(6, -6), slice(6, -6))
    found = refine(truth * 0, flat, flat, iterations=20, features=tuple(pair), semantic=20.0)
    blind = refine(truth * 0, flat, flat, iterations=20)
    errors = [float((own - truth)[inside].abs().mean()) for own in (found, blind)]
    assert errors[0] < 0.5 * float(truth[inside].abs().mean())
    assert errors[0] < 0.5 * errors[1]


def test_it_learns_where_gradients_are_off():
    moving = _texture((16, 16))
    with torch.no_grad():
        found = refine(torch.zeros(1, 2, 16, 16), moving, moving.roll(1, dims=2), iterations=2)
    assert float(found.abs().max()) > 0


def test_a_field_on_another_grid_moves_the_same_way():
    linear = torch.linspace(0, 6, 13).expand(9, 13)
    ddf = torch.stack([linear * 0 + 4, linear])[None]  # voxels: 4 down, 0 to 6 to the right
    found = resized(ddf, [5, 7])
    torch.testing.assert_close(found[0, 0], torch.full((5, 7), 2.0))
    torch.testing.assert_close(found[0, 1], torch.linspace(0, 3, 7).expand(5, 7))
    torch.testing.assert_close(resized(found, [9, 13]), ddf)


def test_the_way_back_of_what_was_found_leads_back():
    moving = _texture((40, 40))
    fixed = warp(moving, _hill((40, 40), height=3.0))
    found = refine(torch.zeros(1, 2, 40, 40), moving, fixed, iterations=10)
    again = warp(warp(moving, found), inverse(found))[..., 6:-6, 6:-6]
    assert float(F.l1_loss(again, moving[..., 6:-6, 6:-6])) < 0.02
