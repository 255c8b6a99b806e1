"""Scans compared once one is registered onto the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gemini_monai.choosing import choose, registered
from gemini_monai.choosing.features import picture, pictures_of
from gemini_monai.choosing.registered import correlation_registered, registered_distances
from gemini_monai.geometry.warp import warp
from gemini_monai.losses import VisualSimilarityLoss


def blobs(count, *, axes, side, seed=0):
    """Smooth pictures, no two alike, (n, 1, *S)."""
    noise = torch.rand(count, 1, *[side] * axes, generator=torch.Generator().manual_seed(seed))
    pool = torch.nn.functional.avg_pool2d if axes == 2 else torch.nn.functional.avg_pool3d
    width = 5 if axes == 2 else 3
    smooth = pool(noise, width, stride=1, padding=width // 2)
    return (smooth - smooth.amin()) / (smooth.amax() - smooth.amin())


@pytest.mark.parametrize(("axes", "side"), [(2, 20), (3, 9)])
def test_a_scan_and_itself_are_alike(axes, side):
    images = blobs(2, axes=axes, side=side)
    np.testing.assert_allclose(correlation_registered(images, images), 1, atol=0.03)


@pytest.mark.parametrize(("axes", "side"), [(2, 20), (3, 9)])
def test_a_shifted_copy_is_found_and_another_scan_is_not(axes, side):
    fixed, other = blobs(2, axes=axes, side=side).split(1)
    moving = warp(fixed, torch.full((1, axes, *[side] * axes), 0.8))
    visual = VisualSimilarityLoss(registered.WINDOW)
    before = float(visual.local_correlation(moving, fixed).mean())
    shifted = float(correlation_registered(moving, fixed))
    assert shifted > before + 0.1
    assert shifted > float(correlation_registered(other, fixed)) + 0.02


def test_pairs_that_look_least_alike_are_left_at_the_largest_distance(monkeypatch):
    monkeypatch.setattr(registered, "NEAREST", 2)
    images = blobs(5, axes=2, side=20).numpy()
    found = registered_distances(images)
    assert (np.diag(found) == 0).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert ((found < 1).sum(axis=1) == 3).all()  # itself and two more
    flat = images.reshape(5, -1)
    far = [int(np.linalg.norm(flat - own, axis=1).argmax()) for own in flat]
    assert all(found[row, column] == 1 for row, column in enumerate(far))


def test_pairs_hardly_depend_on_what_is_registered_beside_them(monkeypatch):
    images = blobs(4, axes=2, side=20).numpy()
    whole = registered_distances(images)
    monkeypatch.setattr(registered, "TOGETHER", 1)
    np.testing.assert_allclose(registered_distances(images), whole, atol=0.01)


@pytest.mark.parametrize(("axes", "side"), [(2, 20), (3, 9)])
def test_pictures_are_what_their_vectors_were_of(axes, side):
    image = torch.rand(1, 2, *[side] * axes)
    vectors = picture(image)[None]
    np.testing.assert_array_equal(pictures_of(vectors, spatial_dims=axes, channels=2), image)


@pytest.mark.parametrize("strategy", ["k_medoids", "typical", "k_center"])
def test_a_choice_by_registration_is_the_same_every_time(tiny_phantom, strategy):
    first, second = (
        choose(tiny_phantom.parent, 1, strategy=strategy, features="registered") for _ in range(2)
    )
    assert first.cases == second.cases
    assert first.settings["features"] == "registered"
    np.testing.assert_array_equal(first.between, second.between)
