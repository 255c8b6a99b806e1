"""What is asked of nnU-Net, and whether it is there; nothing heavy is imported for it."""

from __future__ import annotations

from dataclasses import dataclass

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import refuse_without
from gemini_monai.base.limits import Check, flag, optional, real, text, whole

CHECKS: dict[str, Check] = {
    "minutes": optional(real(above=0)),
    "iterations": optional(whole(1)),
    "labeled_cases": optional(whole(1)),
    "labeled_draw": optional(whole(0, 2**32 - 1)),
    "seed": whole(0, 2**32 - 1),
    "configuration": optional(text),
    "planner": text,
    "mirroring": flag,
    "modality": text,
    "surface_tolerance": optional(real(0)),
}


@dataclass(frozen=True)
class Wanted:
    """How nnU-Net is trained, and on which labels.

    Raises:
        InputError: Naming a value that cannot be, or if minutes and iterations are both said, or
            neither is.
    """

    minutes: float | None = None
    """How long it trains: processor time on a CPU, time that passes on any other device."""
    iterations: int | None = None
    """The same in steps."""
    labeled_cases: int | None = None
    """As of ``read_cohort``; what is not among them is not read before the test."""
    labeled_draw: int | None = None
    """As of ``read_cohort``."""
    seed: int = 0
    """Of weights and augmentation, which nnU-Net by itself leaves to chance."""
    configuration: str | None = None
    """Of the plans; ``None`` for ``2d`` or ``3d_fullres``, as the images are."""
    planner: str = "ExperimentPlanner"
    """nnU-Net's class that plans."""
    mirroring: bool = True
    """Along every axis, as nnU-Net does by itself: a left lung and a right one are then alike."""
    modality: str = "image"
    """As of ``write_raw``."""
    surface_tolerance: float | None = None
    """As of ``SegmentationScores``."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name, check in CHECKS.items():
            check(getattr(self, name), f"--{name}")
        if (self.minutes is None) == (self.iterations is None):
            raise InputError("--minutes or --iterations: give one of them, for how long to train")


def refuse_missing() -> None:
    """Stop where nnU-Net is not installed.

    Raises:
        InputError: Naming the extra.
    """
    refuse_without("nnunetv2", extra="nnunet", purpose="nnU-Net itself")
