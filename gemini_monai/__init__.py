"""Dense self-supervised learning from correspondence (GEMINI) for MONAI.

Rooms, from the ground up; each imports only from those before it: ``base``, ``geometry``, ``runs``,
``losses``, ``networks``, ``metrics``, ``objectives``, ``weights``, ``engines``, ``images``,
``transforms``, ``data`` (with ``streams`` and ``prepare``), ``inference``, ``choosing``,
``quality``, ``handlers``, ``report``, ``configuration``, ``study``, ``commands``.

The names below are what a script or a notebook needs; each is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gemini_monai.base.moved import let_old_names_work

if TYPE_CHECKING:
    from gemini_monai.data import read_cohort as read_cohort
    from gemini_monai.inference import Ensemble as Ensemble
    from gemini_monai.inference import TrainedRun as Run  # noqa: F401
    from gemini_monai.inference import TrainedRun as TrainedRun
    from gemini_monai.networks import Deformer as Deformer
    from gemini_monai.networks import Gemini as Gemini
    from gemini_monai.networks import UNetBackbone as UNetBackbone
    from gemini_monai.objectives import ContrastObjective as ContrastObjective
    from gemini_monai.objectives import HomeomorphismObjective as HomeomorphismObjective
    from gemini_monai.objectives import Learner as Learner
    from gemini_monai.objectives import Objective as Objective
    from gemini_monai.objectives import RestorationObjective as RestorationObjective
    from gemini_monai.objectives import SegmentationObjective as SegmentationObjective
    from gemini_monai.weights import export_backbone as export_backbone
    from gemini_monai.weights import load_backbone as load_backbone

__version__ = "0.1.0"

_ROOMS = {
    **dict.fromkeys(("TrainedRun", "Ensemble"), "inference"),
    **dict.fromkeys(("Gemini", "UNetBackbone", "Deformer"), "networks"),
    **dict.fromkeys(("Learner", "Objective", "HomeomorphismObjective"), "objectives"),
    **dict.fromkeys(("ContrastObjective", "SegmentationObjective"), "objectives"),
    "RestorationObjective": "objectives",
    **dict.fromkeys(("load_backbone", "export_backbone"), "weights"),
    "read_cohort": "data",
}
"""Room of each name."""

_SHORT = {"Run": "TrainedRun"}
"""Names that are said in another way."""

__all__ = ["__version__", *_ROOMS, *_SHORT]

let_old_names_work()


def __getattr__(name: str) -> Any:
    """A name of ``__all__``, from its room.

    Raises:
        AttributeError: If it is none of them.
    """
    full = _SHORT.get(name, name)
    if full not in _ROOMS:
        raise AttributeError(f"module 'gemini_monai' has no attribute '{name}'")
    return getattr(import_module(f"gemini_monai.{_ROOMS[full]}"), full)


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS, *_SHORT])
