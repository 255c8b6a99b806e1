"""Where a bundle is."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from gemini_monai.configuration.overrides import command_line_overrides, is_bundle_run
from gemini_monai.errors import InputError


def bundle_root(name: str) -> str:
    """Folder of a bundle.

    That of the configuration which ``monai.bundle run`` was given; else the working directory, a
    folder of it or of its ``bundles``, or where ``monai.bundle download`` puts bundles by default.

    Raises:
        InputError: If none of them is named so and holds ``configs/metadata.json``.
    """
    here = Path.cwd()
    downloaded = Path(torch.hub.get_dir()) / "bundle"
    near = (here, here / "bundles" / name, here / name, downloaded / name)
    for folder in (*_folders_of_configurations(), *near):
        if folder.name == name and (folder / "configs" / "metadata.json").is_file():
            return str(folder)
    raise InputError(
        f"bundle '{name}' is neither the working directory {here} nor bundles/{name} below it; "
        "give --bundle_root FOLDER"
    )


def _folders_of_configurations() -> list[Path]:
    """Bundles of the configurations on the command line of ``monai.bundle run``."""
    if not is_bundle_run():
        return []
    given = command_line_overrides(sys.argv[2:]).get("config_file", [])
    files = [given] if isinstance(given, str) else list(given)
    return [Path(file).absolute().parent.parent for file in files]
