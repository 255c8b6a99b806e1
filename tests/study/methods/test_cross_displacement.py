"""ABD against the authors' code, and which patches change places."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.geometry.labels import IGNORED
from gemini_monai.networks import Gemini
from gemini_monai.objectives import Learner
from gemini_monai.study.methods import CrossDisplacement
from gemini_monai.study.methods.displacement import (
    displaced,
    displaced_labels,
    patch_certainty,
    patch_places,
)
from tests.study.methods.authors import Waves, images, labels


@pytest.mark.parametrize(
    ("progress", "displacement", "crossed"),
    [
        (0.0, 10.155113265270003, 0.0010897189997418567),
        (0.5, 10.155113265270003, 0.046336030945049886),
        (0.8, 0.0, 0.13241221063673117),
        (1.0, 0.0, 0.16172863928578882),
    ],
)
def test_the_values_are_those_of_the_authors_code(monkeypatch, progress, displacement, crossed):
    """``loss2``, ``loss3`` and ``loss4``, and their cross teaching, at the docstring's commit.

    The first labeled image is displaced, the second one is not.
    """
    objective = CrossDisplacement(weight=3.0)
    objective.other = Waves(phase=0.4)
    monkeypatch.setattr(objective, "view", lambda image: image**2)
    monkeypatch.setattr(objective, "chosen", lambda count: [True, False])
    batch = {
        "image": images(2, 12, 12, step=0.11),
        "label": labels(2, 12, 12, step=0.13),
        "unlabeled": images(2, 12, 12, step=0.17),
    }
    found = objective(Waves(), batch, progress=progress)
    assert found["second"].item() == pytest.approx(3 * 2.5931666688383737, rel=1e-12)
    assert found["displaced"].item() == pytest.approx(3 * displacement, rel=1e-12)
    assert found["crossed"].item() == pytest.approx(3 * crossed, rel=1e-12)


@given(st.lists(st.integers(1, 11), min_size=2, max_size=3))
def test_patches_are_of_one_size_and_do_not_overlap(shape):
    seen = torch.zeros(1, *shape)
    for place in patch_places(shape):
        seen[place] += 1
    assert seen.max() == 1
    sides = [axis // min(4, axis) for axis in shape]
    kept = [min(4, axis) * side for axis, side in zip(shape, sides, strict=True)]
    assert int(seen.sum()) == torch.Size(kept).numel()


def _logits(rows, *, patch=1):
    """Two classes on 4 x 4 patches; a row of 16 numbers is the first class's logit in each."""
    first = torch.tensor(rows).reshape(len(rows), 1, 4, 4)
    first = first.repeat_interleave(patch, dim=2).repeat_interleave(patch, dim=3)
    return torch.cat([first, torch.zeros_like(first)], dim=1)


def test_an_unsure_patch_becomes_the_sure_one_of_the_other_that_is_most_alike():
    mine, others = [1.0] * 16, [1.0] * 16
    mine[5], others[9] = 0.2, -0.1  # of which the two are least sure, one of either class
    mine[0], mine[1], mine[2], mine[3] = 3.0, -4.0, 5.0, 6.0
    others[12], others[13], others[14], others[15] = 3.0, -4.0, 5.0, 2.0
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    found = displaced((image, -image), (_logits([mine]), _logits([others])))
    first, second = image.clone(), -image
    first[0, 0, 1, 1] = -15.0  # patch 15, whose 2.0 is the closest to 0.2 of the other's four
    second[0, 0, 2, 1] = 0.0  # patch 0, whose 3.0 is closest to -0.1
    assert torch.equal(found, torch.cat([first, second]))


def test_a_sure_labeled_patch_becomes_the_unsure_one_of_the_other_with_its_label():
    mine, others = [1.0] * 16, [1.0] * 16
    mine[5], mine[7], others[9], others[11] = 0.2, 7.0, -0.1, -8.0
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    label = (10 * image).long()
    logits = _logits([mine]), _logits([others])
    found, known = displaced_labels((image, -image), label, logits, chosen=[True])
    first, second, own, other = image.clone(), -image, label.clone(), label.clone()
    first[0, 0, 1, 3], own[0, 0, 1, 3] = -9.0, 90
    second[0, 0, 2, 3], other[0, 0, 2, 3] = 5.0, 50
    assert torch.equal(found, torch.cat([first, second]))
    assert torch.equal(known, torch.cat([own, other]))
    found, known = displaced_labels((image, -image), label, logits, chosen=[False])
    assert torch.equal(found, torch.cat([image, -image]))
    assert torch.equal(known, torch.cat([label, label]))


def test_ignored_voxels_make_no_patch_sure_or_unsure():
    logits = _logits([[3.0] * 16], patch=2)
    logits[0, 0, :2, :2] = 0.0
    logits[0, 0, 2, 0] = 90.0
    label = torch.zeros(1, 1, 8, 8)
    label[0, 0, :2, :2] = IGNORED
    label[0, 0, 2, 0] = IGNORED
    found = patch_certainty(logits, label >= 0)[0]
    assert found[0].isnan()
    assert torch.allclose(found[1:], torch.tensor(3.0).sigmoid().expand(15))


def test_about_half_of_the_labeled_images_are_chosen():
    torch.manual_seed(0)
    assert 420 < sum(CrossDisplacement().chosen(1000)) < 580


@pytest.mark.parametrize("size", [(9, 14), (9, 8, 6)])
def test_both_learn_and_their_deformers_do_not(size):
    network = Gemini(len(size), 1, 3, channels=(4, 8))
    learner = Learner(network, {"abd": CrossDisplacement()})
    batch = {name: torch.rand(2, 1, *size) for name in ("image", "unlabeled")}
    batch["label"] = torch.randint(3, (2, 1, *size))
    sum(learner(["abd"], batch, progress=0.5).values()).backward()
    reached = {name for name, p in learner.named_parameters() if p.grad is not None}
    assert reached == {name for name, _ in learner.named_parameters() if "deformer" not in name}
