"""Networks: a dense backbone, a deformer, and both with a head as ``Gemini``."""

from __future__ import annotations

from gemini_monai.base.moved import renamed
from gemini_monai.networks.anatomix import AnatomixBackbone
from gemini_monai.networks.blocks import reinitialized
from gemini_monai.networks.deformer import Deformer
from gemini_monai.networks.dense import (
    Correspondence,
    DenseNetwork,
    last_layer,
    spatial_dims_of,
)
from gemini_monai.networks.described import built_network, checked_description
from gemini_monai.networks.fields import FieldNetwork
from gemini_monai.networks.from_settings import (
    NETWORK_SETTINGS,
    network_arguments,
    network_of,
)
from gemini_monai.networks.gemini import Gemini, dense_head, placed
from gemini_monai.networks.memory import set_memory
from gemini_monai.networks.nnunet import NnUNetBackbone, check_architecture
from gemini_monai.networks.prior_unet import PriorUNetBackbone
from gemini_monai.networks.transformer import TokenTransformer
from gemini_monai.networks.unet import UNetBackbone

__all__ = [
    "NETWORK_SETTINGS",
    "AnatomixBackbone",
    "Correspondence",
    "Deformer",
    "DenseNetwork",
    "FieldNetwork",
    "Gemini",
    "NnUNetBackbone",
    "PriorUNetBackbone",
    "TokenTransformer",
    "UNetBackbone",
    "built_network",
    "check_architecture",
    "checked_description",
    "dense_head",
    "last_layer",
    "network_arguments",
    "network_of",
    "placed",
    "reinitialized",
    "set_memory",
    "spatial_dims_of",
]

__getattr__ = renamed(
    __name__, {"ARCHITECTURE": "NETWORK_SETTINGS", "recorded_network": "network_of"}, globals()
)
