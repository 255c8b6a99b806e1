"""Where a bundle is, and what the command line of ``monai.bundle run`` says; imports little."""

from __future__ import annotations

import ast
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.callers import calling_objects
from gemini_monai.base.errors import InputError
from gemini_monai.base.presence import downloaded_bundles
from gemini_monai.base.shipped import is_in_package, shipped_bundles
from gemini_monai.base.system import replace

SHIPPED = ("configs/*.json", "configs/*.conf", "docs/*", "LICENSE")
"""What a bundle is, without the data, runs and weights that lie in it after use."""
MADE = {"data", "runs"}
"""What it makes in its folder."""


def bundle_root(name: str) -> str:
    """Folder of a bundle, where its runs and its phantom go.

    That of the configuration which a MONAI workflow was given; else the working directory, a folder
    of it or of its ``bundles``, or where ``monai.bundle download`` puts bundles by default. Of the
    configurations in the installed package it is ``workplace``, so that nothing is written there.

    Args:
        name: Name of the bundle's folder, such as ``gemini_semi``.

    Raises:
        InputError: If none of them is named so and holds ``configs/metadata.json``.
    """
    for folder in _places(name):
        if _is_bundle(folder, name):
            return str(workplace(name) if is_in_package(folder) else folder)
    raise InputError(_not_here(name))


def workplace(name: str) -> Path:
    """Where runs and phantom of a bundle go that came with the package: as in a clone.

    Args:
        name: Name of the bundle's folder, such as ``gemini_semi``.
    """
    return Path.cwd() / "bundles" / name


def _places(name: str) -> Iterator[Path]:
    yield from (folder.parent for folder in _folders_of_workflows())
    yield from _places_here(name)
    yield downloaded_bundles() / name


def folder_of_workflow() -> Path | None:
    """Where the configurations of the ``ConfigWorkflow`` are that evaluates what calls this."""
    return next(_folders_of_workflows(), None)


def _folders_of_workflows() -> Iterator[Path]:
    for owner in calling_objects():
        # not getattr of the owner itself, by which a parser looks up ids
        root = getattr(owner, "__dict__", {}).get("config_root_path")
        if isinstance(root, Path):
            yield root.absolute()


def is_bundle_run() -> bool:
    """Whether this process is ``python -m monai.bundle run``."""
    return Path(sys.argv[0]).parts[-2:] == ("bundle", "__main__.py") and sys.argv[1:2] == ["run"]


def command_line_overrides(arguments: Sequence[str]) -> dict[str, Any]:
    """``--key value``, ``--key=value`` and ``--flag`` as keys and values."""
    overrides: dict[str, Any] = {}
    for position, argument in enumerate(arguments):
        if not re.match(r"--?[A-Za-z_]", argument):
            continue
        name, equals, value = argument.lstrip("-").partition("=")
        following = arguments[position + 1 : position + 2]
        if not equals and following and not following[0].startswith("--"):
            value = following[0]
        overrides[name] = literal(value) if value else True
    return overrides


def literal(text: str) -> Any:
    """A number, a list or ``True`` as Python writes it; any other text as it is."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def copy_bundle(name: str, folder: str | Path) -> Path:
    """Copy a bundle that came with the package, to be run and changed there.

    Args:
        name: ``gemini_semi`` or ``gemini_mip``, or its last word.
        folder: Where the bundle's folder goes. What the bundle made there before, ``MADE``, stays.

    Returns:
        The bundle's folder.

    Raises:
        InputError: If there is no such bundle, or its folder is there and holds anything else.
    """
    name = name if name.startswith("gemini_") else f"gemini_{name}"
    shipped = shipped_bundle(name)
    target = Path(folder) / name
    if target.exists() and not (target.is_dir() and {p.name for p in target.iterdir()} <= MADE):
        raise InputError(f"{target}: is there already; nothing of it was changed")
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
    try:
        part = _copied(shipped, beside / name)
        target.mkdir(exist_ok=True)
        for path in sorted(part.iterdir()):
            replace(path, target / path.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def _copied(shipped: Path, part: Path) -> Path:
    for pattern in SHIPPED:
        for file in shipped.glob(pattern):
            copy = part / file.relative_to(shipped)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    return part


def shipped_bundle(name: str) -> Path:
    """A bundle as it came with the package, which nobody changed.

    Args:
        name: Such as ``gemini_semi``.

    Raises:
        InputError: If there is no such bundle.
    """
    shipped = shipped_bundles()
    known = sorted(path.name for path in shipped.iterdir() if path.is_dir())
    if name not in known:
        raise InputError(f"no bundle '{name}'; there are {', '.join(known)}")
    return shipped / name


def bundle_here(name: str) -> Path | None:
    """Folder of a bundle in the working directory; one that is one's own comes first.

    An archive of a bundle and a run, which has ``run.json``, was received from somebody.

    Args:
        name: Name of the bundle's folder, such as ``gemini_semi``.
    """
    found = [folder for folder in _places_here(name) if _is_bundle(folder, name)]
    return min(found, key=is_archive, default=None)


def bundle_that_trains(name: str) -> Path:
    """The bundle whose configurations train: one's own in the working directory, or the shipped.

    Args:
        name: Name of the bundle's folder, such as ``gemini_semi``.
    """
    here = bundle_here(name)
    return shipped_bundle(name) if here is None or is_archive(here) else here


def is_archive(folder: str | Path) -> bool:
    """Whether a bundle's folder is a run as well, as ``package`` makes them."""
    return (Path(folder) / "run.json").exists()


def _is_bundle(folder: Path, name: str) -> bool:
    return folder.name == name and (folder / "configs" / "metadata.json").is_file()


def _places_here(name: str) -> list[Path]:
    here = Path.cwd()
    return [here, here / "bundles" / name, here / name]


def _not_here(name: str) -> str:
    return (
        f"bundle '{name}' is neither the working directory {Path.cwd()} nor bundles/{name} below "
        f"it; copy it here (gemini bundle {name} bundles), or give --bundle_root FOLDER"
    )
