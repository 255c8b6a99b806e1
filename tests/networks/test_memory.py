"""Low memory: the same losses and gradients, and less of a forward pass kept for the way back."""

from __future__ import annotations

import copy

import pytest
import torch
from monai.networks.nets import BasicUNet
from torch.autograd.graph import saved_tensors_hooks

from gemini_monai.base.errors import InputError
from gemini_monai.networks import Gemini, PriorUNetBackbone, set_memory
from gemini_monai.objectives import (
    ContrastObjective,
    HomeomorphismObjective,
    Learner,
    SegmentationObjective,
)

SIZES = {2: (18, 16), 3: (10, 8, 12)}


def _learner(dims, **options):
    torch.manual_seed(1)
    network = Gemini(dims, 1, 3, channels=(4, 8), half_resolution_field=True, **options)
    objectives = {
        "homeomorphism": HomeomorphismObjective(),
        "contrast": ContrastObjective(points=20),
        "segmentation": SegmentationObjective(),
    }
    return Learner(network, objectives).double()


def _batch(dims, *, ring):
    torch.manual_seed(2)
    size = SIZES[dims]
    keys = ["image_a", "image", "view_a", "view_b", *([] if ring else ["image_b"])]
    batch = {key: torch.rand(3, 1, *size).double() for key in keys}
    batch["ddf_ab"] = torch.rand(3, dims, *size).double()
    batch["label"] = torch.randint(3, (3, 1, *size))
    return batch


def _step(learner, batch):
    """Terms, and gradients by name."""
    torch.manual_seed(3)
    terms = learner(list(learner.objectives), batch)
    sum(terms.values()).backward()
    return terms, {name: own.grad for name, own in learner.named_parameters()}


def _low(learner):
    other = copy.deepcopy(learner)
    set_memory(other.network, "low")
    return other


@pytest.mark.parametrize("ring", [True, False], ids=["ring", "separate"])
@pytest.mark.parametrize("dims", [2, 3])
def test_losses_and_gradients_are_equal(dims, ring):
    learner, batch = _learner(dims), _batch(dims, ring=ring)
    normal, low = _step(learner, batch), _step(_low(learner), batch)
    torch.testing.assert_close(low, normal, rtol=1e-10, atol=1e-10)
    assert all(own is not None and own.any() for own in low[1].values())


def test_a_backbone_with_a_prior_and_one_of_monai_are_the_same_too():
    options = {"spatial_dims": 2, "in_channels": 1, "out_channels": 4}
    features = [8, 8, 8, 8, 8, 4]
    for backbone in (
        PriorUNetBackbone(2, channels=(4, 8)),
        BasicUNet(**options, features=features, norm=("group", {"num_groups": 2})),
    ):
        learner = _learner(2, backbone=backbone, feature_channels=4, backbone_multiple=16)
        batch = _batch(2, ring=True)
        normal, low = _step(learner, batch), _step(_low(learner), batch)
        torch.testing.assert_close(low, normal, rtol=1e-10, atol=1e-10)


def _kept(learner, batch):
    """Bytes that the graph of all terms keeps, each storage counted once."""
    storages = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = (
            storage.nbytes(),
            tensor,
        )  # held, so that no address is used twice
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        learner(["homeomorphism"], batch)
    return sum(size for size, _ in storages.values())


def test_less_is_kept():
    learner, batch = _learner(3), _batch(3, ring=True)
    assert _kept(_low(learner), batch) < 0.5 * _kept(learner, batch)


def test_it_can_be_undone_and_the_weights_keep_their_names():
    learner = _learner(2)
    other = _low(learner)
    assert list(other.state_dict()) == list(learner.state_dict())
    set_memory(other.network, "normal")
    batch = _batch(2, ring=True)
    assert _kept(other, batch) == _kept(learner, batch)


def test_inference_is_the_same():
    learner, batch = _learner(2), _batch(2, ring=True)
    with torch.no_grad():
        found = _low(learner).network(batch["image"])
        torch.testing.assert_close(found, learner.network(batch["image"]))


def test_images_that_depend_on_each_other_are_refused():
    backbone = BasicUNet(2, 1, 4, features=[4] * 6, norm="batch")
    network = Gemini(2, 1, 3, backbone=backbone, feature_channels=4)
    with pytest.raises(InputError, match=r"memory: low .*backbone\.conv_0.*BatchNorm2d"):
        set_memory(network, "low")
    set_memory(network, "normal")


def test_an_unknown_amount_is_refused():
    with pytest.raises(ValueError, match=r"must be one of \('normal', 'low'\), got 'medium'"):
        set_memory(Gemini(2, 1, 3, channels=(4, 8)), "medium")
