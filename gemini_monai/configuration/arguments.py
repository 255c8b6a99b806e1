"""Whether a component of a configuration exists, and takes the arguments that it is given."""

from __future__ import annotations

import difflib
import inspect
import pydoc
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monai.bundle import ComponentLocator, ConfigComponent

from gemini_monai.base.errors import InputError
from gemini_monai.base.trust import SPECIAL

TARGET = "_target_"
ANY = "**"
"""Among names of arguments: any other is taken as well."""
LIKE = 0.75
"""Likeness of two names of which one is the other misspelled, as ``_why_`` is of none."""
SAME = 0.95
"""Likeness of two names that are the same but for a letter or two."""
OPEN = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def is_component(value: Any) -> bool:
    """Whether a value of a configuration is something to call."""
    return isinstance(value, Mapping) and TARGET in value


class Arguments:
    """What components take, by the signatures of their classes and functions.

    Args:
        folders: Where modules are imported from that are not there yet, as they will be when the
            configuration runs; ``None`` to import nothing, and pass over components of others.
    """

    def __init__(self, folders: Sequence[Path] | None) -> None:
        self.folders = folders
        self._locator = ComponentLocator()
        self._known: dict[str, list[str] | None] = {}

    def refuse_others(self, component: Mapping[str, Any], where: str) -> None:
        """Stop at a component that is not there, or has an argument that it does not take.

        Raises:
            InputError: Naming it and the nearest name.
        """
        refuse_special(component, where)
        known = self.known(component[TARGET], where)
        for name in component:
            if known is not None and ANY not in known and name not in (*SPECIAL, *known):
                hint = nearest(name, known)
                raise InputError(f"{where}: {component[TARGET]} takes no '{name}'{hint}")

    def known(self, target: Any, where: str) -> list[str] | None:
        """Names that a component takes.

        Args:
            target: Its class or function, by name.
            where: For messages.

        Returns:
            With ``ANY`` among them where it takes any other; ``None`` where it is not looked at.

        Raises:
            InputError: If there is no such class or function.
        """
        if not isinstance(target, str) or not re.fullmatch(r"[\w.]+", target):
            return [ANY]  # an expression, which is known when it is evaluated
        if target not in self._known:
            self._known[target] = self._look(target, where)
        return self._known[target]

    def _look(self, target: str, where: str) -> list[str] | None:
        full = self._full_name(target)
        if self.folders is None and full.partition(".")[0] not in sys.modules:
            return None
        with _importing_from(self.folders or ()):
            try:
                found = pydoc.locate(full)
            except pydoc.ErrorDuringImport as error:
                reason = f"cannot be imported: {error.value}"
                raise InputError(f"{where}: '{target}' {reason}") from error
            if found is None:
                hint = nearest(target, _beside(full))
                raise InputError(f"{where}: there is no '{target}'{hint}")
        return _parameters(found)

    def _full_name(self, target: str) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MONAI says again which of two of a name it takes
            component = ConfigComponent({TARGET: target}, locator=self._locator)
            return str(component.resolve_module_name())


@contextmanager
def _importing_from(folders: Sequence[Path]) -> Iterator[None]:
    before = list(sys.path)
    sys.path[1:1] = map(str, folders)
    try:
        yield
    finally:
        sys.path[:] = before


def _beside(full: str) -> list[str]:
    """Names that lie where one was looked for."""
    module, _, _ = full.rpartition(".")
    around = pydoc.locate(module) if module else None
    return [f"{module}.{name}" for name in vars(around)] if inspect.ismodule(around) else []


def refuse_special(value: Mapping[str, Any], where: str) -> None:
    """Stop at a key such as ``_taget_``, which is one of MONAI's but for its spelling.

    Raises:
        InputError: Naming it and the nearest one.
    """
    for name in value:
        hint = nearest(name, SPECIAL, cutoff=LIKE) if re.fullmatch(r"_\w+_", str(name)) else ""
        if hint and name not in SPECIAL:
            raise InputError(f"{where}: no key '{name}'{hint}")


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.0) -> str:
    """A hint at the name that is meant, if any is known that is like it."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean '{found[0]}'?" if found else ""


def _parameters(found: Any) -> list[str]:
    """Names that a call takes; what ``**options`` hands on is the next constructor's."""
    makers = [found]
    if inspect.ismethod(found) and inspect.isclass(found.__self__):
        makers = [found, found.__self__.__init__]
    if inspect.isclass(found):
        makers = [vars(own)["__init__"] for own in found.__mro__ if "__init__" in vars(own)]
    names: list[str] = []
    for maker in makers:
        try:
            parameters = inspect.signature(maker).parameters.values()
        except (TypeError, ValueError):
            return [*names, ANY]
        names += [own.name for own in parameters if own.kind not in OPEN]
        if all(own.kind is not inspect.Parameter.VAR_KEYWORD for own in parameters):
            return names
    return [*names, ANY]
