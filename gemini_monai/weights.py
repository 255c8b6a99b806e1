"""Weights: into a network, and from published checkpoints to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from gemini_monai.errors import InputError

_UNIT = {"0": "conv", "1": "adn.N", "3": "conv", "4": "adn.N"}  # published index -> our name


def load_network(network: nn.Module, path: str | Path) -> nn.Module:
    """Load every weight of a network from a file.

    Args:
        network: What receives the weights; returned.
        path: ``model.pt`` or ``last.pt`` of a run, or a published checkpoint.

    Raises:
        InputError: If the file is missing or unreadable, or a weight is missing, unexpected or of
            another shape; the first of them is named.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such weights file; train first or give another path")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{path}: not a readable weights file: {error}") from error
    state = saved.get("network", saved)
    if any(key.removeprefix("module.").startswith(("unet.", "res_conv.")) for key in state):
        state = import_published(state)
    _refuse_other_shapes(network.state_dict(), state, path=path)
    network.load_state_dict(state)
    return network


def _refuse_other_shapes(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor], *, path: Path
) -> None:
    for key in [*expected, *found]:
        ours = tuple(expected[key].shape) if key in expected else "nothing"
        theirs = tuple(found[key].shape) if key in found else "nothing"
        if ours != theirs:
            raise InputError(
                f"{path}: does not fit the network: '{key}' is {theirs} in the file, "
                f"{ours} in the network; check channels, structures and spatial_dims"
            )


def import_published(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the keys of a checkpoint of the authors' code to those of ``networks.Gemini``.

    Args:
        state_dict: ``unet.*``, ``deformer.*`` and ``res_conv.*``, with or without ``module.``.

    Returns:
        The same tensors under ``backbone.*``, ``deformer.*`` and ``head.*``.

    Raises:
        InputError: If a key is not one of the published ones; it is named.
    """
    names = {key: key.removeprefix("module.") for key in state_dict}
    stages = 1 + sum(
        bool(re.fullmatch(r"deformer\.0\.Conv\d+\.one_conv\.0\.weight", name))
        for name in names.values()
    )
    renamed = {_rename(name, stages=stages // 2): key for key, name in names.items()}
    return {ours: state_dict[key] for ours, key in renamed.items()}


def _rename(name: str, *, stages: int) -> str:
    if match := re.fullmatch(r"unet\.(inc|down\d+|up\d+)\..*double_conv\.([0134])\.(\w+)", name):
        block, index, kind = match.groups()
        return f"backbone.{_level(block)}.{int(index in '34')}.{_UNIT[index]}.{kind}"
    if match := re.fullmatch(r"deformer\.0\.Conv(\d+)\.one_conv\.([01])\.(\w+)", name):
        stage, index, kind = int(match[1]) - 1, match[2], match[3]
        place = f"encoder.{stage}" if stage < stages else f"decoder.{stage - stages}"
        return f"deformer.{place}.{_UNIT[index]}.{kind}"
    if match := re.fullmatch(r"deformer\.1\.(\w+)", name):
        return f"deformer.field.{match[1]}"
    if match := re.fullmatch(r"res_conv\.([013])\.(\w+)", name):
        index, kind = match.groups()
        return f"head.1.{kind}" if index == "3" else f"head.0.{_UNIT[index]}.{kind}"
    raise InputError(
        f"key '{name}': not of a published checkpoint, expected unet.*, deformer.* or res_conv.*"
    )


def _level(block: str) -> str:
    if block == "inc":
        return "encoder.0"
    number = int(re.sub(r"\D", "", block))
    return f"encoder.{number}" if block.startswith("down") else f"decoder.{number - 1}"
