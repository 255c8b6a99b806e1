"""CPS: against the authors' code, and who learns from whom."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner, SegmentationObjective
from gemini_monai.study.methods import CrossPseudoSupervision
from gemini_monai.study.methods.boxes import random_box, toggled_boxes
from tests.study.methods.authors import Waves, images, labels


@pytest.fixture
def network():
    return Gemini(2, 1, 3, channels=(4, 8)).double()


def _batch():
    label = torch.randint(3, (2, 1, 8, 8))
    image, unlabeled = torch.rand(2, 1, 8, 8).double(), torch.rand(3, 1, 8, 8).double()
    return {"image": image, "label": label, "unlabeled": unlabeled}


def test_the_value_is_that_of_the_authors_code(monkeypatch):
    """The lines of their training up to ``cps_loss``, at the docstring's commit."""
    objective = CrossPseudoSupervision(weight=2.0, supervised=10.0)
    monkeypatch.setattr(objective, "other", Waves(phase=0.4), raising=False)
    inside = torch.zeros(3, 1, 12, 12, dtype=torch.bool)
    inside[..., 1:5, 2:9] = True
    inside[..., 3:8, 1:4] = ~inside[..., 3:8, 1:4]
    monkeypatch.setattr(objective, "boxes", lambda image: inside)
    batch = {"image": images(2, 12, 12, step=0.11), "label": labels(2, 12, 12, step=0.13)}
    found = objective(Waves(), batch | {"unlabeled": images(3, 12, 12, step=0.17)})
    assert found["cross_pseudo"].item() == pytest.approx(2 * 1.0791257505696676, rel=1e-12)
    own = SegmentationObjective(weight=10.0)(objective.other, batch)
    assert found["second_dice"].item() == pytest.approx(own["dice"].item())
    assert found["second_cross_entropy"].item() == pytest.approx(own["cross_entropy"].item())


@pytest.mark.parametrize(("size", "count"), [((40, 30), 1), ((20, 16, 24), 3)])
def test_boxes_lie_inside_and_toggle(monkeypatch, size, count):
    places = []

    def kept(shape, shares):
        sides = [share * count ** (1 / len(size)) for share in shares]
        assert all(0.25 <= side <= 0.5 for side in sides)
        places.append(tuple(slice(k, k + axis // 2) for k, axis in enumerate(shape)))
        return places[-1]

    monkeypatch.setattr("gemini_monai.study.methods.boxes.random_box", kept)
    inside = toggled_boxes(torch.rand(2, 1, *size), count=count, least=0.25, most=0.5)
    assert len(places) == 2 * count
    # the same box over and over: seen where it is the first, the third, ...
    expected = torch.zeros(size, dtype=torch.bool)
    expected[places[0]] = count % 2 == 1
    assert torch.equal(inside[0, 0], expected)
    assert torch.equal(inside[1, 0], expected)


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1)), min_size=2, max_size=3))
def test_a_box_has_its_share_of_each_side_and_lies_inside(axes):
    sides, shares = zip(*axes, strict=True)
    for place, side, share in zip(random_box(sides, shares), sides, shares, strict=True):
        assert place.stop - place.start == max(1, round(share * side))
        assert 0 <= place.start < place.stop <= side


def test_each_image_has_boxes_of_its_own():
    inside = CrossPseudoSupervision().boxes(torch.rand(4, 1, 32, 32))
    assert len({tuple(own.flatten().tolist()) for own in inside}) == 4


def test_the_second_network_starts_from_other_weights(network):
    objective = CrossPseudoSupervision()
    objective.bind(network)
    pairs = zip(network.state_dict().items(), objective.other.state_dict().values(), strict=True)
    same = [name for (name, own), other in pairs if torch.equal(own, other)]
    assert not [name for name in same if "conv" in name and name.endswith("weight")]


def test_both_learn_and_their_deformers_do_not(network):
    learner = Learner(network, {"crossed": CrossPseudoSupervision()})
    terms = learner(["crossed"], _batch())
    sum(terms.values()).backward()
    reached = {name for name, p in learner.named_parameters() if p.grad is not None}
    expected = {name for name, _ in learner.named_parameters() if "deformer" not in name}
    assert reached == expected
