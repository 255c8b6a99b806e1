"""What a run recorded of itself, for configurations that use or score it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import command_line_overrides, is_bundle_run
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.trust import configurations_of, evaluated
from gemini_monai.configuration.knobs import VIEW_SETTINGS
from gemini_monai.configuration.parser_access import running_configuration
from gemini_monai.configuration.references import is_referred_to
from gemini_monai.data.phantom import phantom_cohort
from gemini_monai.networks import NETWORK_SETTINGS
from gemini_monai.runs import RunFolder, check_settings, run_settings
from gemini_monai.runs.alike import WHOLE
from gemini_monai.runs.identity import flat

SCORING = ("cohort", "spec", "network_def", "validate.inferer", "test")
"""Parts of a configuration that scores depend on, and that a record does not have."""
EARLY = (None, "gemini_monai.networks.Gemini")
"""What makes the network of early configurations, whose parts are written otherwise."""


def settings_of_run(
    run_dir: str | Path,
    *,
    bundle_root: str | Path,
    before: Sequence[Callable[..., Any]] = (),
    after: Sequence[Callable[..., Any]] = (),
) -> dict[str, Any]:
    """Settings of a run by name, and its ``method``, ``seed`` and ``registers``.

    Args:
        run_dir: The run folder; where there is none yet, the settings of an untrained network.
        bundle_root: The bundle, which knows these.
        before: Transforms of one's own, which must be those of the training.
        after: Likewise.

    Raises:
        InputError: If ``run.json`` is damaged, or is of other transforms.
    """
    if RunFolder(run_dir).record.is_file():
        return run_settings(run_dir, transforms={"before": before, "after": after})
    return untrained_settings(bundle_root)


def untrained_settings(bundle_root: str | Path) -> dict[str, Any]:
    """Settings of a bundle's training on the 2-D phantom, as far as network and view need them.

    Args:
        bundle_root: The bundle.
    """
    training = read_json(configurations_of(bundle_root) / "train.json", dict)
    network = {name: training[name] for name in NETWORK_SETTINGS}
    view = phantom_cohort("dataset.json").input_spec().settings()
    restores = training["train"]["task"] == "pre-training"
    channels = {"out_channels": view["in_channels"]} if restores else {}
    return {"method": "", "seed": 0, "registers": True} | view | network | channels


def kept_knob(run_dir: str | Path, name: str, default: Any) -> Any:
    """A knob that decides nothing of a training, so that its record does not have it.

    Args:
        run_dir: The run folder.
        name: The knob's.
        default: Where the configuration that the run kept has no plain value of it.

    Raises:
        InputError: If the value cannot be.
    """
    path = RunFolder(run_dir).configuration
    value = read_json(path, dict).get(name) if path.is_file() else None
    if value is None or evaluated(value):
        return default
    check_settings({name: value}, where=f"{path}: ")
    return value


def refuse_other_scoring(run_dir: str | Path) -> None:
    """Stop where the run was trained with another part than the running configuration has.

    The ``config.json`` that the run kept is compared as text, and nothing of it is evaluated. What
    the command line sets is meant, but for what the run recorded; a part that it lacks is of a
    later version. That of an early version is written otherwise, which is said.

    Args:
        run_dir: The run folder; an archive has kept no configuration.

    Raises:
        InputError: Naming the first part that differs, or a knob that is the run's.
    """
    path, given = RunFolder(run_dir).configuration, _given()
    for name in (*NETWORK_SETTINGS, *VIEW_SETTINGS):
        if name in given and name not in ("backbone", "before", "after", *WHOLE):
            record = RunFolder(run_dir).record
            raise InputError(f"key '{name}': is what the run was trained with, {record}")
    if not path.is_file():
        return
    kept = read_json(path, dict)
    made = kept.get("network_def", {})
    if isinstance(made, Mapping) and made.get("_target_") in EARLY:
        message = "%s: of an early version; whether an overlay changed how it is scored is not told"
        logging.getLogger(__name__).warning(message, path)
        return
    now = _scoring(json.loads(json.dumps(running_configuration(), default=str)))
    for name, trained in _scoring(kept).items():
        key = name.replace(".", "#").rstrip("#")
        if trained != now.get(name) and not is_referred_to(key, given):
            raise InputError(
                f"{path}: trained with another '{key}'; give the overlay of the training that "
                "names it (--overlay FILE)"
            )


def _scoring(config: Mapping[str, Any]) -> dict[str, Any]:
    parts = tuple(f"{name}." for name in SCORING)
    values = flat(_by_place(config))
    return {name: value for name, value in values.items() if f"{name}.".startswith(parts)}


def _by_place(value: Any) -> Any:
    """Components in a list by their places, so that what a later version gives them is passed."""
    if isinstance(value, Mapping):
        return {name: _by_place(own) for name, own in value.items()}
    if isinstance(value, list) and value and all(isinstance(own, Mapping) for own in value):
        return {str(place): _by_place(own) for place, own in enumerate(value)} | {"": len(value)}
    return value


def _given() -> set[str]:
    given = command_line_overrides(sys.argv[2:]) if is_bundle_run() else {}
    return {key.removeprefix("+").replace("::", "#") for key in given}
