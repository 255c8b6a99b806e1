"""What every method and data set of the bundles is tested by: which there are, and short trainings.

A new ``method_*.json``, ``dataset_*.json`` or ``finetune_*.json`` is a case without a word here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from pydoc import locate

import torch
from ignite.engine import Events

from gemini_monai.objectives import Objective
from tests.bundles.runs import BUNDLE, MIP, SMALL, paths, workflow

SIZES = {2: [32, 32], 3: [16, 16, 16]}
FEW_BOXES = {"corruption#transforms#0#boxes": 20}
"""Of restoration's shuffle, which has 5000 for an image 27 times as large."""


def _added(content: dict) -> dict:
    """Objectives that an overlay brings, beside those of the configuration."""
    given = content.get("objectives", {})
    return {name: value for name, value in given.items() if not isinstance(value, str)}


@dataclass(frozen=True)
class Case:
    """A configuration, its overlay, and the dimensions of the images that it trains on."""

    bundle: Path
    base: str
    overlay: str | None
    spatial_dims: int

    def __str__(self) -> str:
        overlay = self.overlay or "none"
        return f"{self.bundle.name}-{self.base}-{overlay}-{self.spatial_dims}d"

    @property
    def files(self) -> list[str]:
        return [self.base, *([self.overlay] if self.overlay else [])]

    @property
    def objectives(self) -> list[type[Objective]]:
        """Classes of those that the overlay adds."""
        given = self.content().get("objectives", {}).values()
        return [locate(value["_target_"]) for value in given if not isinstance(value, str)]

    @property
    def again(self) -> bool:
        """A method on volumes, whose files and resuming are as they are on images."""
        return self.spatial_dims == 3 and (self.overlay or "").startswith("method_")

    @property
    def owns(self) -> bool:
        """A method whose objectives have something of their own to save and to keep equal."""
        return any(own.bind is not Objective.bind for own in self.objectives)

    @property
    def twin(self) -> bool:
        """The other bundle trains by the same objectives beside its own."""
        other = MIP / "configs" / f"{self.overlay}.json"
        if self.bundle is MIP or not self.objectives or not other.is_file():
            return False
        return _added(json.loads(other.read_text())) == _added(self.content())

    def overrides(self) -> dict:
        small = SMALL | {"num_workers": 0, "cache_dir": None}
        small["spatial_size"] = SIZES[self.spatial_dims]
        if self.base == "finetune":
            del small["registration_pairs"]
            if "backbone" in self.content().get("backbone", {}):
                small["backbone#backbone"] = "resnet18"
            return small | {"pretrained": "none"}
        return small | ({"compare": []} if self.bundle is BUNDLE else {})

    def quick(self) -> dict:
        """Beside the overrides, what only shortens a training."""
        shuffles = self.bundle is MIP and self.base == "train"
        return FEW_BOXES if shuffles and "corruption" not in self.content() else {}

    def content(self) -> dict:
        """What the overlay says."""
        path = self.bundle / "configs" / f"{self.overlay}.json"
        return json.loads(path.read_text()) if self.overlay else {}


def _overlays(bundle, kind):
    return sorted(path.stem for path in (bundle / "configs").glob(f"{kind}_*.json"))


def _dims(bundle, overlay):
    """Axes of the images that an overlay is for: both kinds where it names no size."""
    if overlay is None:
        return (2, 3)
    content = json.loads((bundle / "configs" / f"{overlay}.json").read_text())
    if content.get("slices"):
        return (3,)
    if isinstance(axes := content.get("backbone", {}).get("spatial_dims"), int):
        return (axes,)
    return (len(content["spatial_size"]),) if "spatial_size" in content else (2, 3)


CASES = [
    Case(bundle, base, overlay, dims)
    for bundle, base, kinds in (
        (BUNDLE, "train", ("method", "dataset", "recipe")),
        (MIP, "train", ("method", "dataset")),
        (MIP, "finetune", ("finetune",)),
    )
    for overlay in [None, *(name for kind in kinds for name in _overlays(bundle, kind))]
    for dims in _dims(bundle, overlay)
]

CASES = [case for case in CASES if not (case.again and case.twin)]


class Killed(BaseException):
    """A process that ends without a word."""


def trained(case, dataset, folder, *, resume=False, kill_at=None, **overrides):
    """Trainer of a case that ran two epochs of two iterations, and what a gradient reached."""
    places = paths(dataset, folder) | {"resume": resume}
    given = case.overrides() | case.quick() | overrides
    flow = workflow(*case.files, bundle=case.bundle, **places, **given)
    flow.initialize()
    trainer = flow.parser.get_parsed_content("train#trainer")
    if kill_at is not None:
        trainer.add_event_handler(Events.ITERATION_STARTED(once=kill_at), _kill)
    reached = _watched(flow.parser.get_parsed_content("learner"))
    trainer.run()
    return trainer, reached


def _watched(learner):
    """Names of parameters, as a gradient that is not all zeros reaches them."""
    reached = set()
    for name, parameter in learner.named_parameters():
        if parameter.requires_grad:
            parameter.register_post_accumulate_grad_hook(
                lambda own, name=name: reached.add(name) if own.grad.any() else None
            )
    return reached


def _kill(engine):
    raise Killed


def saved(folder):
    """Everything in ``last.pt``."""
    return torch.load(folder / "models" / "last.pt", weights_only=True)
