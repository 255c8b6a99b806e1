"""Copy-paste: what is pasted where, what it costs, and who labels."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gemini_monai.geometry.labels import IGNORED, target_of
from gemini_monai.networks import Gemini
from gemini_monai.objectives import CopyPasteObjective
from gemini_monai.objectives.pasted_loss import PastedLoss

SIZE = 12


class _Seen(Gemini):
    """A network that remembers its images."""

    def forward(self, image):
        self.seen = image
        return super().forward(image)


def _network(classes=3):
    torch.manual_seed(0)
    return _Seen(2, 1, classes, channels=(4, 8))


def _bound(network, **options):
    objective = CopyPasteObjective(**options)
    objective.bind(network)
    return objective


def _batch(labeled=2, unlabeled=2, classes=3):
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(labeled, 1, SIZE, SIZE, generator=generator)
    label = torch.randint(0, classes, (labeled, 1, SIZE, SIZE), generator=generator)
    plain = 2 + torch.rand(unlabeled, 1, SIZE, SIZE, generator=generator)
    return {"image": image, "label": label, "plain": plain, "changed": plain + 2}


def _expected(logits, index, part):
    """Dice and cross-entropy of a part of some images, written from their equations."""
    probability, classes = logits.softmax(1), logits.shape[1]
    dice = []
    for k in range(classes):
        p = torch.cat([own[k][part] for own in probability])
        truth = torch.cat([(own == k)[part] for own in index]).double()
        dice.append(1 - 2 * (p * truth).sum() / (p.square().sum() + truth.sum()))
    likely = torch.cat(
        [p.gather(0, own[None])[0][part] for p, own in zip(probability, index, strict=True)]
    )
    return sum(dice) / classes, -likely.log().mean()


def test_the_first_stage_pastes_labeled_images_into_labeled_ones():
    network, batch = _network(), _batch()
    objective = _bound(network, first=0.5)
    torch.manual_seed(3)
    objective(network, batch, progress=0.49)
    torch.manual_seed(3)
    box = objective.box(batch["image"][:1])
    assert torch.equal(network.seen, torch.where(box, batch["image"][1:], batch["image"][:1]))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_way_costs_what_the_equations_say(count):
    network = _network().double()
    batch = {k: v.double() if k != "label" else v for k, v in _batch(count, count).items()}
    objective = _bound(network, first=0.0, weight=7.0, unlabeled=0.25)
    half = (count + 1) // 2
    torch.manual_seed(3)
    terms = objective(network, batch, progress=0.0)
    torch.manual_seed(3)
    box = objective.box(batch["image"][:1])[0, 0]
    label, found = batch["label"][:, 0], objective.teacher(batch["plain"]).argmax(1)
    first, last = slice(half), slice(count - half, None)
    seen = torch.cat(
        [
            torch.where(box, batch["image"][first], batch["changed"][first]),
            torch.where(box, batch["changed"][last], batch["image"][last]),
        ]
    )
    assert torch.equal(network.seen, seen)
    logits, dice, crossed = network(seen), 0.0, 0.0
    for place, index, part, weight in (
        (0, label[first], box, 1.0),
        (0, found[first], ~box, 0.25),
        (half, found[last], box, 0.25),
        (half, label[last], ~box, 1.0),
    ):
        own_dice, own_crossed = _expected(logits[place : place + half], index, part)
        dice, crossed = dice + weight * own_dice / 2, crossed + weight * own_crossed / 2
    torch.testing.assert_close(terms["pasted_dice"], 7 * dice)
    torch.testing.assert_close(terms["pasted_cross_entropy"], 7 * crossed)


def test_few_unlabeled_images_are_enough():
    network, batch = _network(), _batch(labeled=6, unlabeled=1)
    assert all(bool(torch.isfinite(own)) for own in _bound(network)(network, batch).values())
    assert len(network.seen) == 2


def test_no_gradient_comes_from_what_the_average_found():
    network, batch = _network(), _batch()
    objective = _bound(network)
    sum(objective(network, batch).values()).backward()
    assert all(p.grad is None for p in objective.teacher.parameters())
    assert all(p.grad is not None for p in network.head.parameters())


def test_what_is_ignored_costs_nothing():
    network, batch = _network(), _batch()
    batch["label"][:] = IGNORED
    objective = _bound(network, first=1.0)
    terms = objective(network, batch, progress=0.0)
    assert terms["pasted_dice"] == 0
    assert terms["pasted_cross_entropy"] == 0


def test_structures_may_overlap():
    network, batch = _network(classes=2), _batch()
    batch["label"] = torch.randint(0, 2, (2, 2, SIZE, SIZE)).float()
    objective = _bound(network, first=0.0, overlapping=True)
    terms = objective(network, batch)
    assert all(bool(torch.isfinite(value)) for value in terms.values())
    with pytest.raises(ValueError, match=r"label must have 2 channel\(s\), got 1"):
        objective(network, batch | {"label": batch["label"][:, :1]})


def test_a_perfect_network_pays_for_its_doubts_alone():
    """Of classes that the average is sure of, the more certain network pays less."""
    network, batch = _network(), _batch()
    objective = _bound(network, first=0.0)
    costs = []
    for factor in (1.0, 50.0):
        with torch.no_grad():
            network.head[-1].weight.mul_(factor)
            network.head[-1].bias.mul_(factor)
        objective.teacher.n_averaged.zero_()
        objective.teacher.update_parameters(network)
        logits = network(batch["plain"])
        same = {"image": batch["plain"], "label": logits.argmax(1, keepdim=True)}
        same |= {"plain": batch["plain"], "changed": batch["plain"]}
        torch.manual_seed(0)
        costs.append(float(objective(network, same)["pasted_cross_entropy"]))
    assert costs[1] < costs[0]


@given(side=st.floats(0.01, 1.0), seed=st.integers(0, 99))
def test_the_box_is_inside_and_as_large_as_it_says(side, seed):
    torch.manual_seed(seed)
    box = CopyPasteObjective(side=side).box(torch.zeros(2, 3, SIZE, 20))
    assert box.shape == (2, 1, SIZE, 20)
    assert torch.equal(box[0], box[1])
    expected = max(1, round(side * SIZE)) * max(1, round(side * 20))
    assert int(box[0].sum()) == expected


def test_the_average_follows_steps():
    network = _network()
    objective = _bound(network, momentum=0.5)
    with torch.no_grad():
        network.head[-1].bias.fill_(4.0)
    objective.after_step(network)
    assert torch.equal(objective.teacher.module.head[-1].bias, network.head[-1].bias)


def test_a_structure_that_is_nowhere_is_not_pushed_away_by_dice():
    """Its map costs a constant; what Dice with a smooth of 1 did to small structures."""
    loss = PastedLoss()
    logits = torch.zeros(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    target = target_of(torch.zeros(1, 1, 4, 4), 3)
    dice, _ = loss(logits, target)
    torch.testing.assert_close(dice, torch.tensor((1 - 2 / 3 / (1 / 9 + 1) + 2) / 3).double())
    (gradient,) = torch.autograd.grad(dice, logits)
    (of_background,) = torch.autograd.grad(
        -(2 * logits.softmax(1)[:, 0].sum() / (logits.softmax(1)[:, 0].square().sum() + 16)) / 3,
        logits,
    )
    torch.testing.assert_close(gradient, of_background)


@pytest.mark.parametrize("overlapping", [False, True])
def test_a_right_and_certain_answer_costs_nothing(overlapping):
    label = torch.randint(0, 3, (2, 1, 6, 6), generator=torch.Generator().manual_seed(0))
    target = target_of(label, 3)
    dice, crossed = PastedLoss(overlapping=overlapping)(200 * (target.maps - 0.5), target)
    assert float(dice) == pytest.approx(0, abs=1e-6)
    assert float(crossed) == pytest.approx(0, abs=1e-6)


def test_of_what_the_average_finds_one_piece_stays_where_labels_are_one():
    objective = _bound(_network(), largest=[2])
    logits = torch.zeros(1, 3, 4, 4)
    for k, place in ((1, (0, 0)), (1, (3, 3)), (2, (0, 3)), (2, (0, 2)), (2, (3, 0))):
        logits[0, k][place] = 1.0
    maps = objective._found(logits).maps[0]
    assert maps[1].nonzero().tolist() == [[0, 0], [3, 3]]
    assert maps[2].nonzero().tolist() == [[0, 2], [0, 3]]
    assert torch.equal(maps.sum(0), torch.ones(4, 4))
