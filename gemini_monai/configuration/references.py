"""Ids of a configuration, and which of them it refers to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from monai.bundle import ConfigParser

from gemini_monai.base.errors import InputError

STEPS = ("initialize", "run", "training", "costing", "finalize", "imports")
"""What is run without being referred to."""
MISSING = object()


def ids(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every id and its value, nested ones by ``#``."""
    items = config.items() if isinstance(config, Mapping) else enumerate(config)
    for key, value in items:
        name = f"{prefix}#{key}" if prefix else str(key)
        yield name, value
        if isinstance(value, (Mapping, list)):
            yield from ids(value, name)


def look_up(config: Any, name: str) -> Any:
    """The value of an id, ``MISSING`` where there is none."""
    for part in name.split("#") if name else ():
        if isinstance(config, Mapping):
            config = config.get(part, MISSING)
        elif isinstance(config, list) and part.isdecimal() and int(part) < len(config):
            config = config[int(part)]
        else:
            return MISSING
    return config


def behind(config: Any, name: str) -> str:
    """The id that an id leads to: ``contrast#weight`` of ``objectives#contrast#weight``.

    Where what is named by the way is ``@contrast``, say, its parts are those of ``contrast``.
    """
    path = name.split("#")
    for k in range(1, len(path)):
        named = look_up(config, "#".join(path[:k]))
        if isinstance(named, str) and named.startswith("@"):
            return behind(config, "#".join([named[1:].replace("::", "#"), *path[k:]]))
    return name


def parent_of(name: str) -> str:
    """The id around an id, empty for the configuration itself."""
    return name.rpartition("#")[0]


def around(name: str) -> list[str]:
    """An id and all that it lies in, the innermost first, the whole configuration last."""
    found = [name]
    while found[-1]:
        found.append(parent_of(found[-1]))
    return found


def references(value: Any, name: str = "") -> set[str]:
    """Ids that a value refers to, by ``@`` or ``%``, as far as they are in this configuration.

    Args:
        value: Of a configuration.
        name: Its id, which references such as ``@##key`` start from.
    """
    if isinstance(value, str):
        return set(_of_text(value, name))
    inner = ids(value, name) if isinstance(value, (Mapping, list)) else ()
    return {own for key, text in inner if isinstance(text, str) for own in _of_text(text, key)}


def _of_text(text: str, name: str) -> Iterator[str]:
    if "@" not in text and not text.startswith("%"):
        return
    text = _absolute(text, name)
    if text.startswith(("@", "$")):
        yield from re.findall(r"@(\w+(?:#\w+)*)", text)
    elif text.startswith("%") and not ConfigParser.split_path_id(text[1:])[0]:
        yield text[1:]


def _absolute(text: str, name: str) -> str:
    try:
        text = ConfigParser.resolve_relative_ids(name.replace("#", "::"), text)
    except ValueError as error:
        raise InputError(f"key '{name}': {error}") from error
    return text.replace("::", "#")


def is_referred_to(name: str, referred: Collection[str]) -> bool:
    """Whether an id is, or lies in something that is, or has something in it that is."""
    return bool({*around(name)} & {*referred}) or any(
        own.startswith(f"{name}#") for own in referred
    )


def refuse_dangling(
    config: Mapping[str, Any], *, taken: Collection[str] = (), unused: Collection[str] = ()
) -> None:
    """Every reference names something.

    Args:
        config: The whole configuration.
        taken: Ids that an overlay may have taken away.
        unused: Keys with all that is in them, which nothing refers to.

    Raises:
        InputError: Naming the key that refers to nothing.
    """
    known = dict(ids(config))
    for name, value in known.items():
        if not isinstance(value, str) or name.split("#")[0] in unused:
            continue
        for own in _of_text(value, name):
            if own not in known:
                why = ""
                if own in taken:
                    why = f"; an overlay replaces what it was in, where '+{own.split('#')[0]}' adds"
                raise InputError(f"key '{name}' refers to '@{own}', which does not exist{why}")
