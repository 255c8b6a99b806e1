"""Which keys a configuration has, and which of them a command line may change."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.utils import DEFAULT_EXP_MGMT_SETTINGS

from gemini_monai.bundles import command_line_overrides, is_bundle_run
from gemini_monai.errors import InputError
from gemini_monai.limits import evaluated
from gemini_monai.runs.settings import KNOBS, check_settings

# Arguments of ``monai.bundle run`` that are not keys of the configuration.
RUN_ARGUMENTS = [
    "run_id",
    "init_id",
    "final_id",
    "meta_file",
    "config_file",
    "logging_file",
    "tracking",
    "args_file",
    "workflow_type",
    "properties_path",
]


STEPS = ("initialize", "run", "training", "finalize", "imports", "bundle_root")


def check_configuration(config_file: str | Sequence[str], **overrides: Any) -> list[str]:
    """Check that configuration files parse and that every override names a key of theirs.

    Args:
        config_file: One file or several, later ones overlaying earlier ones.
        overrides: As given to ``monai.bundle run``: ids, nested by ``#`` or ``::``, and values.

    Returns:
        The ids that the overrides change.

    Raises:
        InputError: Naming the file that cannot be read, or the override and the nearest key.
    """
    files = [config_file] if isinstance(config_file, str) else list(config_file)
    config: dict[str, Any] = {}
    for file in files:
        if not Path(file).is_file():
            raise InputError(f"{file}: no such configuration file")
        layer = _layer(file)
        if config:
            _refuse_unknown(config, layer, where=str(file), new_components=True)
        config = _merged(files[: files.index(file) + 1])
    _refuse_unknown(config, overrides, where="command line", new_components=False)
    _refuse_dangling(config)
    return sorted(key for key in overrides if key not in RUN_ARGUMENTS)


def check_overlay(config: Mapping[str, Any], file: str | Path) -> None:
    """Check an overlay that will be laid over a configuration later, such as an arm's.

    Args:
        config: What it goes over.
        file: The overlay.

    Raises:
        InputError: Naming the file that is no configuration, a key that there is not, or a knob
            whose value cannot be.
    """
    layer = _layer(str(file))
    _refuse_unknown(config, layer, where=str(file), new_components=True)
    plain = {key: value for key, value in layer.items() if not evaluated(value)}
    check_settings(plain, where=f"{file}: ")


def _layer(file: str) -> dict[str, Any]:
    """What one file says."""
    try:
        layer = ConfigParser.load_config_file(file)
    except Exception as error:  # of JSON, of YAML, or of an ending that is neither
        reason = " ".join(str(error).split())
        raise InputError(f"{file}: not a configuration: {reason}") from error
    if not isinstance(layer, dict):
        raise InputError(f"{file}: not a configuration: expected keys, found {layer!r:.80}")
    return layer


def _merged(files: Sequence[str]) -> dict[str, Any]:
    """What several files say, by MONAI's rules."""
    try:
        return ConfigParser.load_config_files(files)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{files[-1]}: does not fit the files before it: {reason}") from error


def refuse_unknown_overrides() -> None:
    """``check_configuration`` of ``python -m monai.bundle run``; elsewhere nothing.

    Raises:
        InputError: As ``check_configuration`` does.
    """
    if not is_bundle_run():
        return
    overrides = command_line_overrides(sys.argv[2:])
    for key in _keys_of_tracking(overrides.get("tracking")):
        overrides.pop(key, None)
    config_file = overrides.pop("config_file", None)
    if config_file is not None:
        check_configuration(config_file, **overrides)
        _refuse_unknown_run(config_file, overrides)


def refuse_unread_keys(config: Mapping[str, Any]) -> None:
    """Stop at a value that nothing reads, such as a misspelled override of a ``ConfigWorkflow``.

    Args:
        config: A configuration with its overlays and overrides; what MONAI and its clients add to
            one, and knobs that an overlay leaves without use, are passed over.

    Raises:
        InputError: Naming the key and the nearest one.
    """
    read = {name for value in _texts(config) for name in re.findall(r"[@%](\w+)", value)}
    passed = {*read, *KNOBS, *_keys_of_tracking("mlflow"), *STEPS}
    for key, value in config.items():
        if not isinstance(value, (dict, list)) and key not in passed and not key.startswith("_"):
            nearest = difflib.get_close_matches(key, [*read, *KNOBS], n=1, cutoff=0.0)[0]
            raise InputError(f"key '{key}': nothing reads it; did you mean '{nearest}'?")


def _texts(config: Mapping[str, Any]) -> Iterator[str]:
    return (value for _, value in _ids(config) if isinstance(value, str))


def _keys_of_tracking(tracking: Any) -> Collection[str]:
    """Keys that ``--tracking`` adds to a configuration, such as ``run_name``."""
    if tracking is None:
        return ()
    known = DEFAULT_EXP_MGMT_SETTINGS.get(str(tracking))
    found = known if known is not None else ConfigParser.load_config_files(tracking)
    return found.get("configs", {}).keys()


def _refuse_unknown_run(config_file: Any, overrides: Mapping[str, Any]) -> None:
    """The run that is asked for, by the first word or ``--run_id``, is in the configuration."""
    words = [word for word in sys.argv[2:3] if not word.startswith("-")]
    name = overrides.get("run_id") or (words[0] if words else "run")
    config = ConfigParser.load_config_files(config_file)
    runs = [key for key, value in config.items() if key in ("run", "training") and value]
    if name not in config:
        raise InputError(f"the configuration has no run '{name}'; it has {', '.join(runs)}")


def _refuse_unknown(
    config: Mapping[str, Any], layer: Mapping[str, Any], *, where: str, new_components: bool
) -> None:
    known = dict(_ids(config))
    for key, value in layer.items():
        name = key.lstrip("+").replace("::", "#")
        if name in known or name in RUN_ARGUMENTS:
            continue
        if new_components and (isinstance(value, (dict, list)) or name.startswith("_")):
            continue  # an overlay may bring a component of its own
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
        raise InputError(f"{where}: the configuration has no key '{name}'{hint}")


def _refuse_dangling(config: Mapping[str, Any]) -> None:
    """Every ``@reference`` names something."""
    known = dict(_ids(config))
    for key, value in known.items():
        if isinstance(value, str) and value.startswith(("@", "$")):
            for reference in re.findall(r"@(\w+(?:(?:#|::)\w+)*)", value):
                if reference.replace("::", "#") not in known:
                    raise InputError(f"key '{key}' refers to '@{reference}', which does not exist")


def _ids(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    items = config.items() if isinstance(config, Mapping) else enumerate(config)
    for key, value in items:
        name = f"{prefix}#{key}" if prefix else str(key)
        yield name, value
        if isinstance(value, (Mapping, list)):
            yield from _ids(value, name)
