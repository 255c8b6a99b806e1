"""Ignored voxels in atlases, in scores of registration and in the probe."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import RandAffined
from torch import nn

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.labels import IGNORED
from gemini_monai.inference import AtlasInferer, Probe, RegistrationScores
from gemini_monai.networks import Gemini
from gemini_monai.transforms import InputSpec
from tests.inference.networks import Shift

SPEC = InputSpec(
    spatial_dims=2,
    in_channels=1,
    spatial_size=(12, 10),
    intensity={},
    label_values=(0, 1, 2),
    structures=("a", "b"),
    ignore=255,
)


class Still(nn.Module):
    """Registers nothing, so that a vote is for the place itself."""

    def features(self, image):
        return image

    def deformer(self, own, other):
        return torch.zeros(len(own), 2, *own.shape[2:])


def _votes(*labels):
    atlases = [{"image": torch.zeros(1, 1, 4), "label": torch.tensor([[own]])} for own in labels]
    found = AtlasInferer(atlases, classes=3)(torch.zeros(1, 1, 1, 4), Still())
    return found[0, :, 0].T.tolist()


def test_an_atlas_has_no_vote_where_its_label_is_ignored():
    hidden = float(IGNORED)
    votes = _votes([0.0, 1, hidden, hidden], [0.0, 2, 2, hidden])
    assert votes == [[1, 0, 0], [0, 0.5, 0.5], [0, 0, 1], [1, 0, 0]]
    assert _votes([0.0, 1, 2, 2]) == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]


def _item(seed, *, overlapping=False, hidden=True):
    generator = torch.Generator().manual_seed(seed)
    shape = (2 if overlapping else 1, 12, 10)
    label = torch.randint(2 if overlapping else 3, shape, generator=generator).float()
    if hidden:
        label[:, :4] = IGNORED
    return {"image": torch.rand(1, 12, 10, generator=generator), "label": label, "case": f"{seed}"}


def _registered(folder, items, network, *, overlapping=False):
    spec = InputSpec(**(SPEC.__dict__ | {"overlapping": overlapping}))
    RegistrationScores(network=network, data=items, folder=folder, spec=spec).run()
    with (folder / "registration.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("overlapping", [False, True])
def test_registration_is_scored_where_both_labels_are_drawn(tmp_path, overlapping):
    items = [_item(k, overlapping=overlapping) for k in range(2)]
    items[0]["label"][..., 8:] = IGNORED
    row = _registered(tmp_path, items, Shift(2, 0), overlapping=overlapping)[0]
    moving, fixed = (items[int(row[name])]["label"].numpy() for name in ("moving", "fixed"))
    moved = np.full_like(moving, 0)  # outside is background, and drawn
    moved[:, :-2] = moving[:, 2:]
    for when, own in (("before", moving), ("after", moved)):
        found = []
        for k in range(2):
            one, other = (m[k] == 1 if overlapping else m[0] == k + 1 for m in (own, fixed))
            drawn = (own[k * overlapping] >= 0) & (fixed[k * overlapping] >= 0)
            both = (one & other & drawn).sum()
            found.append(2 * both / ((one & drawn).sum() + (other & drawn).sum()))
            assert float(row[f"dice_{when}_{'ab'[k]}"]) == pytest.approx(found[-1])
        assert float(row[f"dice_{when}"]) == pytest.approx(np.mean(found))


def test_a_pair_of_which_nothing_is_drawn_has_no_score_and_is_not_the_worst(tmp_path):
    items = [_item(k) for k in range(3)]
    items[2]["label"][:] = IGNORED
    rows = _registered(tmp_path, items, Shift(0, 0))
    empty = [row for row in rows if "2" in (row["moving"], row["fixed"])]
    assert len(empty) == 4
    assert all(row["dice_after"] == "" for row in empty)
    worst = np.load(tmp_path / "pairs" / "worst.npz")
    assert "2" not in (str(worst["moving_case"]), str(worst["fixed_case"]))


class _Intensity(nn.Module):
    """A direction of its own for each of three intensities."""

    def forward(self, image):
        return torch.cat([torch.exp(-((image - v) ** 2) / 1e-2) for v in (0.0, 0.5, 1.0)], dim=1)


def _seen(shift, *, hidden):
    label = torch.zeros(1, 12, 10)
    label[:, 1 + shift : 6, 2:8] = 1
    label[:, 7:10, 3 + shift : 8] = 2
    image = label / 2
    if hidden:
        image[:, :, 6:] = torch.rand(1, 12, 4).round()  # what is there is as it likes
        label[:, :, 6:] = IGNORED
    return {"image": MetaTensor(image), "label": MetaTensor(label)}


def _probed(items, **options):
    turn = RandAffined(["image", "label"], prob=1.0, rotate_range=0.3, allow_missing_keys=True)
    probe = Probe(items[:2], items[2:], spec=SPEC, transform=turn, **options)
    network = Gemini(2, 1, 3, backbone=_Intensity(), feature_channels=3)
    return probe.look(network, "cpu")


def test_a_probe_neither_fits_nor_scores_ignored_voxels():
    found = _probed([_seen(k % 2, hidden=True) for k in range(4)], points=120)
    assert found["linear_1"] == found["nearest"] == pytest.approx(1)
    assert found["true_positive_percent"] == pytest.approx(100)


def test_a_probe_leaves_out_images_of_which_nothing_is_drawn():
    empty = {"image": torch.rand(1, 12, 10), "label": torch.full((1, 12, 10), float(IGNORED))}
    items = [_seen(0, hidden=False), empty, _seen(1, hidden=False), empty]
    assert all(math.isfinite(value) for value in _probed(items, points=60).values())
    with pytest.raises(InputError, match="every voxel of the validation images is ignored"):
        _probed([_seen(0, hidden=False), empty, empty, empty], points=60)
