"""The starts of a comparison: a name, a source and the network that its weights belong to."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.commands.early import refuse_absent_pretrained
from gemini_monai.commands.length import knob
from gemini_monai.commands.monai_run import finetuning_call, network_of_record

NONE = "none"
SCRATCH = "scratch"
"""Name of the arm that starts from nothing, and the beginning of those with other networks."""
NETWORK = ("channels", "backbone", "feature_channels", "backbone_multiple")
"""Knobs of what is fine-tuned; deformer and fields are not."""


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
    call = finetuning_call(data, NONE, [], given)
    if _names_network(given):
        return []
    own = {name: value for name, value in _network_of(source, data=data).items() if name in NETWORK}
    other = {name: value for name, value in own.items() if value != knob(call, name)}
    return [word for name, value in other.items() for word in (f"--{name}", str(value))]


def _names_network(words: Sequence[str]) -> bool:
    """Whether an option or an overlay among the options says something of the network."""
    files = [value for key, value in itertools.pairwise(words) if key == "--overlay"]
    keys = {key.removeprefix("--").partition("=")[0] for key in words}
    return any({*keys, *_keys(file)} & {*NETWORK} for file in ["", *files])


def _keys(file: str) -> set[str]:
    return set(read_json(Path(file), dict)) if file else set()


def _network_of(source: str, *, data: str) -> dict[str, Any]:
    """By the record of a run, or by the layout of a file; nothing where neither is known."""
    if (Path(source) / "run.json").is_file():
        return network_of_record(Path(source))
    if not Path(source).is_file():
        return {}
    from gemini_monai.weights import network_of_weights

    found = network_of_weights(source)
    dims = read_json(Path(data) / "dataset.json", dict)["spatial_dims"]
    if found is not None and found.spatial_dims != dims:
        raise InputError(
            f"{source}: weights of {found.name} for {found.spatial_dims}-D images, those of {data} "
            f"are {dims}-D; give a start of {dims}-D images"
        )
    return found.settings if found is not None else {}
