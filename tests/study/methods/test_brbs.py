"""BRBS against the authors' code, and what of the network each part trains."""

from __future__ import annotations

import pytest
import torch

from gemini_monai.objectives import Learner
from gemini_monai.study.methods import SampledSegmentation, SegmentedRegistration
from tests.study.methods.authors import Waves, images, labels


@pytest.fixture
def volumes():
    return {
        "image": images(2, 6, 7, 5, step=0.11),
        "label": labels(2, 6, 7, 5, step=0.13),
        "partner": images(2, 6, 7, 5, step=0.17),
    }


THEIRS = [
    {"smoothness": 3.4151485221141558, "anatomy": 1.3596978268262312, "inverse": 1.624268891433832},
    {"smoothness": 3.4401586647763764, "anatomy": 1.385247622693802, "inverse": 1.6166499599940871},
    {"smoothness": 3.3768401833629484, "anatomy": 1.102294794609145, "inverse": 1.4911807273019426},
]
"""Mean over both labeled images of what ``train_iterator`` gives, at the docstring's commit; each
has the other's first unlabeled image as its second. Warped by our ``warp``, as theirs moves
corners."""


@pytest.mark.parametrize("kind", range(3))
def test_every_pair_is_registered_as_in_the_authors_code(volumes, monkeypatch, kind):
    objective = SegmentedRegistration(anatomy=2.0, inverse=3.0, smoothness=4.0)
    monkeypatch.setattr(objective, "kind", lambda: kind)
    found = objective(Waves(dims=3, gain=1.0), volumes)
    for name, weight, digits in (("smoothness", 4, 12), ("anatomy", 2, 7), ("inverse", 3, 12)):
        expected = pytest.approx(weight * THEIRS[kind][name], rel=10**-digits)
        assert found[name].item() == expected, name


def test_samples_and_mixup_are_those_of_the_authors_code(volumes, monkeypatch):
    """``loss_seg`` and ``loss_mix`` with shares of 0.6 of the way, 0.3 of the looks, 0.8 mixed."""
    objective = SampledSegmentation(weight=5.0, mixup=0.2)
    shares = iter([0.6, 0.3, 0.8])
    monkeypatch.setattr(
        objective, "drawn", lambda image: image.new_full((2, 1, 1, 1, 1), next(shares))
    )
    found = objective(Waves(dims=3, gain=1.0), volumes)
    assert found["sampled"].item() == pytest.approx(5 * 0.680812144992174, rel=1e-12)
    assert found["mixup"].item() == pytest.approx(1.2743629883697047, rel=1e-12)


def test_the_kinds_of_pairs_are_as_frequent_as_one_another():
    torch.manual_seed(0)
    kinds = torch.tensor([SegmentedRegistration().kind() for _ in range(900)])
    assert kinds.bincount().tolist() == pytest.approx([300] * 3, abs=60)


def test_the_segmenter_is_not_trained_by_the_registration(network, batch):
    found = SegmentedRegistration()(network, batch)
    found["anatomy"].backward()
    assert all(own.grad is None for own in network.head.parameters())
    assert any(own.grad is not None for own in network.deformer.parameters())


def test_shares_are_of_a_beta_distribution_and_each_image_has_its_own():
    torch.manual_seed(0)
    shares = SampledSegmentation(spread=0.3).drawn(torch.rand(4000, 1, 1, 1)).flatten()
    assert len(shares.unique()) > 3900
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.03)
    # the variance of Beta(a, a) is 1 / (4 (2 a + 1))
    assert float(shares.var()) == pytest.approx(1 / 6.4, abs=0.01)


def test_the_field_is_not_trained_by_the_segmentation(network, batch):
    learner = Learner(network, {"sampled": SampledSegmentation()})
    sum(learner(["sampled"], batch).values()).backward()
    assert all(own.grad is None for own in network.deformer.parameters())
    assert all(own.grad is not None for own in network.head.parameters())
