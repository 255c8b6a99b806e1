from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from gemini_monai.networks import DenseNetwork, Gemini, last_layer, spatial_dims_of


@pytest.mark.parametrize("dims", [2, 3])
def test_says_axes_and_classes_of_its_head(dims):
    network = deepcopy(Gemini(dims, 1, 5, channels=(4, 8)))
    assert isinstance(network, DenseNetwork)
    assert (spatial_dims_of(network), last_layer(network).out_channels) == (dims, 5)


def test_what_it_leaves_to_others_is_refused_by_name():
    parts = Gemini(2, 1, 3, channels=(4, 8))
    network = DenseNetwork(
        backbone=nn.Identity(), deformer=parts.deformer, head=parts.head, feature_channels=4
    )
    for use in (network, network.features, network.correspond):
        with pytest.raises(NotImplementedError, match="DenseNetwork has no"):
            use(torch.zeros(1, 1, 8, 8))
