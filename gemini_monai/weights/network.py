"""Whole networks from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gemini_monai.base.errors import InputError
from gemini_monai.networks.state import refuse_other_kinds, refuse_unusable
from gemini_monai.weights.published import import_published, is_published
from gemini_monai.weights.tensors import read_tensors

NESTED = ("network", "state_dict", "model_state_dict", "model", "network_weights", "weights")
"""Keys under which our own checkpoints, Lightning, MONAI and nnU-Net keep the state dict."""
WRAPPERS = ("module.", "_orig_mod.")
"""What DistributedDataParallel and ``torch.compile`` put before every name."""


def read_state(path: Path) -> dict[str, Tensor]:
    """Weights of a file by our names, of whatever kind the file is.

    Raises:
        InputError: If the file is missing, not readable as weights, or a weight is no finite real
            number.
    """
    return state_of(read_tensors(path), path=path)


def state_of(saved: dict[Any, Any], *, path: Path) -> dict[str, Tensor]:
    """Weights by our names, of what a file holds.

    Args:
        saved: Its content.
        path: For messages.

    Raises:
        InputError: If there are no weights in it, or one is no finite real number.
    """
    saved = _of_learner(saved)
    saved = next((saved[key] for key in NESTED if isinstance(saved.get(key), Mapping)), saved)
    state = {
        _unwrapped(str(key)): value for key, value in saved.items() if isinstance(value, Tensor)
    }
    if not state:
        raise InputError(f"{path}: no weights in it, but {_listed(saved)}")
    refuse_unusable(state, where=str(path))
    return import_published(state) if is_published(state) else state


def _of_learner(saved: dict[Any, Any]) -> dict[Any, Any]:
    """The network alone of a ``last.pt``, whose objectives are thrown away after training."""
    own = saved.get("learner")
    if not isinstance(own, Mapping):
        return saved
    prefix = "network."
    return {
        name.removeprefix(prefix): value for name, value in own.items() if name.startswith(prefix)
    }


def _unwrapped(name: str) -> str:
    while name.startswith(WRAPPERS):
        name = name.split(".", 1)[1]
    return name.replace("._orig_mod.", ".")


def _listed(names: Iterable[Any], *, most: int = 3) -> str:
    names = [str(name) for name in names]
    return ", ".join(f"'{name}'" for name in names[:most]) or "nothing"


def load_network(network: nn.Module, path: str | Path) -> nn.Module:
    """Load every weight of a network from a file.

    Args:
        network: What receives the weights; returned.
        path: ``model.pt`` or ``last.pt`` of a run, or a published checkpoint.

    Raises:
        InputError: As ``fitting_weights``; the network is unchanged then.
    """
    network.load_state_dict(fitting_weights(network, path))
    return network


def fitting_weights(network: nn.Module, path: str | Path) -> dict[str, Tensor]:
    """Every weight of a network by its names, from a file, without loading them.

    Args:
        network: What they are for.
        path: As of ``load_network``.

    Raises:
        InputError: If the file is missing or unreadable, or a weight is missing, unexpected, not
            finite, or of another shape or kind of number; the first of them is named.
    """
    path = Path(path)
    expected = network.state_dict()
    state = without_prefix(read_state(path), expected)
    _refuse_other_shapes(expected, state, path=path)
    refuse_other_kinds(expected, state, where=str(path))
    return state


def without_prefix(state: Mapping[str, Tensor], expected: Iterable[str]) -> dict[str, Tensor]:
    """Weights by the names that are expected, where all of them have a prefix such as ``net.``.

    The prefix is the one that brings most names to expected ones; without any, the names stay.
    """
    known = set(expected)
    first = [name[: -len(own)] for name in [*state][:50] for own in known if name.endswith(own)]
    prefixes = {"", *first}
    best = max(sorted(prefixes, key=len), key=lambda prefix: _hits(state, known, prefix))
    return {name.removeprefix(best): v for name, v in state.items() if name.startswith(best)}


def _hits(state: Mapping[str, Tensor], known: set[str], prefix: str) -> int:
    return sum(name.startswith(prefix) and name.removeprefix(prefix) in known for name in state)


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
