"""Pieces that the backbone, the deformer and the head share: convolution, padding, upsampling."""

from __future__ import annotations

from typing import TypeVar

import torch
import torch.nn.functional as F
from monai.networks.blocks.convolutions import Convolution
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def conv_block(
    *, spatial_dims: int, in_channels: int, out_channels: int, channels_per_group: int = 8
) -> nn.Module:
    """Convolution of side 3, group normalization, leaky ReLU of slope 0.2, at one resolution."""
    groups = _groups(channels=out_channels, channels_per_group=channels_per_group)
    return Convolution(
        spatial_dims=spatial_dims,
        in_channels=in_channels,
        out_channels=out_channels,
        adn_ordering="NA",
        norm=("group", {"num_groups": groups}),
        act=("leakyrelu", {"negative_slope": 0.2, "inplace": True}),
    )


def _groups(*, channels: int, channels_per_group: int) -> int:
    """The largest number of equal groups of at least ``channels_per_group`` channels, or 1."""
    most = max(1, channels // channels_per_group)
    return next(groups for groups in range(most, 0, -1) if channels % groups == 0)


def pad_to_multiple(image: Tensor, multiple: int) -> tuple[Tensor, list[int]]:
    """Zero-pad every spatial axis, centered, up to a multiple.

    Returns:
        The padded image and its padding in the order of ``torch.nn.functional.pad``.
    """
    padding: list[int] = []
    for axis in range(image.dim() - 1, 1, -1):
        missing = (multiple - image.size(axis) % multiple) % multiple
        padding.append(missing // 2)
        padding.append(missing - missing // 2)
    return (F.pad(image, padding) if max(padding) > 0 else image), padding


def crop_padding(image: Tensor, padding: list[int]) -> Tensor:
    """Undo ``pad_to_multiple``."""
    return F.pad(image, [-amount for amount in padding]) if max(padding) > 0 else image


def upsample(image: Tensor) -> Tensor:
    """Twice the size by (tri)linear interpolation.

    The published checkpoints were trained with half-pixel centers in 2-D and with aligned corners
    in 3-D; both are kept so that they mean the same here.
    """
    if image.dim() == 4:
        return F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)
    return F.interpolate(image, scale_factor=2.0, mode="trilinear", align_corners=True)


def reinitialized(network: Network) -> Network:
    """The network with other random weights, of the kind that ours start from.

    Args:
        network: Changed in place.
    """
    for module in network.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
    initialize_convolutions(network)
    return network


def initialize_convolutions(network: nn.Module) -> None:
    """Kaiming-normal weights for every convolution, the one that predicts the field included."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            torch.nn.init.kaiming_normal_(module.weight)
