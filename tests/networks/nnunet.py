"""nnU-Net's network for tests: the real one where it is installed, and a stand-in by its names."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch
from torch import nn

PACKAGE = "dynamic_network_architectures"
PLAIN = f"{PACKAGE}.architectures.unet.PlainConvUNet"
ARCHITECTURE = {
    "n_stages": 3,
    "features_per_stage": [4, 6, 8],
    "conv_op": "torch.nn.modules.conv.Conv3d",
    "kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3]],
    "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2]],
    "n_conv_per_stage": [1, 1, 1],
    "n_conv_per_stage_decoder": [1, 1],
    "conv_bias": True,
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
    "norm_op_kwargs": {"eps": 1e-05, "affine": True},
    "dropout_op": None,
    "dropout_op_kwargs": None,
    "nonlin": "torch.nn.LeakyReLU",
    "nonlin_kwargs": {"inplace": True},
}
"""Of plans for volumes whose slices are thick: nnU-Net's axes are z, y, x."""
IMPORTED = ["conv_op", "norm_op", "dropout_op", "nonlin"]


def provide(kind, monkeypatch):
    """The real package, or the stand-in as if it were installed."""
    if kind == "real":
        pytest.importorskip(PACKAGE, reason="heavy: pip install '.[nnunet]'")
        return
    for name in (PACKAGE, f"{PACKAGE}.architectures", f"{PACKAGE}.architectures.unet"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    unet = sys.modules[f"{PACKAGE}.architectures.unet"]
    sys.modules[f"{PACKAGE}.architectures"].unet = unet
    unet.PlainConvUNet = unet.ResidualEncoderUNet = _UNet


class _UNet(nn.Module):
    """A decoder that holds the encoder too, and layers for classes at every resolution."""

    def __init__(self, *, input_channels, num_classes, deep_supervision, **plan):
        super().__init__()
        assert not deep_supervision
        self.encoder = _Encoder(input_channels, plan)
        self.decoder = _Decoder(self.encoder, num_classes, plan)

    @staticmethod
    def initialize(module):
        """Nothing."""


class _Encoder(nn.Module):
    def __init__(self, channels, plan):
        super().__init__()
        widths = [channels, *plan["features_per_stage"]]
        rows = zip(widths, widths[1:], plan["kernel_sizes"], plan["strides"], strict=False)
        self.stages = nn.ModuleList(
            plan["conv_op"](own, out, kernel, stride, [side // 2 for side in kernel])
            for own, out, kernel, stride in rows
        )

    def forward(self, image):
        skips = [image]
        for stage in self.stages:
            skips.append(stage(skips[-1]))
        return skips[1:]


class _Decoder(nn.Module):
    def __init__(self, encoder, classes, plan):
        super().__init__()
        self.encoder = encoder
        widths, convolution = plan["features_per_stage"][::-1], plan["conv_op"]
        up = {nn.Conv2d: nn.ConvTranspose2d, nn.Conv3d: nn.ConvTranspose3d}[convolution]
        rows = list(zip(widths, widths[1:], plan["strides"][:0:-1], strict=False))
        self.transpconvs = nn.ModuleList(up(own, out, side, side) for own, out, side in rows)
        self.stages = nn.ModuleList(convolution(2 * out, out, 1) for _, out, _ in rows)
        self.seg_layers = nn.ModuleList(convolution(out, classes, 1) for _, out, _ in rows)

    def forward(self, skips):
        level = skips[-1]
        for depth, (up, stage) in enumerate(zip(self.transpconvs, self.stages, strict=True)):
            level = stage(torch.cat([up(level), skips[-depth - 2]], dim=1))
        return self.seg_layers[-1](level)
