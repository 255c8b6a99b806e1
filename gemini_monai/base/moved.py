"""Old names of modules, which go on working for one release, with a warning."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

MOVED = {
    **{name: f"base.{name}" for name in ("errors", "files", "tables", "limits", "memory", "trust")},
    **{name: f"base.{name}" for name in ("bundles", "intensity")},
    "describe": "base.fingerprint",
    **{name: f"geometry.{name}" for name in ("types", "warp", "labels", "world")},
    **{name: f"study.{name}" for name in ("methods", "benchmark", "analyses")},
    "trained": "inference.trained_run",
}
"""Where a module or a package of ``gemini_monai`` is, by the name that it had in 0.1."""
OLD = re.compile(rf"(?<![\w.])gemini_monai\.({'|'.join(MOVED)})(?=\.|$)")


def name_today(name: str) -> str:
    """The full name of a module, a class or a function, where an early one is given.

    Args:
        name: Such as ``gemini_monai.methods.SimCLR``, or any other text.
    """
    return OLD.sub(lambda found: f"gemini_monai.{MOVED[found[1]]}", name)


class MovedModules(MetaPathFinder, Loader):
    """Imports the module of today where an old name is asked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Of an old name of a module; ``None`` of any other."""
        now = name_today(fullname)
        return ModuleSpec(fullname, self) if now != fullname and find_spec(now) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module of today itself, so that its classes are the same ones."""
        now = name_today(spec.name)
        message = f"{spec.name} is {now} since 0.2; the old name goes with the next release"
        warnings.warn(message, FutureWarning, stacklevel=2)
        module = import_module(now)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give it its own name back; it was run when it was imported."""
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state


def renamed(
    module: str, names: Mapping[str, str], namespace: Mapping[str, Any]
) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that knows names of 0.1.

    Args:
        module: Its name.
        names: Those of today by the early ones.
        namespace: Its globals.

    Returns:
        A function that warns and gives what an early name means, and raises ``AttributeError`` at
        any other.
    """

    def early(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module '{module}' has no attribute '{name}'")
        message = (
            f"{module}.{name} is {names[name]} since 0.2; the old name goes with the next release"
        )
        warnings.warn(message, FutureWarning, stacklevel=2)
        return namespace[names[name]]

    return early


def let_old_names_work() -> None:
    """Add the finder, before those that would run a module again by its old name."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.insert(0, MovedModules())
