"""Published checkpoints of the authors' code: their keys as ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from gemini_monai.base.errors import InputError

_UNIT = {"0": "conv", "1": "adn.N", "3": "conv", "4": "adn.N"}  # published index -> our name


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


def is_published(state_dict: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of the authors' code."""
    names = (key.removeprefix("module.") for key in state_dict)
    return any(name.startswith(("unet.", "res_conv.")) for name in names)


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
