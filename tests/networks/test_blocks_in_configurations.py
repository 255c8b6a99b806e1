"""Deformer, warp, losses and objectives by themselves, named in a MONAI configuration."""

from __future__ import annotations

import pytest
import torch
from monai.bundle import ConfigParser
from torch import nn

from gemini_monai.geometry.warp import warp

BLOCKS = {
    "warp": {"_target_": "gemini_monai.geometry.warp.Warp", "mode": "nearest"},
    "deformer": {"_target_": "gemini_monai.networks.Deformer", "feature_channels": 4},
    "smoothness": {"_target_": "gemini_monai.losses.SmoothnessLoss"},
    "visual": {"_target_": "gemini_monai.losses.VisualSimilarityLoss", "window": 5},
    "semantic": {"_target_": "gemini_monai.losses.SemanticSimilarityLoss"},
    "homeomorphism": {"_target_": "gemini_monai.objectives.HomeomorphismObjective"},
    "segmentation": {"_target_": "gemini_monai.objectives.SegmentationObjective", "weight": 1.0},
}


def _blocks(axes):
    config = BLOCKS | {"deformer": BLOCKS["deformer"] | {"spatial_dims": axes}}
    parser = ConfigParser(config)
    return {name: parser.get_parsed_content(name) for name in config}


@pytest.mark.parametrize("axes", [2, 3])
def test_a_pipeline_of_ones_own(axes):
    blocks = _blocks(axes)
    assert all(isinstance(block, nn.Module) for block in blocks.values())
    a, b = torch.rand(2, 1, 4, *[12] * axes)
    ddf = blocks["deformer"](a, b)
    warped = blocks["warp"](a, ddf)
    torch.testing.assert_close(warped, warp(a, ddf, mode="nearest"))
    mask = torch.ones(1, 1, *[12] * axes)
    losses = [
        blocks["smoothness"](ddf),
        blocks["visual"](warp(a, ddf), b, mask),
        blocks["semantic"](a, b, ddf, mask),
    ]
    sum(losses).backward()
    assert blocks["deformer"].field.weight.grad.abs().sum() > 0
