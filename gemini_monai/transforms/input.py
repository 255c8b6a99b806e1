"""How a network sees images: one typed view for training, validation, inference, registration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.intensity import Intensity, refuse_other_length

STEPS = ("load", "before", "orientation", "foreground", "grid", "intensity", "after", "fit")
"""What is done with an image, in this order if nothing else is said: the file is read; transforms
of one's own; axes; the box of what is above zero; voxel size, size, or the reference's grid;
intensities; transforms of one's own; padding and cropping to the network's size."""


@dataclass(frozen=True)
class InputSpec:
    """Size, grid and intensities of what a network gets, and what its labels mean."""

    spatial_dims: int
    """2 or 3."""
    in_channels: int
    """Channels of an image."""
    spatial_size: Sequence[int]
    """Voxels that the network sees in training, and the side of a window in inference."""
    intensity: Intensity
    """``{"kind": "percentile" | "range", "lower": ..., "upper": ...}``, scaled to [0, 1], or
    ``{"kind": "zscore"}``, to mean 0 and standard deviation 1; or one rule a channel."""
    color: bool = True
    """Channels are parts of one color, so that one rule has one scale for all of them; each has its
    own otherwise. Runs that do not say it had one."""
    spacing: Sequence[float] | None = None
    """Voxel size in mm that images are brought to; ``None`` to resize them to the size instead."""
    orientation: str | None = None
    """Axes that volumes are turned to, such as ``"RAS"``; ``None`` to leave them."""
    foreground: bool = False
    """Images are cropped to the box of what is above zero, such as a brain without its skull."""
    align: str | None = None
    """Images are sampled on the grid of one reference, registered by ``"itk"`` or ``"ants"``."""
    reference: str | Path | None = None
    """The image that new ones are registered to."""
    overlapping: bool = False
    """Structures are binary channels that may overlap, instead of values of one map."""
    label_values: Sequence[int] = (0,)
    """Value of each class in label files, ascending, background first."""
    structures: Sequence[str] = ()
    """Names of the foreground structures."""
    ignore: int | None = None
    """Value in label files of voxels that count neither in losses nor in scores; in an array they
    are ``labels.IGNORED``. ``None`` where every voxel counts."""
    largest_component: Sequence[str] = ()
    """Structures of which the largest component alone is kept of what a network says."""
    fill_holes: Sequence[str] = ()
    """Structures whose holes are closed in what a network says."""
    slices: bool = False
    """Volumes are seen slice by slice, across their last axis, by a 2-D network."""
    preprocessing_steps: Sequence[str] = STEPS
    """Which of ``STEPS`` are done, and in which order."""
    before: Sequence[Callable[..., Any]] = ()
    """Transforms of one's own, of images on their own grids."""
    after: Sequence[Callable[..., Any]] = ()
    """Transforms of one's own, of what is scaled and on the network's grid."""

    def __post_init__(self) -> None:
        """Refuse rules that are not one a channel, and steps that are none.

        Raises:
            InputError: If rules are too few or too many; naming a step that is unknown or twice, or
                missing though something is to be done in it; if the file is not read first; or
                naming a structure that there is not.
        """
        _refuse_other_steps(self.preprocessing_steps)
        for step in ("before", "foreground", "after"):
            if getattr(self, step):
                refuse_without(step, self.preprocessing_steps, key=step)
        refuse_other_length(self.intensity, self.in_channels, name="key 'intensity'")
        for key in ("largest_component", "fill_holes"):
            _refuse_unknown(getattr(self, key), self.structures, key=key)

    @classmethod
    def of(cls, settings: Mapping[str, Any], **given: Any) -> InputSpec:
        """What the settings of a run say of it.

        Args:
            settings: By name, some of them.
            given: What takes their place.
        """
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in names} | given)

    @property
    def network_dims(self) -> int:
        """Axes of what the network sees."""
        return 2 if self.slices else self.spatial_dims

    @property
    def out_channels(self) -> int:
        """Channels of a network's output for labels: structures, and background when exclusive."""
        return len(self.structures) if self.overlapping else len(self.label_values)

    @property
    def values(self) -> list[int] | None:
        """Value of each class in a label file, or ``None`` where labels are masks."""
        return None if self.overlapping else list(self.label_values)

    def maps_of(self, names: Sequence[str]) -> list[int]:
        """Of structures, their class indices, or their channels where they may overlap."""
        first = 0 if self.overlapping else 1
        return [first + list(self.structures).index(name) for name in names]

    def settings(self) -> dict[str, Any]:
        """All but transforms by name, as a run records it; ``ignore`` where there is one."""
        names = [own.name for own in fields(self) if own.name not in ("before", "after")]
        plain = {name: getattr(self, name) for name in names}
        plain["preprocessing_steps"] = list(self.preprocessing_steps)
        if self.ignore is None:
            del plain["ignore"]
        return plain | {"out_channels": self.out_channels}


def refuse_without(step: str, steps: Sequence[str], *, key: str) -> None:
    """Stop at a key that says what a step does which is not done.

    Args:
        step: One of ``STEPS``.
        steps: Those that are done.
        key: For the message.

    Raises:
        InputError: Naming both.
    """
    if step not in steps:
        raise InputError(
            f"key '{key}': is given, but preprocessing_steps {list(steps)} leave '{step}' out, so "
            "nothing would be done with it"
        )


def _refuse_other_steps(steps: Sequence[str]) -> None:
    unknown = [step for step in steps if step not in STEPS or list(steps).count(step) > 1]
    if unknown or list(steps[:1]) != ["load"]:
        raise InputError(
            f"key 'preprocessing_steps': expected 'load', then some of {', '.join(STEPS[1:])}, "
            f"each once, got {list(steps)!r}"
        )


def _refuse_unknown(names: Sequence[str], structures: Sequence[str], *, key: str) -> None:
    for name in names:
        if name not in structures:
            raise InputError(
                f"key '{key}': no structure {name!r}; there are {', '.join(structures) or 'none'}"
            )
