"""The configuration that MONAI is running, seen from one of its own expressions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from monai.bundle import ConfigParser

from gemini_monai import runs
from gemini_monai.base.errors import InputError
from gemini_monai.base.trust import evaluated
from gemini_monai.configuration.hardware import refuse_too_large_network
from gemini_monai.engines.processes import process_count
from gemini_monai.runs.settings import KNOBS, check_settings

PARTS = (
    "network_def",
    "objectives",
    "optimizer",
    "scheduler",
    "random_transforms",
    "corruption",
    "before",
    "after",
    "train#preprocessing",
    "train#streams",
)
"""What a configuration may set otherwise beside its knobs, and with it what training comes to."""


def running_parser() -> ConfigParser:
    """The parser that is evaluating the expression which calls this.

    MONAI hands an expression what it refers to and nothing else, so the parser is looked up among
    the callers.

    Raises:
        RuntimeError: If no configuration is running.
    """
    frame = inspect.currentframe()
    while frame is not None:
        parser = frame.f_locals.get("self")
        if isinstance(parser, ConfigParser):
            return parser
        frame = frame.f_back
    raise RuntimeError("no configuration is running: this is for expressions of one")


def check_knobs(*names: str) -> dict[str, Any]:
    """Knobs of the running configuration, checked.

    Args:
        names: Which; by default every one that it has.

    Raises:
        InputError: Naming a knob whose value cannot be.
    """
    parser = running_parser()
    known = (*KNOBS, "device", "transforms_on")
    every = [name for name in known if name in parser and name != "out_channels"]
    found = {name: parser.get_parsed_content(name) for name in names or every}
    check_settings(found)
    return found


def settings() -> dict[str, Any]:
    """Knobs of a training by name, checked, and what its ``spec`` says.

    Raises:
        InputError: Naming a knob whose value cannot be.
    """
    knobs, parser = check_knobs(), running_parser()
    for name in ("before", "after"):
        for own in getattr(parser.get_parsed_content("spec"), name):
            if not callable(own):
                raise InputError(f"key '{name}': expected transforms, got {own!r:.80}")
    _refuse_other_channels(parser)
    _refuse_too_large(parser, knobs)
    own = {
        "out_channels": parser.get_parsed_content("out_channels"),
        "backbone": described("backbone"),
    }
    return parser.get_parsed_content("spec").settings() | knobs | own


def _refuse_other_channels(parser: ConfigParser) -> None:
    """What the head gives out is what it is trained to: the structures, or the image restored."""
    spec, found = (parser.get_parsed_content(name) for name in ("spec", "out_channels"))
    task = parser.get("train#task")
    if task is None:  # the kept configuration of an early run
        return
    if task == "pre-training":
        expected, what = spec.in_channels, "channels of an image, which is what is restored"
    else:
        shown = "" if spec.overlapping else "background and "
        expected, what = spec.out_channels, f"{shown}the structures {', '.join(spec.structures)}"
    if found != expected:
        raise InputError(f"key 'out_channels': expected {expected}, {what}; got {found!r}")


def _refuse_too_large(parser: ConfigParser, knobs: Mapping[str, Any]) -> None:
    spec = parser.get_parsed_content("spec")
    refuse_too_large_network(
        spec.spatial_size[: spec.network_dims],
        in_channels=spec.in_channels,
        channels=knobs.get("channels", ()) if parser.get("backbone") is None else (),
        device=parser.get_parsed_content("device"),
    )


def described(name: str) -> Any:
    """A component of the running configuration as plain data, with the values of its references.

    An expression whose value no file can hold stays as it is written, and is refused by whoever
    would follow the description.

    Args:
        name: Its id.
    """
    parser = running_parser()
    raw = parser[name]
    if isinstance(raw, Mapping):
        return {key: described(f"{name}#{key}") for key in raw}
    if isinstance(raw, list):
        return [described(f"{name}#{place}") for place in range(len(raw))]
    if isinstance(raw, str) and raw.startswith("@") and isinstance(parser[raw[1:]], Mapping):
        return described(raw[1:])
    value = parser.get_parsed_content(name) if evaluated(raw) else raw
    return value if _is_plain(value) else raw


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def identity() -> dict[str, Any]:
    """All that decides what the running configuration's training comes to, for its checkpoint."""
    parser = running_parser()
    cohort = parser.get_parsed_content("cohort")
    together = {"processes": process_count()} if process_count() > 1 else {}
    return runs.training_identity(
        settings=parser.get_parsed_content("settings") | together,
        data=cohort.identities or cohort.identity,
        parts={name: parser[name] for name in PARTS if name in parser},
    )


def running_configuration() -> dict[str, Any]:
    """The running configuration as one file would hold it: every overlay and override in it."""
    content: dict[str, Any] = running_parser().config
    return {name: value for name, value in content.items() if name != ConfigParser.meta_key}
