"""A pre-trained backbone of MONAI's class into MONAI's class, as the page's table says."""

from __future__ import annotations

import ast
import re

import pytest
import torch
from monai.networks import copy_model_state, nets

from gemini_monai.networks import Gemini, UNetBackbone
from tests.conftest import ROOT

PAGES = ROOT / "docs" / "how_to"
TRIED = re.findall(
    r"^\| `(\w+)` \| `(\{.*\})` \| \d+ \|$", (PAGES / "another_backbone.md").read_text(), re.M
)
TABLE = re.findall(
    r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|$",
    (PAGES / "backbone_elsewhere.md").read_text(),
    re.M,
)
COUNTS = {name: tuple(map(int, counts)) for name, *counts in TABLE}


def _network(name, arguments, out_channels):
    shape = {"spatial_dims": 2, "in_channels": 1, "out_channels": out_channels}
    return getattr(nets, name)(**shape, **ast.literal_eval(arguments))


@pytest.mark.parametrize(("name", "arguments"), TRIED)
def test_weights_that_load_are_as_many_as_the_page_says(name, arguments):
    trained = _network(name, arguments, 16)
    gemini = Gemini(2, 1, 1, backbone=trained, feature_channels=16, backbone_multiple=32)
    saved = {
        key.removeprefix("backbone."): value
        for key, value in gemini.state_dict().items()
        if key.startswith("backbone.")
    }
    network = _network(name, arguments, 3)
    state, loaded, left = copy_model_state(network, saved, inplace=False)
    default = UNetBackbone(2, 1, (16, 32, 64, 128)).state_dict()
    none = copy_model_state(_network(name, arguments, 3), default)[1]
    assert COUNTS[name] == (len(network.state_dict()), len(loaded), len(none))
    assert all(torch.equal(state[key], saved[key]) for key in loaded)
    assert left


def test_the_page_names_every_network_that_was_tried():
    assert COUNTS.keys() == {name for name, _ in TRIED}
