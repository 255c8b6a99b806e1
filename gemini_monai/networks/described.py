"""A network as plain data, such as a record can hold: the name of its class, and arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pydoc import locate
from typing import Any

from monai.bundle import ConfigComponent, ConfigParser
from torch import nn

from gemini_monai.base.errors import InputError
from gemini_monai.base.trust import FETCHING, PACKAGES, evaluated, is_of_packages

TARGET = "_target_"
"""Key of the class in a description, as in MONAI's configurations."""
AGAIN = "give the overlay that names the backbone (--overlay FILE)"
"""What helps where a description cannot be followed."""


def built_network(described: Mapping[str, Any] | nn.Module | None) -> nn.Module | None:
    """The network of a description.

    Args:
        described: As MONAI's configurations describe a component: ``_target_`` and arguments, which
            may be networks themselves. A network, and ``None``, are returned as they are.

    Raises:
        InputError: As ``checked_description``, or if the class does not take the arguments.
    """
    if described is None or isinstance(described, nn.Module):
        return described
    config = {"network": checked_description(described, "backbone")}
    try:
        network = ConfigParser(config).get_parsed_content("network")
    except RuntimeError as error:
        reason = error.__cause__ or error
        raise InputError(f"backbone: {described[TARGET]} cannot be made: {reason}") from error
    return network


def checked_description(described: Any, name: str, *, otherwise: str = AGAIN) -> dict[str, Any]:
    """A description that may be followed, whoever wrote it.

    Only networks of ``trust.PACKAGES`` are made, only with data, and without the weights that a
    constructor would fetch: those of a run come from its own file. So a record of unknown origin
    runs nothing but constructors of networks that are installed.

    Args:
        described: As of ``built_network``.
        name: What it is called in messages.
        otherwise: What a person can do where it may not be followed.

    Returns:
        The description, with all that loads or fetches weights set off.

    Raises:
        InputError: If it names something that is no class of a network, not installed or of another
            package, or holds an expression or an address.
    """
    if not isinstance(described, Mapping) or TARGET not in described:
        raise InputError(f"{name}: expected a network's '{TARGET}' and arguments, got {described}")
    try:
        _refuse_others(described, name)
    except InputError as error:
        raise InputError(f"{error}; {otherwise}") from error
    return dict(_offline(described))


def _refuse_others(value: Any, name: str) -> None:
    if isinstance(value, str):
        _refuse_text(value, name)
    if isinstance(value, Mapping):
        for key, own in value.items():
            if key == TARGET:
                _class_of(own, name)
            elif evaluated(key) or str(key).startswith("_"):
                raise InputError(f"{name}: key {key!r} would be evaluated")
            else:
                _refuse_others(own, f"{name}: {key}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for own in value:
            _refuse_others(own, name)


def _refuse_text(value: str, name: str) -> None:
    if evaluated(value):
        raise InputError(f"{name}: {value!r} would be evaluated")
    if "://" in value:
        raise InputError(f"{name}: {value!r} is an address, and nothing is fetched")


def _class_of(target: Any, name: str) -> type[nn.Module]:
    """The class that a description names; nothing but the packages is imported to find it."""
    full = str(ConfigComponent({TARGET: target}).resolve_module_name())
    if not is_of_packages(full):
        kind = f"is not of {', '.join(PACKAGES)}, whose networks are made from a record"
        raise InputError(f"{name}: '{target}' {kind}")
    found = locate(full)
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        kind = "is not installed" if found is None else "is no class of a network"
        raise InputError(f"{name}: '{target}' {kind}")
    if not is_of_packages(found.__module__):
        raise InputError(f"{name}: '{target}' is {found.__module__}'s")
    return found


def _offline(value: Any) -> Any:
    """The value with all that loads or fetches weights set off, told to or by default."""
    if isinstance(value, Mapping):
        own = {key: _offline(part) for key, part in value.items() if not FETCHING.fullmatch(key)}
        return own | (_set_off(value[TARGET]) if TARGET in value else {})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_offline(part) for part in value]
    return value


def _set_off(target: str) -> dict[str, Any]:
    parameters = inspect.signature(_class_of(target, "backbone")).parameters.values()
    return {
        own.name: False if isinstance(own.default, bool) else None
        for own in parameters
        if FETCHING.fullmatch(own.name)
    }
