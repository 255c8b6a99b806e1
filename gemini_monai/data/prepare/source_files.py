"""What a folder or a download holds, whatever its tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gemini_monai.data.prepare.label_files import LabelFiles
from gemini_monai.data.prepare.split import Split


@dataclass(frozen=True)
class Source:
    """What a folder or a download holds, whatever its tree.

    The two conversions are for files that training could not read as they are: each takes a case
    and its file or files, and writes a new one below the destination. They are called only for
    cases that the split uses, and for labels only where they may be read.
    """

    name: str
    """Name of the data set, as runs and reports show it."""
    kind: str
    """Which of ``prepare``'s sources it is."""
    images: Mapping[str, Path]
    """By case."""
    labels: Mapping[str, LabelFiles]
    """By case, for some."""
    declared: Mapping[str, int] | None = None
    """Names and values of the labels, background included, if known."""
    ignore: int | None = None
    """Value in labels of voxels that do not count; ``None`` for none."""
    structures: Sequence[str] = ()
    """Names of the masks, if labels are one mask per structure."""
    channel_names: Sequence[str] = ()
    """Of the images, if known."""
    patients: Mapping[str, str] | None = None
    """Patient of each case, if known."""
    split: Split | None = None
    """The split, where the tree itself says it; ``None`` for the seeded rule."""
    license: str = "not recorded"
    """Terms of the data, in words; travels with the weights that are trained on them."""
    view: Mapping[str, Any] = field(default_factory=dict)
    """``spacing``, ``spatial_size`` or ``intensity`` where the data set's use is known; what is
    not given is proposed from the images."""
    convert_image: Callable[[str, Path], Path] | None = None
    """From a case and its image to a file that MONAI reads."""
    convert_label: Callable[[str, LabelFiles], LabelFiles] | None = None
    """From a case and its label to one that has the declared values or masks."""
