"""``last.pt`` of a run that is to go on: read, and refused by name where it was changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gemini_monai.base.errors import InputError
from gemini_monai.networks.state import refuse_other_kinds, refuse_unusable

WHOLE = ("iteration", "epoch", "best_metric_epoch")
"""Whole numbers in it; ``best_metric`` is another number, and NaN before there is one."""


def read_last(path: Path, *, parts: Iterable[str], epoch_length: int) -> dict[str, Any]:
    """The last checkpoint, as a whole.

    Args:
        path: The file.
        parts: Names of what has a state in it, beside the position and the best score.
        epoch_length: Iterations an epoch; it was written at the end of one.

    Raises:
        InputError: If it is damaged, of an earlier version, or lacks a value or has one that no run
            writes.
    """
    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        missing = [name for name in (*parts, *WHOLE, "best_metric") if name not in saved]
    except Exception as error:
        raise not_taken_up(path, "it is damaged, or no checkpoint") from error
    if "network" in saved or "settings" not in saved:
        raise not_taken_up(
            path, "an earlier version wrote it; its weights can be used, but to go on, train anew"
        )
    if missing:
        raise not_taken_up(path, f"it has no '{missing[0]}'")
    _refuse_changed(saved, path, epoch_length=epoch_length)
    return saved


def _refuse_changed(saved: Mapping[str, Any], path: Path, *, epoch_length: int) -> None:
    wrong = [name for name in WHOLE if type(saved[name]) is not int]
    wrong += ["best_metric"] * (not isinstance(saved["best_metric"], float))
    wrong += ["settings"] * (not _is_object(saved["settings"]))
    if wrong:
        raise not_taken_up(path, f"'{wrong[0]}' was changed to {saved[wrong[0]]!r:.80}")
    iteration, epoch = saved["iteration"], saved["epoch"]
    if epoch < 1 or iteration != epoch * epoch_length:
        raise not_taken_up(
            path,
            f"iteration {iteration} is not the end of epoch {epoch} of {epoch_length} iterations",
        )


def _is_object(text: Any) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (TypeError, ValueError):
        return False


def not_taken_up(path: Path, reason: str) -> InputError:
    """The error of a run that cannot go on."""
    return InputError(f"{path}: cannot go on from this checkpoint: {reason}")


def refuse_lost_model(model: Path, network: nn.Module, *, last: Path) -> None:
    """Stop where the best network so far, which is tested at the end, is gone.

    Args:
        model: ``model.pt`` of the run.
        network: What it is of.
        last: The checkpoint that goes on.

    Raises:
        InputError: If it is not there, damaged, or of another network.
    """
    expected = network.state_dict()
    try:
        best: dict[str, Tensor] = torch.load(model, map_location="cpu", weights_only=True)
        fits = {name: value.shape for name, value in best.items()} == {
            name: value.shape for name, value in expected.items()
        }
    except Exception:
        fits = False
    if not fits:
        raise InputError(
            f"{model}: the best network before {last} is not there, or damaged; put it back, or "
            "train anew in another --output_dir"
        )
    refuse_unusable(best, where=str(model))
    refuse_other_kinds(expected, best, where=str(model))
