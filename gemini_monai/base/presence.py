"""What has to be there before anything else: runs, folders, files; one message for each.

A command looks before it imports PyTorch, and whoever opens the file looks again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gemini_monai.base.errors import InputError


def refuse_absent(path: str | Path) -> None:
    """Stop where neither a file nor a folder is.

    Raises:
        InputError: Naming it.
    """
    if not Path(path).exists():
        raise InputError(f"{path}: no such file")


def refuse_absent_folder(folder: str | Path) -> None:
    """Stop where neither a folder is, nor a file that stands for one.

    Raises:
        InputError: Naming it.
    """
    if not Path(folder).exists():
        raise InputError(f"{folder}: no such folder")


def refuse_absent_run(folder: str | Path) -> None:
    """Stop at a folder that is not there, or has no record of a run.

    Raises:
        InputError: Naming the folder, or the record that is missing.
    """
    record = Path(folder) / "run.json"
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such run folder")
    if not record.is_file():
        raise InputError(f"{folder}: not a run folder, {record} is missing")


def refuse_absent_data(path: str | Path) -> None:
    """Stop at a ``dataset.json`` that is not there.

    Raises:
        InputError: Naming it, and what makes one.
    """
    if not Path(path).is_file():
        raise InputError(
            f"{path}: no such file; prepare the data first, such as 'gemini prepare folder SRC DST'"
        )


def refuse_absent_weights(path: str | Path) -> None:
    """Stop at weights that are not there.

    Raises:
        InputError: Naming their file.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: no such weights file; train first or give another path")


def refuse_absent_configuration(file: str | Path) -> None:
    """Stop at a configuration that is not there.

    Raises:
        InputError: Naming its file.
    """
    if not Path(file).is_file():
        raise InputError(f"{file}: no such configuration file{copied_by(file)}")


def refuse_absent_bundle(folder: str | Path) -> None:
    """Stop at a folder that is no bundle's.

    Raises:
        InputError: Naming the file that every bundle has.
    """
    path = Path(folder) / "configs" / "metadata.json"
    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a bundle's folder{copied_by(path)}")


def copied_by(path: str | Path) -> str:
    """Words on the command that brings a bundle of this package to a path, if it is of one."""
    names = [name for name in ("semi", "mip") if f"gemini_{name}" in Path(path).parts]
    return f"; 'gemini bundle {names[0]}' copies that bundle here" if names else ""


def downloaded_bundles() -> Path:
    """Where ``monai.bundle download`` puts bundles by default."""
    torch = sys.modules.get("torch")
    if torch is not None:  # where somebody may have said otherwise
        return Path(torch.hub.get_dir()) / "bundle"
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", f"{cache}/torch")
    return Path(home).expanduser() / "hub" / "bundle"
