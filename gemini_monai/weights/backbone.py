"""A pre-trained backbone into a network of one's own, with an account of what was loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gemini_monai.base.errors import InputError
from gemini_monai.networks.state import refuse_other_kinds
from gemini_monai.runs import RunFolder, recover_for_reading
from gemini_monai.weights.network import state_of, without_prefix
from gemini_monai.weights.recognized import PLAN, recognized
from gemini_monai.weights.tensors import read_tensors

PREFIX = "backbone."
ENCODER = "encoder."
"""Names of what such a checkpoint hands over at least."""


class LoadedBackbone(NamedTuple):
    """Names of weights, without the prefix."""

    matched: list[str]
    """Loaded as they are."""
    adapted: list[str]
    """Loaded after a change of the number of input channels."""
    missing: list[str]
    """In the network only, or of another shape: they keep their values."""
    unexpected: list[str]
    """In the source only, or of another shape."""

    def table(self) -> str:
        """One line per kind: how many, and the first names."""
        rows = []
        for kind, names in self._asdict().items():
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            rows.append(
                f"{kind:>11}  {len(names):>4}  {shown if kind != 'matched' else ''}".rstrip()
            )
        return "\n".join(rows)


def load_backbone(
    network: nn.Module, source: str | Path, *, min_share: float = 0.95, verbose: bool = True
) -> LoadedBackbone:
    """Load the backbone of a checkpoint, and nothing else of it, into a network.

    Args:
        network: Has a ``backbone`` (a ``Gemini``), or is one.
        source: A checkpoint (ours, of DistributedDataParallel, of the authors' code, of nnU-Net or
            nnssl, or a state dict of the backbone alone, or of its encoder alone, as those of
            torchvision, MedicalNet and CT-FM are), or a run's or bundle's folder, or a
            bundle's name below ``bundles`` or where ``monai.bundle download`` puts it.
        min_share: Least share of the backbone's weights that must be loaded; of its encoder's,
            where the file has the encoder alone or nnssl's adaptation plan says that it is what is
            handed over.
        verbose: Print the account.

    Returns:
        What was loaded and what was not.

    Raises:
        InputError: If the source is missing or unreadable, its weights are no finite real numbers,
            or too little of it fits; the network is unchanged then.
    """
    target: nn.Module = getattr(network, "backbone", network)
    path = _checkpoint(source)
    expected = target.state_dict()
    saved = read_tensors(path)
    found = _backbone_of(state_of(saved, path=path), expected)
    alone = _encoder_alone(found, expected)
    found = alone or found
    chosen = {key: _adapted(found[key], expected[key]) for key in expected if key in found}
    weights = {key: value for key, value in chosen.items() if value.shape == expected[key].shape}
    loaded = LoadedBackbone(
        matched=[key for key in weights if found[key].shape == expected[key].shape],
        adapted=[key for key in weights if found[key].shape != expected[key].shape],
        missing=_missing(expected, weights),
        unexpected=[key for key in found if key not in weights],
    )
    part = "encoder" if PLAN in saved or alone else "backbone"
    needed = [key for key in expected if part == "backbone" or key.startswith(ENCODER)]
    fitting = sum(key in weights for key in needed)
    share = fitting / max(1, len(needed))
    if share < min_share:
        own = recognized(saved, path=path)
        raise InputError(
            f"{path}: only {fitting} of the {part}'s {len(needed)} weights fit "
            f"({100 * share:.0f} %, at least {100 * min_share:.0f} % expected); first missing: "
            f"'{loaded.missing[0]}'{_instead(found, expected, loaded)}; "
            + (own.advice(path) if own else "check channels and spatial_dims")
        )
    refuse_other_kinds(expected, weights, where=str(path))
    target.load_state_dict({**expected, **weights})
    if verbose:
        print(f"backbone from {path}\n{loaded.table()}")
    return loaded


def _checkpoint(source: str | Path) -> Path:
    """The file that a path, a folder or a bundle's name stands for."""
    source = Path(source)
    places = [source, Path("bundles") / source, Path(torch.hub.get_dir()) / "bundle" / source]
    for place in places:
        if place.is_dir():
            recover_for_reading(place)
            return RunFolder(place).model
    return source


def _backbone_of(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Entries below ``backbone.``, whatever stands before it, or all of a backbone saved alone."""
    inside = {
        key.partition(PREFIX)[2]: value
        for key, value in state.items()
        if key.startswith(PREFIX) or f".{PREFIX}" in key
    }
    return inside or without_prefix(state, expected)


def _encoder_alone(
    state: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The weights by the backbone's names, where they are an encoder's by its own; else nothing."""
    if any(key in expected for key in state):
        return {}
    inside = {ENCODER + key: value for key, value in state.items()}
    return inside if any(key in expected for key in inside) else {}


def _missing(expected: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> list[str]:
    """Names without a weight; one of a tensor that has another name with one does not count."""
    loaded = {expected[key].data_ptr() for key in weights}
    return [k for k, own in expected.items() if k not in weights and own.data_ptr() not in loaded]


def _instead(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor], loaded: LoadedBackbone
) -> str:
    """What the file has in the place of the first that is missing."""
    first = loaded.missing[0]
    if first in found:
        shapes = (list(weights[first].shape) for weights in (found, expected))
        return ", which is {} in the file and {} here".format(*shapes)
    if loaded.matched or loaded.adapted or not found:
        return ""
    return f", the file has '{next(iter(found))}' and so on"


def _adapted(weight: Tensor, expected: Tensor) -> Tensor:
    """A convolution's weight for another number of input channels; anything else as it is.

    Each new channel gets the mean over the old ones, scaled so that their sum stays.
    """
    ours, theirs = expected.shape, weight.shape
    fits = len(ours) == len(theirs) > 2 and ours[0] == theirs[0] and ours[2:] == theirs[2:]
    if not fits or ours[1] == theirs[1]:
        return weight
    if 1 not in (ours[1], theirs[1]):
        return weight
    mean = weight.mean(dim=1, keepdim=True)
    return mean.expand(ours).clone() * (theirs[1] / ours[1])
