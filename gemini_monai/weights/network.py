"""Whole networks from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from gemini_monai.errors import InputError
from gemini_monai.weights.published import import_published, is_published

NESTED = ("network", "state_dict", "model")  # keys under which others keep the state dict


def read_state(path: Path) -> dict[str, Tensor]:
    """Weights of a file by our names, of whatever kind the file is.

    Raises:
        InputError: If the file is missing or not readable as weights.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such weights file; train first or give another path")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(f"{path}: not a readable weights file: {error}") from error
    saved = next((saved[key] for key in NESTED if isinstance(saved.get(key), Mapping)), saved)
    state = {str(key): value for key, value in saved.items() if isinstance(value, Tensor)}
    if is_published(state):
        return import_published(state)
    return {key.removeprefix("module."): value for key, value in state.items()}


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
    state = read_state(path)
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
