"""What is known of a scan from its image alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.choosing.describing import FEATURES, described, description_of
from gemini_monai.choosing.features import (
    DenseFeatures,
    histogram,
    random_backbone,
    thumbnail,
)
from gemini_monai.data import read_cohort


@pytest.mark.parametrize(("side", "axes", "cells"), [(32, 2, 16), (16, 3, 8)])
def test_a_thumbnail_has_the_means_of_its_cells(side, axes, cells):
    image = torch.rand(1, 1, *[side] * axes)
    found = thumbnail(image).reshape([cells] * axes)
    first = image[(0, 0, *[slice(0, side // cells)] * axes)]
    assert found[(0,) * axes] == pytest.approx(float(first.mean()), abs=1e-6)


def test_a_histogram_says_which_share_of_voxels_is_up_to_an_intensity():
    image = torch.tensor([0.0, 0.0, 0.5, 1.0]).reshape(1, 1, 2, 2)
    found = histogram(image)
    assert found[[0, 31, 32, 62, 63]].tolist() == [0.5, 0.5, 0.75, 0.75, 1.0]
    assert (np.diff(found) >= 0).all()


def test_a_histogram_does_not_see_where_things_are_and_a_thumbnail_does():
    image = torch.rand(1, 1, 32, 32)
    np.testing.assert_allclose(histogram(image.flip(2)), histogram(image))
    assert not np.allclose(thumbnail(image.flip(2)), thumbnail(image))


def test_dense_features_are_means_and_spreads_of_parts():
    found = DenseFeatures(torch.nn.Identity())(torch.ones(1, 2, 8, 8))
    assert found.tolist() == [1.0] * 32 + [0.0] * 32


@pytest.mark.parametrize("axes", [2, 3])
def test_random_weights_are_the_same_every_time_and_leave_the_callers_draws_alone(axes):
    state = torch.random.get_rng_state()
    first, second = (random_backbone(axes, 1) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    image = torch.rand(1, 1, *[8] * axes)
    assert torch.equal(first.eval()(image), second.eval()(image))


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("phantom", ["tiny_phantom", "tiny_phantom_3d"])
def test_scans_are_described_whatever_their_axes(features, phantom, request, capsys):
    cohort = read_cohort(request.getfixturevalue(phantom))
    found = described(cohort.unlabeled, description_of(cohort, features))
    assert found.shape[0] == len(cohort.unlabeled)
    assert np.isfinite(found).all()
    assert np.ptp(found, axis=0).max() > 0


def test_kinds_of_features_weigh_the_same(tiny_phantom):
    cohort = read_cohort(tiny_phantom)
    together = description_of(cohort, "combined")
    found = described(cohort.unlabeled, together)
    alone = [
        described(cohort.unlabeled, together._replace(kinds=(kind,))) for kind in together.kinds
    ]
    assert [float((own**2).sum(axis=1).mean()) for own in alone] == pytest.approx([1, 1, 1])
    assert float((found**2).sum(axis=1).mean()) == pytest.approx(3)


def test_labels_are_not_opened(tiny_phantom):
    cohort = read_cohort(tiny_phantom)
    entries = [{**entry, "label": "/none/such.nii"} for entry in cohort.unlabeled]
    assert len(described(entries, description_of(cohort, "thumbnail"))) == len(entries)


def test_an_unknown_kind_is_refused(tiny_phantom):
    with pytest.raises(InputError, match="--features: expected one of thumbnail, .*, got 'x'"):
        description_of(read_cohort(tiny_phantom), "x")


def test_weights_are_for_features_of_a_network(tiny_phantom):
    with pytest.raises(InputError, match="--pretrained is for --features network"):
        description_of(read_cohort(tiny_phantom), "histogram", pretrained="x.pt")


def test_weights_of_a_file_are_used(tiny_phantom, tmp_path, capsys):
    cohort = read_cohort(tiny_phantom)
    weights = tmp_path / "backbone.pt"
    torch.save(random_backbone(2, 1, seed=7).state_dict(), weights)
    found = described(cohort.unlabeled, description_of(cohort, "network", pretrained=weights))
    fresh = described(cohort.unlabeled, description_of(cohort, "network"))
    assert not np.allclose(found, fresh)


def test_a_scan_that_cannot_be_read_is_named(tiny_phantom, tmp_path):
    cohort = read_cohort(tiny_phantom)
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"nothing")
    with pytest.raises(InputError, match="broken.nii.gz"):
        described([{"case": "b", "image": broken}], description_of(cohort, "thumbnail"))


def test_a_run_that_sees_other_images_is_refused(tiny_phantom_3d):
    cohort = read_cohort(tiny_phantom_3d)
    with pytest.raises(InputError, match="sees 2-D images of 1 channel.*are 3-D of 1"):
        description_of(replace(cohort), "network", pretrained="models/chest_xray")
