"""Overlays and overrides: every key is one that the configuration knows, or is referred to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from monai.bundle import ConfigParser
from monai.bundle.utils import merge_kv

from gemini_monai.base.errors import InputError
from gemini_monai.base.trust import SPECIAL
from gemini_monai.configuration.arguments import (
    LIKE,
    SAME,
    Arguments,
    is_component,
    nearest,
    refuse_special,
)
from gemini_monai.configuration.references import (
    MISSING,
    STEPS,
    around,
    behind,
    ids,
    is_referred_to,
    look_up,
    parent_of,
    references,
    refuse_dangling,
)


class ConfigurationLayer(NamedTuple):
    """What is laid over a configuration."""

    where: str
    """The file, or ``command line``; empty where it is not known."""
    content: Mapping[str, Any]
    passed: Collection[str] = ()
    """Keys that may come without a use, with all that is in them."""


class Change(NamedTuple):
    """One id that a layer sets."""

    layer: ConfigurationLayer
    name: str
    value: Any
    is_new: bool
    """There was no such id before."""

    @property
    def where(self) -> str:
        """For messages."""
        return ": ".join([*([self.layer.where] if self.layer.where else []), f"key '{self.name}'"])


class Overlaid:
    """A configuration, over which others are laid one after the other.

    Args:
        base: The first configuration; its keys are known.
        roots: Ids that are run.
        folders: As of ``Arguments``.
    """

    def __init__(
        self,
        base: Mapping[str, Any],
        *,
        roots: Collection[str] = (),
        folders: Sequence[Path] | None = None,
    ) -> None:
        self.base = base
        self.content: dict[str, Any] = deepcopy(dict(base))
        self.roots = roots
        self.arguments = Arguments(folders)
        self.changes: list[Change] = []

    def add(self, layer: ConfigurationLayer) -> None:
        """Lay one more over what is there.

        Raises:
            InputError: Naming a key that lies in nothing that is there, takes away nothing that is
                there, or would be values where something is called.
        """
        parser = ConfigParser(self.content)
        for key, value in layer.content.items():
            name = key.removeprefix("+").replace("::", "#")
            for own, part in self._parts(layer, name, value, merges=key.startswith("+")):
                self.changes.append(self._change(layer, own, part))
            try:
                merge_kv(parser, key, deepcopy(value))
            except ValueError as error:
                kinds = "dictionaries or lists"
                raise InputError(f"{layer.where}: key '{key}': '+' adds {kinds}") from error
        self.content = parser.config

    def check(self) -> None:
        """Refuse what is new and has no use, and components that do not take what they get.

        Raises:
            InputError: Naming file and key, and the nearest one that is known.
        """
        self._refuse_unused()
        for change in self.changes:
            self._check_components(change)
        unused = {change.name for change in self.changes if change.name in change.layer.passed}
        refuse_dangling(self.content, taken=dict(ids(self.base)), unused=unused - {*self.base})

    def _parts(
        self, layer: ConfigurationLayer, name: str, value: Any, *, merges: bool
    ) -> Iterator[tuple[str, Any]]:
        """What a layer sets, key by key where a dictionary is replaced or added to."""
        here, where = look_up(self.content, name), f"{layer.where}: key '{name}'"
        if not isinstance(value, Mapping) or is_component(value):
            yield name, value
            return
        meant = here.removeprefix("@") if isinstance(here, str) else name
        named = look_up(self.content, meant)
        if not isinstance(named, Mapping):
            yield name, value
            return
        refuse_special(value, where)
        if is_component(named) and not (merges and meant == name):
            raise InputError(
                f"{where}: values without a '_target_' in the place of {named['_target_']}; "
                f"'+{meant}' changes some of its arguments"
            )
        for key, part in value.items():
            yield from self._parts(layer, f"{name}#{key}", part, merges=False)

    def _change(self, layer: ConfigurationLayer, name: str, value: Any) -> Change:
        change = Change(layer, name, value, look_up(self.content, name) is MISSING)
        around = look_up(self.content, parent_of(name))
        takes_away = value is None and parent_of(name) and not is_component(around)
        if change.is_new and (takes_away or not isinstance(around, Mapping)):
            raise self._unknown(change)
        return change

    def _unknown(self, change: Change, known: Iterable[str] = ()) -> InputError:
        new = {own.name for own in self.changes if own.is_new} | {change.name}
        there = {**dict(ids(self.base)), **dict(ids(self.content))}
        before = [name for name in there if not new & {*around(name)}]
        hint = self._hint(change.name, [*before, *known])
        if not change.layer.where:
            return InputError(f"key '{change.name}': nothing reads it{hint}")
        where = change.layer.where
        return InputError(f"{where}: the configuration has no key '{change.name}'{hint}")

    def _hint(self, name: str, known: Sequence[str]) -> str:
        """At the nearest key: of its parents, of what they refer to, or among the knobs."""
        last, knobs = name.rpartition("#")[2], [key for key in known if "#" not in key]
        meant = behind(self.content, name)
        if meant != name:
            return f"; did you mean '{meant}'?" if meant in known else nearest(meant, known)
        knob = nearest(last, knobs, cutoff=LIKE) if last != name else ""
        return knob if knob and not nearest(name, known, cutoff=SAME) else nearest(name, known)

    def _refuse_unused(self) -> None:
        """What is new is referred to, by something that is known or in its turn referred to."""
        referred = {*STEPS, *self.roots} | references(self.base)
        waiting = [change for change in self.changes if self._needs_use(change)]
        for change in self.changes:
            if change not in waiting:
                referred |= references(change.value, change.name)
        while used := [own for own in waiting if is_referred_to(own.name, referred)]:
            waiting = [own for own in waiting if own not in used]
            referred |= {name for own in used for name in references(own.value, own.name)}
        if waiting:
            raise self._unknown(waiting[0])

    def _needs_use(self, change: Change) -> bool:
        path = change.name.split("#")
        return change.is_new and not path[-1].startswith("_") and path[0] not in change.layer.passed

    def _check_components(self, change: Change) -> None:
        """Those that a change brings, and the one that it is an argument of."""
        around = look_up(self.content, parent_of(change.name))
        argument = change.name.rpartition("#")[2]
        if is_component(around) and argument == "_target_":
            self.arguments.refuse_others(around, change.where)
        elif is_component(around) and change.is_new:
            known = self.arguments.known(around["_target_"], change.where)
            if known is not None and argument not in (*SPECIAL, *known):
                raise self._unknown(change, [f"{parent_of(change.name)}#{own}" for own in known])
        if _alike(change.value, look_up(self.base, change.name)):
            return
        for value in (change.value, *dict(ids({"": change.value})).values()):
            if is_component(value):
                self.arguments.refuse_others(value, change.where)
            elif isinstance(value, Mapping):
                refuse_special(value, change.where)


def _alike(one: Any, other: Any) -> bool:
    """Whether two values are the same text, whichever way their ids are written."""
    return repr(one).replace("::", "#") == repr(other).replace("::", "#")
