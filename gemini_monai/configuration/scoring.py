"""Whether a run is scored as it was trained to be, where its record cannot say it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import command_line_overrides, is_bundle_run
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.trust import evaluated
from gemini_monai.configuration.references import is_referred_to
from gemini_monai.configuration.running import running_configuration
from gemini_monai.runs import RunFolder, check_settings
from gemini_monai.runs.identity import flat

SCORING = ("cohort", "spec", "network_def", "validate.inferer", "test")
"""Parts of a configuration that scores depend on, and that a record does not have."""


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
    the command line sets is meant; a part that it lacks is of a later version.

    Args:
        run_dir: The run folder; an archive has kept no configuration.

    Raises:
        InputError: Naming the first part that differs.
    """
    path = RunFolder(run_dir).configuration
    if not path.is_file():
        return
    now = _scoring(json.loads(json.dumps(running_configuration(), default=str)))
    for name, trained in _scoring(read_json(path, dict)).items():
        key = name.replace(".", "#")
        if trained != now.get(name) and not is_referred_to(key, _given()):
            raise InputError(
                f"{path}: trained with another '{key}'; give the overlay of the training that "
                "names it (--overlay FILE)"
            )


def _scoring(config: Mapping[str, Any]) -> dict[str, Any]:
    parts = tuple(f"{name}." for name in SCORING)
    return {name: value for name, value in flat(config).items() if f"{name}.".startswith(parts)}


def _given() -> set[str]:
    given = command_line_overrides(sys.argv[2:]) if is_bundle_run() else {}
    return {key.removeprefix("+").replace("::", "#") for key in given}
