"""A backbone as a file of its own, with a card that says where it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gemini_monai.errors import InputError
from gemini_monai.files import replacing
from gemini_monai.weights.backbone import PREFIX
from gemini_monai.weights.network import read_state

PARTS = ("backbone", "encoder")
PREPROCESSING = ("spatial_dims", "in_channels", "spacing", "spatial_size", "intensity")
CARD = ("method", "dataset", "seed", "iterations", "command", "versions", "started")


def export_backbone(run: str | Path, output: str | Path, *, part: str = "backbone") -> Path:
    """Write a run's backbone as ``{"state_dict": ..., "card": ...}``.

    The file needs nothing of ours to be read: ``torch.load(file, weights_only=True)``. Names are
    those of ``UNetBackbone``; the card is JSON text with data and its hash, command, versions and
    the preprocessing that has to travel with the weights.

    Args:
        run: A run folder, with ``run.json`` and ``models/model.pt``.
        output: The file.
        part: ``"backbone"``, or ``"encoder"`` without its decoder.

    Returns:
        Where the file is; written beside and renamed.

    Raises:
        InputError: If the folder is not a run, or its backbone has no such part.
        ValueError: If ``part`` is not one of the two.
    """
    if part not in PARTS:
        raise ValueError(f"part must be one of {PARTS}, got '{part}'")
    run, output = Path(run), Path(output)
    state = read_state(run / "models" / "model.pt")
    prefix = PREFIX if part == "backbone" else f"{PREFIX}encoder."
    cut = len(PREFIX)
    chosen = {key[cut:]: value for key, value in state.items() if key.startswith(prefix)}
    if not chosen:
        raise InputError(f"{run}: its network has no weights that begin with '{prefix}'")
    card = {"part": part, **_card(run / "run.json"), "parameters": _count(chosen)}
    with replacing(output) as file:
        torch.save({"state_dict": chosen, "card": json.dumps(card)}, file)
    return output


def read_card(path: str | Path) -> dict[str, Any]:
    """The card of an exported file.

    Raises:
        InputError: If the file is missing, unreadable, or has none.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        card = json.loads(saved["card"])
    except Exception as error:
        raise InputError(f"{path}: not an exported backbone, it has no card") from error
    return dict(card)


def _card(record: Path) -> dict[str, Any]:
    try:
        content = json.loads(record.read_text())
        settings = content["settings"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{record}: not the record of a run: {error}") from error
    return {
        **{name: content.get(name) for name in CARD},
        "licence_of_the_data": content.get("dataset", {}).get("licence", "not recorded"),
        "channels": settings.get("channels"),
        "preprocessing": {name: settings.get(name) for name in PREPROCESSING},
    }


def _count(state: dict[str, Tensor]) -> int:
    return sum(value.numel() for value in state.values())
