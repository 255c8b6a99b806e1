"""A backbone as a file of its own, with a card that says where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing
from gemini_monai.runs import RunFolder, read_record
from gemini_monai.weights.backbone import PREFIX
from gemini_monai.weights.network import read_state
from gemini_monai.weights.tensors import read_tensors, write_state

PARTS = ("backbone", "encoder")
PREPROCESSING = (*("spatial_dims", "in_channels", "spacing", "spatial_size", "intensity", "color"),)
CARD = ("method", "dataset", "seed", "iterations", "command", "versions", "started")


def export_backbone(
    run: str | Path, output: str | Path, *, part: str = "backbone", overwrite: bool = False
) -> Path:
    """Write a run's backbone as ``{"state_dict": ..., "card": ...}``, or as safetensors.

    The file needs nothing of ours to be read: ``torch.load(file, weights_only=True)``, or
    ``safetensors.torch.load_file(file)`` where its name ends in ``.safetensors``. Names are
    those of ``UNetBackbone``; the card is JSON text with data and its hash, command, versions and
    the preprocessing that has to travel with the weights.

    Args:
        run: A run folder, with ``run.json`` and ``models/model.pt``.
        output: The file.
        part: ``"backbone"``, or ``"encoder"`` without its decoder.
        overwrite: Replace a file that is there.

    Returns:
        Where the file is; written beside and renamed. Two exports of one run are the same bytes.

    Raises:
        InputError: If the folder is not a run, its backbone has no such part, or the file is there.
        ValueError: If ``part`` is not one of the two.
    """
    if part not in PARTS:
        raise ValueError(f"part must be one of {PARTS}, got '{part}'")
    output, folder = Path(output), RunFolder(run)
    record = read_record(folder.path)
    refuse_existing([output], overwrite=overwrite, inputs=[folder.model])
    chosen = backbone_weights(folder, part=part)
    write_state(output, chosen, card=card_text(record, chosen, part=part))
    return output


def backbone_weights(folder: RunFolder, *, part: str = "backbone") -> dict[str, Tensor]:
    """Weights of a run's backbone by its own names.

    Args:
        folder: The run's.
        part: ``"backbone"`` or ``"encoder"``.

    Raises:
        InputError: If it has no such part.
    """
    state = read_state(folder.model)
    prefix = PREFIX if part == "backbone" else f"{PREFIX}encoder."
    cut = len(PREFIX)
    chosen = {key[cut:]: value for key, value in state.items() if key.startswith(prefix)}
    if not chosen:
        raise InputError(f"{folder.path}: its network has no weights that begin with '{prefix}'")
    return chosen


def card_text(
    record: Mapping[str, Any], weights: Mapping[str, Tensor], *, part: str = "backbone"
) -> str:
    """The card of a run's weights, as JSON.

    Args:
        record: Of the run.
        weights: What the card goes with.
        part: What they are.
    """
    return json.dumps({"part": part, **_card(record), "parameters": _count(weights)})


def read_card(path: str | Path) -> dict[str, Any]:
    """The card of an exported file.

    Raises:
        InputError: If the file is missing, unreadable, or has none.
    """
    try:
        return dict(json.loads(read_tensors(Path(path))["card"]))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not an exported backbone, it has no card") from error


def _card(content: Mapping[str, Any]) -> dict[str, Any]:
    settings = content["settings"]
    return {
        **{name: content.get(name) for name in CARD},
        "license_of_the_data": content.get("dataset", {}).get("license", "not recorded"),
        "channels": None if settings.get("backbone") else settings.get("channels"),
        "backbone": _backbone(settings),
        "preprocessing": {name: settings.get(name) for name in PREPROCESSING},
    }


def _backbone(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The network that the weights are of, as MONAI's configurations describe one."""
    own = {name: settings.get(name) for name in ("spatial_dims", "in_channels", "channels")}
    if settings.get("slices"):
        own["spatial_dims"] = 2
    default = {"_target_": "gemini_monai.networks.UNetBackbone", **own}
    return dict(settings.get("backbone") or default)


def _count(state: Mapping[str, Tensor]) -> int:
    """Numbers in all weights; one that has two names counts once."""
    return sum({value.data_ptr(): value.numel() for value in state.values()}.values())
