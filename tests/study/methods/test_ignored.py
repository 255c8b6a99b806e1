"""Every method that reads a label: what is predicted in ignored voxels changes none of its terms.

The network sees every voxel by itself and moves none, so that another intensity in ignored voxels
is another prediction there and nowhere else.
"""

from __future__ import annotations

import json
from pydoc import locate

import pytest
import torch
from torch import nn

from gemini_monai.configuration.arguments import is_component
from gemini_monai.geometry.labels import IGNORED
from gemini_monai.networks import Correspondence
from gemini_monai.objectives import CopyPasteObjective, Objective, SegmentationObjective
from gemini_monai.study import methods
from tests.bundles.runs import BUNDLE, MIP
from tests.study.methods.oracles import dice_loss, one_hot

TERMS = {
    SegmentationObjective: ("dice", "cross_entropy"),
    CopyPasteObjective: ("pasted_dice", "pasted_cross_entropy"),
    methods.AnatomySimilarity: ("labeled_anatomy",),
    methods.SegmentedRegistration: ("anatomy",),
    methods.SampledSegmentation: ("sampled",),
    methods.BidirectionalCopyPaste: ("copy_paste",),
    methods.CrossDisplacement: ("second", "displaced"),
    methods.CrossPseudoSupervision: ("second_dice", "second_cross_entropy"),
    methods.LearnedAugmentation: ("appearance_smoothness", "augmented"),
    methods.DeepPrior: ("hard_regions",),
    methods.PartialWayTeaching: ("partial_way", "confident_teaching"),
    methods.CycleRegistration: ("anatomy_cycle",),
    methods.PerClassRegistration: ("visual",),
    methods.ReverseTeaching: ("warped_labeled", "reverse_teaching"),
}
"""Terms that a label, or a prediction for a labeled image, is part of."""
UNLABELED_TOO = {CopyPasteObjective, methods.BidirectionalCopyPaste}
"""Whose terms are of unlabeled images, too."""
MOVES_ALONE = {methods.AnatomySimilarity, methods.CycleRegistration}
"""Whose terms say something of fields alone."""


class Still(nn.Module):
    """A field of zeros."""

    def forward(self, features_a, features_b):
        return 0 * (features_a + features_b)[:, :2]


class Pointwise(nn.Module):
    """A ``Gemini`` whose every voxel is by itself."""

    feature_channels = 4

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Tanh())
        self.backbone.restored = lambda image: 0 * image
        self.deformer = Still()
        self.head = nn.Sequential(nn.Conv2d(4, 3, 1))

    def features(self, image):
        return self.backbone(image)

    def forward(self, image):
        return self.head(self.features(image))

    def correspond(self, image_a, image_b=None):
        first = self.features(image_a)
        second = first.roll(-1, dims=0) if image_b is None else self.features(image_b)
        return Correspondence(first, second, self.deformer(first, second), Still()(second, first))


class Difference(nn.Module):
    """In the place of a network of two images."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.3))

    def forward(self, first, second):
        return self.scale * (first - second).square()


def _made(kind):
    """Network and objective, the same every time."""
    torch.manual_seed(0)
    network, objective = Pointwise(), kind()
    objective.bind(network)
    if hasattr(objective, "view"):  # other intensities, by those of the whole image
        objective.view = torch.clone
    for name in ("appearance", "discriminator"):
        if hasattr(objective, name):
            setattr(objective, name, Difference())
    return network, objective


def _batch():
    generator = torch.Generator().manual_seed(1)
    image, partner, unlabeled = torch.rand(3, 2, 1, 12, 10, generator=generator)
    label = torch.randint(3, (2, 1, 12, 10), generator=generator).float()
    label[:, :, 7:] = IGNORED
    names = ("image", "label", "partner", "unlabeled", "image_a", "plain", "changed")
    own = (image, label, partner, *[unlabeled] * 4)
    return dict(zip(names, own, strict=True))


def _with_other(batch, place):
    """The batch with other intensities in a place of labeled images and of their partners."""
    changed = {name: batch[name].clone() for name in ("image", "partner")}
    for image in changed.values():
        image[place] = 3 * torch.rand(image[place].shape)
    return batch | changed


def _terms(kind, batch):
    """The terms, and all gradients of their sum."""
    network, objective = _made(kind)
    torch.manual_seed(2)
    found = objective(network, batch, progress=0.5)
    terms = {name: found[name] for name in TERMS[kind]}
    modules = nn.ModuleList([network, objective])
    parameters = [own for own in modules.parameters() if own.requires_grad]
    gradients = torch.autograd.grad(sum(terms.values()), parameters, allow_unused=True)
    return terms, [own for own in gradients if own is not None]


every_kind = pytest.mark.parametrize("kind", TERMS, ids=lambda kind: kind.__name__)


@every_kind
def test_what_is_predicted_in_ignored_voxels_changes_nothing(kind):
    batch = _batch()
    hidden = (slice(None), slice(None), slice(7, None))
    (before, gradients), (after, others) = (
        _terms(kind, own) for own in (batch, _with_other(batch, hidden))
    )
    for name, term in before.items():
        assert torch.isfinite(term)
        torch.testing.assert_close(after[name], term, rtol=1e-6, atol=1e-7)
    for own, other in zip(gradients, others, strict=True):
        torch.testing.assert_close(other, own, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "kind", sorted(set(TERMS) - MOVES_ALONE, key=str), ids=lambda k: k.__name__
)
def test_what_is_predicted_elsewhere_does(kind):
    batch = _batch()
    shown = (slice(None), slice(None), slice(0, 5))
    before, after = (_terms(kind, own)[0] for own in (batch, _with_other(batch, shown)))
    for name, term in before.items():
        assert not torch.allclose(after[name], term, rtol=1e-4), name


@every_kind
def test_a_batch_that_is_wholly_ignored_gives_no_term_and_no_nan(kind):
    batch = _batch()
    batch["label"] = torch.full_like(batch["label"], IGNORED)
    terms, gradients = _terms(kind, batch)
    assert all(torch.isfinite(own).all() for own in (*terms.values(), *gradients))
    for name, term in terms.items():
        if kind not in UNLABELED_TOO or name.startswith("second_"):
            assert float(term) == 0, name


@pytest.mark.parametrize(
    "kind",
    [
        SegmentationObjective,
        methods.ReverseTeaching,
        methods.DeepPrior,
        methods.CycleRegistration,
        methods.PartialWayTeaching,
    ],
    ids=lambda kind: kind.__name__,
)
def test_an_image_that_is_wholly_ignored_leaves_the_others_as_they_are(kind):
    batch = _batch()
    batch["label"][1] = IGNORED
    alone = {name: own[:1] for name, own in batch.items()}
    both, one = (_terms(kind, own)[0] for own in (batch, alone))
    for name, term in both.items():
        torch.testing.assert_close(term, one[name])


class Downward(Still):
    """A field that moves everything by two voxels along the first axis."""

    def forward(self, features_a, features_b):
        field = super().forward(features_a, features_b)
        return field + torch.tensor([2.0, 0.0]).reshape(1, 2, 1, 1)


def _moved(label, rows):
    """A label whose content moves up by some rows."""
    moved = torch.full_like(label, IGNORED)
    moved[:, :, :-rows] = label[:, :, rows:]
    return moved


def _drawn_dice(moved, label, *, rows):
    """Dice loss over what both say, which is so many rows."""
    drawn = (moved >= 0) & (label >= 0)
    assert drawn.any(dim=3).sum() == rows * len(label)
    return dice_loss(one_hot(moved) * drawn, one_hot(label) * drawn)


def test_labels_that_a_field_brings_together_count_where_both_are_drawn(monkeypatch):
    batch = _batch()
    network = Pointwise()
    field = Downward()(network.features(batch["image"]), network.features(batch["image"]))
    pair = Correspondence(*[network.features(batch["image"])] * 2, field, field)
    monkeypatch.setattr(network, "correspond", lambda *_: pair)
    objective = methods.AnatomySimilarity(predicted=False, weight=3.0)
    found = objective(network, batch)["labeled_anatomy"]
    label = batch["label"]
    dice = _drawn_dice(_moved(label, 2), label.roll(-1, dims=0), rows=5)  # a ring of two
    assert float(found) == pytest.approx(3 * dice, rel=1e-5)
    objective = methods.CycleRegistration(anatomy=3.0)
    found = objective(network, batch)["anatomy_cycle"]
    dice = _drawn_dice(_moved(label, 4), label, rows=3)  # there and, the same way, back
    assert float(found) == pytest.approx(3 * dice, rel=1e-5)


def test_no_method_that_reads_a_label_is_left_out():
    read = set()
    for bundle in (BUNDLE, MIP):
        for path in (bundle / "configs").glob("*.json"):
            content = json.loads(path.read_text())
            parts = [*content.values(), *content.get("objectives", {}).values()]
            named = [part["_target_"] for part in parts if is_component(part)]
            kinds = [kind for kind in map(locate, named) if isinstance(kind, type)]
            read |= {k for k in kinds if issubclass(k, Objective) and "label" in k().reads}
    assert read == set(TERMS)
