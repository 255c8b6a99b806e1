"""The network of a run: the one place where settings become a network."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.networks.described import built_network
from gemini_monai.networks.gemini import Gemini

GIVEN_BY_DATA = ("spatial_dims", "in_channels", "out_channels")
"""What a network takes of the images and of the structures."""
_PARAMETERS = [name for name in inspect.signature(Gemini).parameters if name not in GIVEN_BY_DATA]
NETWORK_SETTINGS = tuple(_PARAMETERS)
"""Knobs of a network: all other arguments of ``Gemini``."""


def network_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What ``Gemini`` is called with; a knob that is not said has its default.

    Args:
        settings: Of a run, by name; more of them are passed over.

    Raises:
        InputError: If they do not say for which images and structures.
    """
    missing = [name for name in GIVEN_BY_DATA if name not in settings]
    if missing:
        raise InputError(f"the settings of the run describe no network: no {', '.join(missing)}")
    names = (*GIVEN_BY_DATA, *NETWORK_SETTINGS)
    given = {name: settings[name] for name in names if name in settings}
    return given | ({"spatial_dims": 2} if settings.get("slices") else {})


def network_of(settings: Mapping[str, Any], *, backbone: Any = None) -> Gemini:
    """The network of a run, as it is initialized.

    Args:
        settings: Of the run, by name.
        backbone: One's own, or its description; ``None`` for what the settings describe.

    Raises:
        InputError: As ``network_arguments`` and ``built_network``, or if a setting is of no
            network.
    """
    given = network_arguments(settings)
    described = given.get("backbone") if backbone is None else backbone
    given["backbone"] = built_network(described)
    try:
        return Gemini(**given)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the settings of the run describe no network: {error}") from error
