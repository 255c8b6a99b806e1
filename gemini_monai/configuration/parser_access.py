"""The configuration that MONAI is running, seen from one of its own expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.reference_resolver import ReferenceResolver

from gemini_monai.base.callers import calling_objects
from gemini_monai.base.trust import evaluated


def running_parser() -> ConfigParser:
    """The parser that is evaluating the expression which calls this.

    Raises:
        RuntimeError: If no configuration is running.
    """
    for owner in calling_objects():
        if isinstance(owner, ConfigParser):
            return owner
    raise RuntimeError("no configuration is running: this is for expressions of one")


def has_key(parser: ConfigParser, key: str) -> bool:
    """Whether a configuration has a key.

    As ``key in parser``, which takes 10 ms for one that is not there: it looks for alike names.

    Args:
        parser: Of the configuration.
        key: With ``#`` between its parts.
    """
    found: Any = parser.config
    for part in ReferenceResolver.split_id(key):
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return False
    return True


def running_configuration() -> dict[str, Any]:
    """The running configuration as one file would hold it: every overlay and override in it."""
    content: dict[str, Any] = running_parser().config
    return {name: value for name, value in content.items() if name != ConfigParser.meta_key}


def plainly_given(*names: str) -> list[str]:
    """Which keys of the running configuration have values, and no expressions that find them."""
    config = running_configuration()
    return [name for name in names if not evaluated(config.get(name))]


def written_components(name: str) -> dict[str, Any]:
    """Components of the running configuration as it says them, also where it names them by ``@``.

    Args:
        name: Id of a dictionary of them, some of which may be taken away.
    """
    parser = running_parser()
    found = {key: _component(parser, value) for key, value in parser[name].items()}
    return {key: value for key, value in found.items() if value is not None}


def _component(parser: ConfigParser, value: Any) -> Any:
    if isinstance(value, str) and value.startswith("@") and has_key(parser, value[1:]):
        named = parser[value[1:]]
        return named if isinstance(named, Mapping) else value
    return value


def described(name: str) -> Any:
    """A component of the running configuration as plain data, with the values of its references.

    An expression whose value no file can hold stays as it is written, and is refused by whoever
    would follow the description.

    Args:
        name: Its id.
    """
    parser = running_parser()
    raw = parser[name]
    if isinstance(raw, Mapping):
        return {key: described(f"{name}#{key}") for key in raw}
    if isinstance(raw, list):
        return [described(f"{name}#{place}") for place in range(len(raw))]
    if isinstance(raw, str) and raw.startswith("@") and isinstance(parser[raw[1:]], Mapping):
        return described(raw[1:])
    value = parser.get_parsed_content(name) if evaluated(raw) else raw
    return value if _is_plain(value) else raw


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))
