"""A network as plain data, such as a record can hold: the name of its class, and arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pydoc import locate
from typing import Any

from monai.bundle import ConfigComponent, ConfigParser
from torch import nn

from gemini_monai.errors import InputError
from gemini_monai.limits import evaluated

TARGET = "_target_"
"""Key of the class in a description, as in MONAI's configurations."""
AGAIN = "give the overlay that names the backbone"
"""What helps where a description cannot be followed."""


def built_network(described: Mapping[str, Any] | nn.Module | None) -> nn.Module | None:
    """The network of a description.

    Only classes of ``torch.nn.Module`` are called, and only with data, so a record of unknown
    origin runs nothing but constructors of networks that are installed.

    Args:
        described: As MONAI's configurations describe a component: ``_target_`` and arguments, which
            may be networks themselves. A network, and ``None``, are returned as they are.

    Raises:
        InputError: If it names something that is no class of a network or not installed, holds an
            expression, or the class does not take the arguments.
    """
    if described is None or isinstance(described, nn.Module):
        return described
    check_description(described, "backbone")
    try:
        network = ConfigParser({"network": dict(described)}).get_parsed_content("network")
    except RuntimeError as error:
        reason = error.__cause__ or error
        raise InputError(f"backbone: {described[TARGET]} cannot be made: {reason}") from error
    return network


def check_description(described: Any, name: str) -> None:
    """Stop at a description that is no network's.

    Raises:
        InputError: As ``built_network`` does.
    """
    if not isinstance(described, Mapping) or TARGET not in described:
        raise InputError(f"{name}: expected a network's '{TARGET}' and arguments, got {described}")
    _refuse_others(described, name)


def _refuse_others(value: Any, name: str) -> None:
    if evaluated(value):
        raise InputError(f"{name}: {value!r} would be evaluated; {AGAIN}")
    if isinstance(value, Mapping):
        for key, own in value.items():
            if key == TARGET:
                _refuse_other_classes(own, name)
            elif evaluated(key) or str(key).startswith("_"):
                raise InputError(f"{name}: key {key!r} would be evaluated; {AGAIN}")
            else:
                _refuse_others(own, f"{name}: {key}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for own in value:
            _refuse_others(own, name)


def _refuse_other_classes(target: Any, name: str) -> None:
    found = locate(str(ConfigComponent({TARGET: target}).resolve_module_name()))
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        kind = "is not installed" if found is None else "is no class of a network"
        raise InputError(f"{name}: '{target}' {kind}; {AGAIN}")
