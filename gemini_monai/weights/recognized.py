"""Which network a file of weights belongs to, for releases whose layout is known."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.trust import refuse_code
from gemini_monai.networks import AnatomixBackbone, check_architecture
from gemini_monai.networks.nnunet import NETWORKS, size_multiple
from gemini_monai.weights.network import state_of
from gemini_monai.weights.tensors import read_tensors

PLAN = "nnssl_adaptation_plan"
"""Key of what checkpoints of nnssl say of their network."""
RES_ENC_L: dict[str, Any] = {
    "n_stages": 6,
    "features_per_stage": [32, 64, 128, 256, 320, 320],
    "conv_op": "torch.nn.Conv3d",
    "kernel_sizes": [[3, 3, 3]] * 6,
    "strides": [[1, 1, 1], *[[2, 2, 2]] * 5],
    "n_blocks_per_stage": [1, 3, 4, 6, 6, 6],
    "n_conv_per_stage_decoder": [1] * 5,
    "conv_bias": True,
    "norm_op": "torch.nn.InstanceNorm3d",
    "norm_op_kwargs": {"eps": 1e-05, "affine": True},
    "nonlin": "torch.nn.LeakyReLU",
    "nonlin_kwargs": {"inplace": True},
}
"""What nnssl (MIC-DKFZ/nnssl at 7044864) calls ``ResEncL`` and writes no arguments of."""
NO_SKIPS = ("ResEncL", "NoSkipResEncL")
"""Names of it; the second one's decoder is another, and its encoder the same."""
KNOWN = "nnssl (OpenMind), CT-FM, anatomix, and backbones of gemini_monai"
FEATURES = 16
"""Dense features of a network whose release has no decoder to keep."""


class Recognized(NamedTuple):
    """The network of a file."""

    name: str
    """Of the release."""
    spatial_dims: int
    settings: dict[str, Any]
    """Knobs of the network, as an overlay has them."""

    def advice(self, path: Path) -> str:
        """What to give so that the file fits."""
        if "backbone" not in self.settings:
            return f"give --channels {json.dumps(self.settings['channels'], separators=(',', ':'))}"
        return (
            f"it is of {self.name}, {self.spatial_dims}-D: 'gemini plans {path} NEW.json' writes "
            "its network, and --overlay NEW.json gives it"
        )


def overlay_of_weights(path: str | Path) -> dict[str, Any]:
    """What a training has to know to have the network that weights of others belong to.

    Args:
        path: A file of nnssl, CT-FM, anatomix, or of a backbone of ours.

    Returns:
        An overlay: ``backbone`` and what belongs to it, or ``channels`` of the default one.

    Raises:
        InputError: If it is of no release that is known, or of a network without dense features.
    """
    found = network_of_weights(path)
    if found is None:
        raise InputError(f"{path}: weights of no network that is known; known are {KNOWN}")
    return found.settings


def network_of_weights(path: str | Path) -> Recognized | None:
    """The network that a file belongs to; ``None`` where its layout is not known.

    Args:
        path: The file.

    Raises:
        InputError: As ``recognized``, or if it cannot be read.
    """
    return recognized(read_tensors(Path(path)), path=Path(path))


def recognized(saved: Mapping[Any, Any], *, path: Path) -> Recognized | None:
    """The network of what a file holds; ``None`` where the layout is not known.

    Args:
        saved: Its content.
        path: For messages.

    Raises:
        InputError: If it is a transformer of patches, which has no dense features, or an
            architecture is described that would be run.
    """
    if isinstance(saved.get(PLAN), Mapping):
        return _of_nnssl(saved[PLAN], path)
    state = state_of(dict(saved), path=path)
    if any(re.match(r"(encoder\.)?eva\.", name) for name in state):
        raise _refusal(path, "Primus")
    return _of_ct_fm(state) or _of_anatomix(state) or _of_ours(state)


def _refusal(path: Path, name: str) -> InputError:
    return InputError(
        f"{path}: of {name}, whose features are of patches and not of voxels; take a release with "
        "a U-Net, such as ResEncL of OpenMind, anatomix, or CT-FM"
    )


def _of_nnssl(plan: Mapping[str, Any], path: Path) -> Recognized | None:
    """As ``AdaptationPlan.serialize`` of nnssl writes it."""
    refuse_code(plan, f"{path}: {PLAN}")
    architecture = plan.get("architecture_plans") or {}
    name = str(architecture.get("arch_class_name")).rpartition(".")[2]
    if name.startswith("Primus"):
        raise _refusal(path, f"nnssl's {name}")
    kwargs: Any = RES_ENC_L if name in NO_SKIPS else architecture.get("arch_kwargs")
    network = "ResidualEncoderUNet" if name in NO_SKIPS else name
    if network not in NETWORKS or not kwargs:
        return None
    check_architecture(network, kwargs)
    strides = kwargs["strides"]
    described = {
        "_target_": "gemini_monai.networks.NnUNetBackbone",
        "network_class_name": network,
        "arch_kwargs": dict(kwargs),
        "in_channels": "@in_channels",
    }
    first = kwargs["features_per_stage"][0]
    settings = _settings(described, first, multiple=size_multiple(strides))
    return Recognized(f"nnssl's {name}", len(strides[0]), settings)


def _of_ct_fm(state: Mapping[str, Tensor]) -> Recognized | None:
    """MONAI's ``SegResEncoder`` with batch normalization, alone or in a ``SegResNetDS``."""
    pattern = re.compile(r"(?:.*\.)?layers\.(\d+)\.blocks\.(\d+)\.norm1\.running_mean")
    blocks: dict[int, int] = {}
    for match in filter(None, map(pattern.fullmatch, state)):
        blocks[int(match[1])] = max(blocks.get(int(match[1]), 0), int(match[2]) + 1)
    first = next((w for name, w in state.items() if name.endswith("conv_init.weight")), None)
    if first is None or not blocks:
        return None
    described = {
        "_target_": "SegResNetDS",
        "spatial_dims": first.ndim - 2,
        "init_filters": len(first),
        "in_channels": "@in_channels",
        "out_channels": FEATURES,
        "blocks_down": [blocks[level] for level in sorted(blocks)],
    }
    settings = _settings(described, FEATURES, multiple=2 ** (len(blocks) - 1))
    return Recognized("CT-FM", first.ndim - 2, settings)


def _of_anatomix(state: Mapping[str, Tensor]) -> Recognized | None:
    """A numbered list of layers, of which every fourth convolution is a level's."""
    names = [name for name in state if re.fullmatch(r"model\.\d+\.weight", name)]
    layers = [state[name] for name in names if state[name].ndim > 3]
    if len(layers) < 8 or len(layers) % 4:
        return None
    depth, dims = len(layers) // 4 - 1, layers[0].ndim - 2
    arguments: dict[str, Any] = {
        "spatial_dims": dims,
        "out_channels": len(layers[-1]),
        "width": len(layers[0]),
        "depth": depth,
        "instance": "model.0.bias" in state,
    }
    with torch.device("meta"):
        if AnatomixBackbone(**arguments).state_dict().keys() != state.keys():
            return None
    target = {"_target_": "gemini_monai.networks.AnatomixBackbone", "in_channels": "@in_channels"}
    settings = _settings(target | arguments, len(layers[-1]), multiple=2 ** (depth + 1))
    return Recognized("anatomix", dims, settings)


def _of_ours(state: Mapping[str, Tensor]) -> Recognized | None:
    """The default U-Net, whatever stands before its names."""
    pattern = re.compile(r"(?:.*backbone\.)?encoder\.(\d+)\.0\.conv\.weight")
    found = {int(m[1]): state[m[0]] for m in map(pattern.fullmatch, state) if m}
    if len(found) < 2 or any("bottleneck." in name for name in state):
        return None
    channels = [len(found[level]) for level in sorted(found)]
    return Recognized("gemini_monai", found[0].ndim - 2, {"channels": channels})


def _settings(backbone: dict[str, Any], channels: int, *, multiple: int) -> dict[str, Any]:
    return {"backbone": backbone, "feature_channels": channels, "backbone_multiple": multiple}
