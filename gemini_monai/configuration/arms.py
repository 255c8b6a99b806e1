"""Arms of a comparison: the same run again, with one overlay more."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from monai.bundle import ConfigParser
from monai.bundle.utils import merge_kv

from gemini_monai.configuration.overrides import check_overlay
from gemini_monai.configuration.running import running_configuration
from gemini_monai.engines.processes import is_first_process, wait_for_others
from gemini_monai.errors import InputError
from gemini_monai.runs import RunFolder, add_arm, arm_name


def overlay_of(name: str, *, bundle_root: str | Path) -> Path:
    """The overlay that a comparison names.

    Args:
        name: A method's name, for ``configs/method_<name>.json`` of the bundle; or a file.
        bundle_root: The bundle.

    Raises:
        InputError: If there is neither; the methods that the bundle has are named.
    """
    configs = Path(bundle_root) / "configs"
    known = {path.stem.removeprefix("method_"): path for path in configs.glob("method_*.json")}
    if name in known:
        return known[name]
    if Path(name).is_file():
        return Path(name)
    raise InputError(
        f"key 'compare': '{name}' is neither a file nor a method of {bundle_root}, which has "
        f"{', '.join(sorted(known)) or 'none'}"
    )


def refuse_unknown_arms(names: Sequence[str], *, bundle_root: str | Path) -> None:
    """Before anything is trained.

    Raises:
        InputError: If an overlay is not there or cannot be laid over the running configuration, or
            two arms would share a folder.
    """
    for name in names:
        check_overlay(running_configuration(), overlay_of(name, bundle_root=bundle_root))
    folders = [arm_name(name) for name in names]
    if len(set(folders)) < len(folders):
        raise InputError(f"key 'compare': two arms of one name among {list(names)}")


def train_arms(names: Sequence[str], folder: str | Path, *, bundle_root: str | Path) -> None:
    """Train each arm as a run of its own in ``folder/<name>``, one after the other.

    Its configuration is that of the run, then the overlay: the same seed, so the same first weights
    and the same batches.

    Args:
        names: Names of methods, or overlay files, in the order of training.
        folder: Run folder of the run that they are arms of.
        bundle_root: Folder of the bundle that run and methods belong to.
    """
    for name in names:
        wait_for_others()  # the first process may have tested for long
        overlay = overlay_of(name, bundle_root=bundle_root)
        if is_first_process():
            add_arm(folder, arm_name(name))
        parser = ConfigParser(deepcopy(running_configuration()))
        for key, value in ConfigParser.load_config_file(overlay).items():
            merge_kv(parser, key, value)
        parser.update({"output_dir": str(RunFolder(folder).path / arm_name(name)), "compare": []})
        for part in ("initialize", "training"):
            for step in range(len(parser[part])):
                parser.get_parsed_content(f"{part}#{step}")
