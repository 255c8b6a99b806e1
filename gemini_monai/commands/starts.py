"""The starts of a comparison: a name, a source and the network that its weights belong to."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.commands.early import refuse_absent_pretrained
from gemini_monai.commands.monai_call import Call
from gemini_monai.commands.monai_run import finetuning_call
from gemini_monai.commands.start_network import (
    NETWORK,
    NONE,
    names_network,
    network_of_start,
    options_of,
    other_network,
    refuse_other_dims,
    run_of_start,
)

SCRATCH = "scratch"
"""Name of the arm that starts from nothing, and the beginning of those with other networks."""


def starts_of(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Sources, and more of their fine-tunings, by the names of the starts.

    Args:
        words: ``[NAME=]SOURCE [--KEY VALUE ...]`` each; ``none`` is passed over, as it is always
            compared.

    Raises:
        InputError: If a source is not there, nothing but ``none`` is given, or two have one name.
    """
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        source, *more = shlex.split(word) or [""]
        name, equals, path = source.partition("=")
        path = path if equals else source
        if path == NONE:
            continue
        refuse_absent_pretrained(path)
        name = re.sub(r"[^\w.+]+", "_", name if equals else Path(path).stem) or "start"
        if name in found or name.partition("_")[0] == SCRATCH:
            raise InputError(f"{word}: the name '{name}' is another start's; give NAME={path}")
        found[name] = (path, *more)
    if not found:
        raise InputError("compare: no start given but none; give a run or a file of weights")
    return found


def with_networks(
    starts: Mapping[str, Sequence[str]], *, data: str, overrides: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """The starts with the networks that their weights belong to, each network from scratch, too.

    A network that is given by hand, for one start or for all, is taken as it is.

    Args:
        starts: As of ``starts_of``.
        data: The prepared data set.
        overrides: Of every fine-tuning.

    Raises:
        InputError: If weights are of a transformer of patches, or of a network for images of other
            dimensions.
    """
    found: dict[str, tuple[str, ...]] = {}
    networks: dict[tuple[str, ...], str] = {(): SCRATCH}
    for name, (source, *more) in starts.items():
        words = (*more, *_network_words(source, [*overrides, *more], data=data))
        found[name] = (source, *words)
        networks.setdefault(words, f"{SCRATCH}_{name}")
    scratch = {name: (NONE, *words) for words, name in networks.items() if words}
    return found | scratch


def _network_words(source: str, given: Sequence[str], *, data: str) -> list[str]:
    """What a fine-tuning is told of the network, where it would have another one."""
    overlays = [value for key, value in itertools.pairwise(given) if key == "--overlay"]
    call = finetuning_call(data, NONE, overlays, given)
    if names_network(given, call.layers[len(call.files) :]):
        return []
    return options_of(other_network(_network_of(source, call), call))


def _network_of(source: str, call: Call) -> dict[str, Any]:
    """By the record of a run, or by the layout of a file; nothing where neither is known."""
    folder = run_of_start(source)
    if folder is not None:
        return network_of_start(folder, call)
    if not Path(source).is_file():
        return {}
    from gemini_monai.weights import network_of_weights

    found = network_of_weights(source)
    if found is None:
        return {}
    refuse_other_dims(f"{source}: weights of {found.name}", found.spatial_dims, call)
    return {name: value for name, value in found.settings.items() if name in NETWORK}
