"""Which keys a configuration has, and which of them overlays and a command line may change."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.utils import DEFAULT_EXP_MGMT_SETTINGS

from gemini_monai.base.bundles import command_line_overrides, folder_of_workflow, is_bundle_run
from gemini_monai.base.errors import InputError
from gemini_monai.base.presence import copied_by
from gemini_monai.configuration.layers import ConfigurationLayer, Overlaid

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
TRAININGS = ("train.json", "finetune.json")
"""Configurations whose overlays may be given again to those that use a run."""


def check_configuration(config_file: str | Sequence[str], **overrides: Any) -> list[str]:
    """Check that configuration files parse and that every key of theirs is known or referred to.

    Nothing is imported for it but what is imported already, so arguments of a class of one's own
    are not looked at.

    Args:
        config_file: One file or several, later ones overlaying earlier ones.
        overrides: As given to ``monai.bundle run``: ids, nested by ``#`` or ``::``, and values.

    Returns:
        The ids that the overrides change.

    Raises:
        InputError: Naming the file that cannot be read, or the key and the nearest one.
    """
    _check(config_file, overrides)
    return sorted(key for key in overrides if key not in RUN_ARGUMENTS)


def _check(
    config_file: str | Sequence[str],
    overrides: Mapping[str, Any],
    *,
    roots: Collection[str] = (),
    folders: Sequence[Path] | None = None,
) -> None:
    files = _files(config_file)
    base, *layers = [(file, read_configuration(file)) for file in files]
    named = [str(overrides[name]) for name in RUN_ARGUMENTS[:3] if name in overrides]
    whole = Overlaid(base[1], roots=[*roots, *named], folders=folders)
    passed = _keys_of_trainings(Path(base[0]))
    for file, content in layers:
        whole.add(ConfigurationLayer(str(file), content, passed))
    given = {key: own for key, own in overrides.items() if key not in RUN_ARGUMENTS}
    whole.add(ConfigurationLayer("command line", given))
    whole.check()


def _files(config_file: str | Sequence[str]) -> list[str]:
    """Files as MONAI takes them: one, several, or several in a word with commas."""
    if not isinstance(config_file, str):
        return list(config_file)
    is_one = Path(config_file).is_file() or "," not in config_file
    return [config_file] if is_one else config_file.split(",")


def read_configuration(file: str | Path) -> dict[str, Any]:
    """What one file of a configuration says.

    Raises:
        InputError: If it is missing, or no configuration.
    """
    if not Path(file).is_file():
        raise InputError(f"{file}: no such configuration file{copied_by(file)}")
    try:
        content: Any = ConfigParser.load_config_file(file)
    except Exception as error:  # of JSON, of YAML, or of an ending that is neither
        reason = " ".join(str(error).split())
        raise InputError(f"{file}: not a configuration: {reason}") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: not a configuration: expected keys, found {content!r:.80}")
    return content


def _keys_of_trainings(base: Path) -> set[str]:
    """Keys that an overlay of a training may have, where it is given again to use the run."""
    if base.name in TRAININGS:
        return set()
    beside = [base.with_name(name) for name in TRAININGS]
    return {key for path in beside if path.is_file() for key in read_configuration(str(path))}


def refuse_unknown_overrides() -> None:
    """``check_configuration`` of ``python -m monai.bundle run``; elsewhere nothing.

    Raises:
        InputError: As ``check_configuration`` does, and for arguments of one's own classes.
    """
    if not is_bundle_run():
        return
    overrides = command_line_overrides(sys.argv[2:])
    for key in _keys_of_tracking(overrides.get("tracking")):
        overrides.pop(key, None)
    config_file = overrides.pop("config_file", None)
    if config_file is None:
        return
    words = [word for word in sys.argv[2:3] if not word.startswith("-")]
    name = str(overrides.get("run_id") or (words[0] if words else "run"))
    folder = Path(_files(config_file)[0]).absolute().parent.parent
    _check(config_file, overrides, roots=[name], folders=[folder])
    _refuse_unknown_run(config_file, name)


def refuse_unread_keys(config: Mapping[str, Any]) -> None:
    """Stop at a value that nothing reads, such as a misspelled override of a ``ConfigWorkflow``.

    Args:
        config: A configuration with its overlays and overrides, which is compared with the one
            beside it in the bundle that it has most keys of. What MONAI's clients add is passed
            over.

    Raises:
        InputError: Naming the key and the nearest one.
    """
    folder = folder_of_workflow()
    base = _nearest_configuration(folder, config) if folder is not None else None
    if folder is None or base is None:
        return
    whole = Overlaid(base, folders=[folder.parent])
    whole.add(ConfigurationLayer("", config, _keys_of_tracking("mlflow")))
    whole.check()


def _nearest_configuration(folder: Path, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Of those of a bundle that are no overlays."""
    whole = []
    for path in sorted(folder.glob("*.json")):
        with suppress(ValueError):  # what lies there and is no configuration
            content = json.loads(path.read_text(encoding="utf-8"))
            whole += [content] if isinstance(content, dict) and "imports" in content else []
    return max(whole, key=lambda own: len(own.keys() & config.keys()), default=None)


def _keys_of_tracking(tracking: Any) -> Collection[str]:
    """Keys that ``--tracking`` adds to a configuration, such as ``run_name``."""
    if tracking is None:
        return ()
    known = DEFAULT_EXP_MGMT_SETTINGS.get(str(tracking))
    found = known if known is not None else ConfigParser.load_config_files(tracking)
    keys: Collection[str] = found.get("configs", {}).keys()
    return keys


def _refuse_unknown_run(config_file: Any, name: str) -> None:
    """The run that is asked for, by the first word or ``--run_id``, is in the configuration."""
    config = ConfigParser.load_config_files(config_file)
    runs = [key for key, value in config.items() if key in ("run", "training") and value]
    if name not in config:
        raise InputError(f"the configuration has no run '{name}'; it has {', '.join(runs)}")
