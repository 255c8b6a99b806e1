"""What is run and what is only read: the one rule for files of unknown origin.

Trusted is what is installed, the package and the bundles that came with it, and what a person names
on a command line: ``--overlay``, ``--config_file``, a bundle copied to the working directory.
Everything else was received: a run, an unpacked archive, a prepared data set, plans, a release.
Of that, plain values are read. A value that MONAI's parser would evaluate is refused by its key,
configurations that lie in it are not run, and networks that it describes are of few packages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import is_archive, shipped_bundle
from gemini_monai.base.errors import InputError

SPECIAL = ("_target_", "_requires_", "_disabled_", "_mode_", "_desc_", "_meta_")
"""Keys that MONAI's parser reads itself; a dictionary with the first one is called."""
BACKBONE = "backbone"
"""The setting that describes a network."""
PACKAGES = ("monai.networks", "torch.nn", "gemini_monai", "dynamic_network_architectures")
"""Whose networks a record may name. One's own come by an overlay, which names its class again."""
DOWNLOADING = ("monai.networks.nets.transchex",)
"""Modules of them whose networks fetch weights however they are made."""
FETCHING = re.compile(r"(pretrained|weights)(_\w+)?|(checkpoint|ckpt)(_(path|file))?|(\w+_)?url")
"""Arguments of networks by which a constructor loads or fetches weights."""


def evaluated(value: Any) -> bool:
    """Whether MONAI's parser would evaluate a text, or look up what it names."""
    return isinstance(value, str) and value.lstrip().startswith(("$", "@", "%"))


def refuse_code(value: Any, name: str) -> None:
    """Stop at anything, however deep, that a configuration would run.

    Args:
        value: What was read.
        name: The file, and the key in it.

    Raises:
        InputError: If a text begins with ``$``, ``@`` or ``%``, or a key such as ``_target_`` names
            something to call.
    """
    if evaluated(value):
        raise InputError(f"{name}: {value!r:.120} would be evaluated; what is read is data")
    if isinstance(value, Mapping):
        for key, own in value.items():
            if evaluated(key) or key in SPECIAL:
                raise InputError(
                    f"{name}: key {key!r:.120} would be evaluated; what is read is data"
                )
            refuse_code(own, f"{name}: {key}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for own in value:
            refuse_code(own, name)


def refuse_code_of_run(record: Mapping[str, Any], name: str) -> None:
    """Stop at a record of a run that holds something to run, in whatever field.

    The description of its backbone is left to whoever builds it, as one's own may need an overlay.

    Args:
        record: Content of ``run.json``.
        name: Its path.

    Raises:
        InputError: As ``refuse_code``, naming the key.
    """
    settings = record.get("settings")
    if isinstance(settings, Mapping):
        plain = {key: own for key, own in settings.items() if key != BACKBONE}
        record = {**record, "settings": plain}
    refuse_code(record, name)


def is_of_packages(name: str) -> bool:
    """Whether the full name of a class, or of its module, is one that a record may name."""
    if any(part.startswith("__") for part in name.split(".")):
        return False
    return _is_within(name, PACKAGES) and not _is_within(name, DOWNLOADING)


def _is_within(name: str, packages: Sequence[str]) -> bool:
    return any(name == own or name.startswith(f"{own}.") for own in packages)


def shipped_configuration(bundle: str, name: str) -> Path:
    """The installed configuration that uses a run, whatever the run has of that name.

    Args:
        bundle: Name of the bundle, such as ``gemini_semi``.
        name: Of the configuration, such as ``inference``.

    Raises:
        InputError: If there is no such bundle.
    """
    return shipped_bundle(bundle) / "configs" / f"{name}.json"


def configurations_of(bundle_root: str | Path) -> Path:
    """The folder of configurations that may be run for a bundle.

    Args:
        bundle_root: The bundle; for an archive, or where only runs and data of it lie, the
            installed bundle of its name is meant.

    Raises:
        InputError: If neither has configurations.
    """
    root = Path(bundle_root)
    is_own = (root / "configs").is_dir() and not is_archive(root)
    return (root if is_own else shipped_bundle(root.absolute().name)) / "configs"


def methods_of(bundle_root: str | Path) -> dict[str, Path]:
    """The overlays of methods that a bundle's runs are compared with, ``method_NAME.json`` by name.

    Args:
        bundle_root: As of ``configurations_of``.

    Raises:
        InputError: As ``configurations_of``.
    """
    files = sorted(configurations_of(bundle_root).glob("method_*.json"))
    return {path.stem.removeprefix("method_"): path for path in files}


def as_path(word: str) -> str:
    """A path as a value for MONAI's command line, which would evaluate one such as ``$name``."""
    return f"./{word}" if evaluated(word) else word


def refuse_imports_from(folder: str | Path) -> None:
    """Stop where the working directory is a received folder that Python would import from.

    Args:
        folder: What was received.

    Raises:
        InputError: Naming the first module in it.
    """
    here = Path.cwd().resolve()
    if here.is_relative_to(Path(folder).resolve()):
        patterns = ("*.py", "*.so", "*.pyd", "*/__init__.py")
        for path in sorted(path for pattern in patterns for path in here.glob(pattern)):
            raise InputError(
                f"{path}: Python would import it, as {folder} is the working directory; work "
                "elsewhere, such as in the folder above"
            )
