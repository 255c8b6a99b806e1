"""The network of what a training starts from, so that its weights fit without a word more."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import command_line_overrides
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.presence import downloaded_bundles
from gemini_monai.base.trust import BACKBONE
from gemini_monai.commands.length import knob
from gemini_monai.commands.monai_call import Call
from gemini_monai.runs import read_record

NONE = "none"
NETWORK = ("channels", BACKBONE, "feature_channels", "backbone_multiple")
"""Knobs of what weights of a backbone are for; deformer and fields are not."""


def with_network_of_start(
    call: Call, *, given: Sequence[str], method: str | Path | None = None
) -> Call:
    """The same training with the network that the record of its start has, and a line that says so.

    A network that a person gave, by a word, an overlay or a method, is taken as it is.

    Args:
        call: A training that may have ``--pretrained``.
        given: The words of its options that a person typed.
        method: The overlay of its method; ``None`` for none.

    Raises:
        InputError: If the record cannot be, or is of a network for images of other dimensions.
    """
    source = command_line_overrides(call.options).get("pretrained")
    folder = run_of_start(source) if isinstance(source, str) else None
    files = [*call.layers[len(call.files) :], *([method] if method is not None else [])]
    absent = not all(Path(file).is_file() for file in call.layers)  # which the call refuses
    if folder is None or absent or names_network(given, files):
        return call
    network = other_network(network_of_start(folder, call), call)
    if not network:
        return call
    told = ", ".join(f"{name} {value}" for name, value in network.items())
    words = options_of(network)
    return replace(call, options=[*call.options, *words], note=f"as {source} has it: {told}")


def run_of_start(source: str) -> Path | None:
    """The folder whose record says which network weights belong to; ``None`` where none does.

    Args:
        source: Of ``--pretrained``: a folder of a run, an archive or released weights, the name of
            a bundle, or a file in ``models`` of one of them.
    """
    if source == NONE:
        return None
    folders = [Path(source), Path("bundles") / source, downloaded_bundles() / source]
    if Path(source).is_file() and Path(source).absolute().parent.name == "models":
        folders = [Path(source).absolute().parent.parent]
    return next((folder for folder in folders if (folder / "run.json").is_file()), None)


def network_of_record(folder: Path, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Knobs of the network of a run or archive, which may be anybody's.

    Args:
        folder: Of the run.
        names: Which knobs; ``None`` for all of a network.

    Raises:
        InputError: If the record is not there, or its backbone is more than data.
    """
    settings = read_record(folder)["settings"]
    if names is None:
        from gemini_monai.networks import NETWORK_SETTINGS

        names = NETWORK_SETTINGS
    known = {name: settings[name] for name in names if settings.get(name) is not None}
    if BACKBONE in known:
        from gemini_monai.networks import checked_description

        known[BACKBONE] = checked_description(known[BACKBONE], f"{folder}: {BACKBONE}")
    return known


def network_of_start(folder: Path, call: Call) -> dict[str, Any]:
    """Knobs of the network that weights of a run are for, whatever channels images have.

    Args:
        folder: Of the run.
        call: The training that starts from them.

    Raises:
        InputError: As ``network_of_record`` and ``refuse_other_dims``.
    """
    settings = read_record(folder)["settings"]
    dims = 2 if settings.get("slices") else settings.get("spatial_dims")
    refuse_other_dims(f"{folder}: weights", dims, call)
    network = network_of_record(folder, NETWORK)
    if "in_channels" in network.get(BACKBONE, {}):
        network[BACKBONE] |= {"in_channels": "@in_channels"}
    return network


def refuse_other_dims(weights: str, dims: int | None, call: Call) -> None:
    """Stop at weights for images of other dimensions than a training sees, if both are known.

    Args:
        weights: What they are called in the message.
        dims: Of the images that they are for.
        call: The training.

    Raises:
        InputError: Naming both.
    """
    seen, data = _dims_seen(call)
    if dims is None or seen is None or dims == seen:
        return
    also = ", or --slices True" if (dims, seen) == (2, 3) else ""
    raise InputError(
        f"{weights} for {dims}-D images, those of {data} are {seen}-D; give a start of "
        f"{seen}-D images{also}"
    )


def _dims_seen(call: Call) -> tuple[int | None, Path | None]:
    """Dimensions of what the network of a training sees, and the data set."""
    given = command_line_overrides(call.options)
    path = Path(str(given.get("datalist", Path(str(given.get("dataset_dir"))) / "dataset.json")))
    if not path.is_file():
        return None, None
    dims = read_json(path, dict).get("spatial_dims")
    return (2 if knob(call, "slices") is True else dims), path.parent


def other_network(network: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """What a training would have otherwise.

    Args:
        network: Knobs by name.
        call: The training.
    """
    return {name: own for name, own in network.items() if own != knob(call, name)}


def options_of(network: Mapping[str, Any]) -> list[str]:
    """Knobs as words of a command line."""
    return [word for name, value in network.items() for word in (f"--{name}", str(value))]


def names_network(words: Iterable[str], files: Iterable[str | Path]) -> bool:
    """Whether options or overlays say something of the network.

    Args:
        words: Options, as on a command line.
        files: Overlays; those that are not there are passed over.
    """
    keys = {word.removeprefix("--").partition("=")[0] for word in words if word.startswith("--")}
    found = [read_json(Path(file), dict) for file in files if Path(file).is_file()]
    return bool({*keys, *itertools.chain(*found)} & {*NETWORK})
