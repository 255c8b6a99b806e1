"""Arms of a comparison: the same run again, with one overlay more."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from monai.bundle import ConfigParser
from monai.bundle.utils import merge_kv

from gemini_monai.base.errors import InputError
from gemini_monai.base.ids import nearest
from gemini_monai.base.trust import evaluated, methods_of
from gemini_monai.configuration.layers import ConfigurationLayer, Overlaid
from gemini_monai.configuration.overrides import read_configuration
from gemini_monai.configuration.parser_access import running_configuration
from gemini_monai.engines.processes import is_first_process, wait_for_others
from gemini_monai.runs import FOLDERS, RunFolder, add_arm, arm_name, check_settings, is_arm_name


def overlay_of(name: str, *, bundle_root: str | Path) -> Path:
    """The overlay that a comparison names.

    Args:
        name: A method's name, for ``configs/method_<name>.json`` of the bundle; or a file.
        bundle_root: The bundle.

    Raises:
        InputError: If there is neither; the methods that the bundle has are named.
    """
    known = methods_of(bundle_root)
    if name in known:
        return known[name]
    if Path(name).is_file():
        return Path(name)
    raise InputError(
        f"key 'compare': '{name}' is neither a file nor a method of {Path(bundle_root).name}, "
        f"which has {', '.join(sorted(known)) or 'none'}{nearest(name, known, cutoff=0.6)}"
    )


def refuse_unknown_arms(names: Sequence[str], *, bundle_root: str | Path) -> None:
    """Before anything is trained.

    Raises:
        InputError: If an overlay is not there, has a key that changes nothing or a knob whose value
            cannot be, an arm's name is none that a folder in the run can have, or two arms would
            share one.
    """
    for name in names:
        overlay = overlay_of(name, bundle_root=bundle_root)
        content = read_configuration(overlay)
        whole = Overlaid(running_configuration(), folders=[Path(bundle_root)])
        whole.add(ConfigurationLayer(str(overlay), content))
        whole.check()
        plain = {key: value for key, value in content.items() if not evaluated(value)}
        check_settings(plain, where=f"{overlay}: ")
    folders = [arm_name(name) for name in names]
    for name, folder in zip(names, folders, strict=True):
        if not is_arm_name(folder) or folder.startswith(".") or folder.casefold() in FOLDERS:
            raise InputError(
                f"key 'compare': the arm '{name}' would have the folder '{folder}', which the run "
                f"cannot have beside {', '.join(FOLDERS)}; give its overlay another name"
            )
    if len({folder.casefold() for folder in folders}) < len(folders):
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
