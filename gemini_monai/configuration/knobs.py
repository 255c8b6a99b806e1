"""The knobs of the running configuration: checked, gathered, and what they decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from monai.bundle import ConfigParser

from gemini_monai import runs
from gemini_monai.base.errors import InputError
from gemini_monai.configuration.hardware import refuse_too_large_network
from gemini_monai.configuration.parser_access import (
    described,
    has_key,
    running_parser,
    written_components,
)
from gemini_monai.data import Cohort
from gemini_monai.engines.processes import process_count
from gemini_monai.networks import NETWORK_SETTINGS
from gemini_monai.runs.alike import WHOLE
from gemini_monai.runs.settings import KNOBS, USED, check_settings
from gemini_monai.transforms import InputSpec
from gemini_monai.transforms.input import refuse_without

VIEW_SETTINGS = tuple(field.name for field in fields(InputSpec))
"""Knobs of how images are seen."""
OF_DATA = ("spatial_dims", "in_channels", "reference")
"""Those that the data set says, also where a run of other data is scored on it."""
RECORDED = "recorded"
"""Key of a run's settings, where a configuration of a training scores that run."""
PARTS = (
    *("optimizer", "scheduler", "augmentations", "random_transforms", "view_transforms"),
    "corruption",
    *("before", "after", "network_def", "train#preprocessing", "train#dataset"),
)
"""What a configuration may set otherwise beside its knobs, and with it what training comes to."""
STEP_OF = {"spacing": "grid", "orientation": "orientation", "intensity": "intensity"}
"""Where a knob that is the data set's own is used, if it is given."""
OF_TRAINER = ("update", "seed")
"""The same, of its trainer."""


def check_knobs(*names: str) -> dict[str, Any]:
    """Knobs of the running configuration, checked.

    Args:
        names: Which; by default every one that it has.

    Raises:
        InputError: Naming a knob whose value cannot be.
    """
    parser = running_parser()
    every = [name for name in (*KNOBS, "device", "transforms_on") if has_key(parser, name)]
    chosen = names or [name for name in every if name != "out_channels"]
    found = {name: _knob(parser, name) for name in chosen}
    used = {name: parser.get_parsed_content(name) for name in USED if has_key(parser, name)}
    check_settings(found | used)
    _check_given(parser)
    return found


def _knob(parser: ConfigParser, name: str) -> Any:
    """Its value; that of the run where one is scored, which decides its network and its view."""
    if has_key(parser, RECORDED) and name not in OF_DATA:
        settings: dict[str, Any] = parser.get_parsed_content(RECORDED)
        if name in settings and name in (*NETWORK_SETTINGS, *VIEW_SETTINGS) and name not in WHOLE:
            return settings[name]
    return parser.get_parsed_content(name)


def _check_given(parser: ConfigParser) -> None:
    """What a configuration that uses a run says of its view, as by ``--spec#spacing``."""
    spec = parser["spec"] if has_key(parser, "spec") else None
    if isinstance(spec, Mapping):
        given = {name: parser.get_parsed_content(f"spec#{name}") for name in spec if name in KNOBS}
        check_settings(given, where="spec: ")


def input_spec(cohort: Cohort) -> InputSpec:
    """How the network sees images, by the knobs of the running configuration.

    Args:
        cohort: What the knobs do not say is the cohort's own.

    Raises:
        InputError: As ``Cohort.input_spec``.
    """
    parser = running_parser()
    return cohort.input_spec(
        **{name: _knob(parser, name) for name in VIEW_SETTINGS if has_key(parser, name)}
    )


def settings() -> dict[str, Any]:
    """Knobs of a training by name, checked, and what its ``spec`` says.

    Raises:
        InputError: Naming a knob whose value cannot be.
    """
    knobs, parser = check_knobs(), running_parser()
    spec = parser.get_parsed_content("spec")
    for name in ("before", "after"):
        for transform in getattr(spec, name):
            if not callable(transform):
                raise InputError(f"key '{name}': expected transforms, got {transform!r:.80}")
    for name, step in STEP_OF.items():
        written = parser[name] if has_key(parser, name) else None
        if written is not None and not str(written).startswith("$@cohort."):
            refuse_without(step, spec.preprocessing_steps, key=name)
    _refuse_other_channels(parser, spec)
    _refuse_too_large(parser, spec, knobs)
    scored = has_key(parser, RECORDED)
    backbone = parser.get_parsed_content(RECORDED)["backbone"] if scored else described("backbone")
    channels = {"out_channels": parser.get_parsed_content("out_channels"), "backbone": backbone}
    found: dict[str, Any] = spec.settings() | knobs | channels
    return found


def _refuse_other_channels(parser: ConfigParser, spec: InputSpec) -> None:
    """What the head gives out is what it is trained to: the structures, or the image restored."""
    found = parser.get_parsed_content("out_channels")
    if parser.get_parsed_content("train#task") == "pre-training":
        expected, what = spec.in_channels, "channels of an image, which is what is restored"
    else:
        shown = "" if spec.overlapping else "background and "
        expected, what = spec.out_channels, f"{shown}the structures {', '.join(spec.structures)}"
    if found != expected:
        raise InputError(f"key 'out_channels': expected {expected}, {what}; got {found!r}")


def _refuse_too_large(parser: ConfigParser, spec: InputSpec, knobs: Mapping[str, Any]) -> None:
    refuse_too_large_network(
        spec.spatial_size[: spec.network_dims],
        in_channels=spec.in_channels,
        channels=knobs.get("channels", ()) if parser["backbone"] is None else (),
        device=parser.get_parsed_content("device"),
    )


def identity() -> dict[str, Any]:
    """All that decides what the running configuration's training comes to, for its checkpoint."""
    parser = running_parser()
    cohort = parser.get_parsed_content("cohort")
    together = {"processes": process_count()} if process_count() > 1 else {}
    return runs.training_identity(
        settings=parser.get_parsed_content("settings") | together,
        data=cohort.identities or cohort.identity,
        parts={name: parser[name] for name in PARTS if has_key(parser, name)}
        | {"objectives": written_components("objectives"), "train#trainer": _of_trainer(parser)},
    )


def _of_trainer(parser: ConfigParser) -> dict[str, Any]:
    """Of trainer and handlers, as it stands."""
    trainer, handlers = parser["train#trainer"], parser["train#handlers"]
    rate = [own for own in handlers if "LrScheduleHandler" in str(own)]
    return {name: trainer[name] for name in OF_TRAINER if name in trainer} | {"rate": rate}
