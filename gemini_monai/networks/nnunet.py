"""The networks of nnU-Net as backbones: dense features, and weights by nnU-Net's own names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import optional
from gemini_monai.geometry.types import Features, Image

MODULE = "dynamic_network_architectures.architectures.unet"
NETWORKS = ("PlainConvUNet", "ResidualEncoderUNet")
OPERATIONS: dict[str, tuple[type[nn.Module], ...]] = {"conv_op": (nn.Conv2d, nn.Conv3d)}
OPERATIONS |= dict.fromkeys(("norm_op", "dropout_op", "nonlin"), (nn.Module,))
"""Arguments that nnU-Net's plans give as the name of a class of ``torch.nn``."""


class NnUNetBackbone(nn.Module):
    """A U-Net as nnU-Net's plans describe it, up to the last block of its decoder.

    The layers that make classes are left out, as ``nnUNetv2_train -pretrained_weights`` leaves them
    out; all other weights have the names that they have in nnU-Net. The network sees the axes
    in nnU-Net's order. Initialized as nnU-Net does.

    Args:
        network_class_name: ``PlainConvUNet`` or ``ResidualEncoderUNet`` of
            ``dynamic_network_architectures.architectures.unet``, with or without that path.
        arch_kwargs: ``architecture: arch_kwargs`` of a configuration in ``nnUNetPlans.json``.
        in_channels: Channels of the image.
        axes: Which axis of the image is each axis of nnU-Net's; ``None`` for the reverse, (z, y, x)
            of (x, y, z), as nnU-Net has them unless its plans transpose.

    Raises:
        InputError: If dynamic_network_architectures is not installed, it is another network,
            something that is no operation of ``torch.nn`` is named, or ``axes`` are none.
    """

    def __init__(
        self,
        network_class_name: str,
        arch_kwargs: Mapping[str, Any],
        in_channels: int = 1,
        axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        arguments = dict(arch_kwargs) | _operations(arch_kwargs)
        dims = 2 if arguments["conv_op"] is nn.Conv2d else 3
        axes = list(range(dims))[::-1] if axes is None else list(axes)
        if sorted(axes) != list(range(dims)):
            raise InputError(f"backbone: axes: expected an order of {dims} axes, got {axes}")
        network = _class_of(network_class_name)(
            input_channels=in_channels, num_classes=1, deep_supervision=False, **arguments
        )
        network.apply(network.initialize)
        self.encoder = network.encoder
        self.decoder = network.decoder
        self.decoder.seg_layers = nn.ModuleList(nn.Identity() for _ in self.decoder.seg_layers)
        self.there = [0, 1, *(2 + axis for axis in axes)]
        self.back = [0, 1, *(2 + axes.index(axis) for axis in range(dims))]

    def forward(self, image: Image) -> Features:
        """Map an image (B, C, *S) to dense features (B, features_per_stage[0], *S).

        Args:
            image: Its sizes multiples of the product of the strides of its axis.
        """
        features: Features = self.decoder(self.encoder(image.permute(self.there)))
        return features.permute(self.back)


def check_architecture(network_class_name: Any, arch_kwargs: Mapping[str, Any]) -> None:
    """Stop at an architecture that names anything but networks of nnU-Net and layers of torch.nn.

    nnU-Net imports whatever its plans name.

    Args:
        network_class_name: As of ``NnUNetBackbone``.
        arch_kwargs: Likewise.

    Raises:
        InputError: Naming what is another's.
    """
    _short_name(network_class_name)
    _operations(arch_kwargs)


def size_multiple(strides: Sequence[Sequence[int]]) -> int:
    """What each side of an image has to be a multiple of.

    Args:
        strides: Of each stage and axis.
    """
    return math.lcm(*(math.prod(own) for own in zip(*strides, strict=True)))


def _short_name(name: Any) -> str:
    module, _, short = str(name).rpartition(".")
    if short not in NETWORKS or module not in ("", MODULE):
        raise InputError(f"backbone: network_class_name: expected {_either(NETWORKS)}, got {name}")
    return short


def _class_of(name: str) -> Any:
    purpose = "backbone: a network of nnU-Net"
    return getattr(optional(MODULE, extra="nnunet", purpose=purpose), _short_name(name))


def _operations(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Classes for their names; nothing is looked up but in ``torch.nn``."""
    found = {}
    for key, kinds in OPERATIONS.items():
        name = arguments.get(key)
        module, _, short = str(name).rpartition(".")
        own = getattr(nn, short, None) if f"{module}.".startswith((".", "torch.nn.")) else None
        fits = isinstance(own, type) and issubclass(own, kinds)
        if not fits and (name is not None or key == "conv_op"):
            expected = _either([f"torch.nn.{kind.__name__}" for kind in kinds])
            raise InputError(f"backbone: {key}: expected the name of {expected}, got {name!r}")
        found[key] = own if fits else None
    return found


def _either(names: Sequence[str]) -> str:
    return " or ".join(names).replace("torch.nn.Module", "a layer of torch.nn")
