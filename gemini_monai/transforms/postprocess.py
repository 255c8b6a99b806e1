"""The one chain from logits to label maps, to be scored or written."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

import torch
from monai.transforms.compose import Compose
from monai.transforms.post.dictionary import AsDiscreted
from monai.transforms.transform import MapTransform

from gemini_monai.metrics import calibration_errors
from gemini_monai.transforms.input import InputSpec
from gemini_monai.transforms.output import FiniteOutputd, SaveCased
from gemini_monai.transforms.probabilities import OwnGridd, Probabilitiesd
from gemini_monai.transforms.room import RoomForOwnGridd
from gemini_monai.transforms.structure_volumes import CaseTable, SaveVolumesd
from gemini_monai.transforms.whole import WholeStructuresd

IGNORED_VOXELS = "ignored"
"""Key of a mask of what did not count, (1 or K, *S)."""
Transforms = list[Callable[..., Any]]
CALIBRATION = "calibration_errors"
"""Key of what ``calibration_errors`` finds, one of each structure."""


class Calibrationd(MapTransform):
    """Calibration of ``pred`` as ``calibration_errors``, before it is decided and its logits go.

    Args:
        label: Key of the truth, as of ``OnlyCountedd``.
        overlapping: Whether structures have channels of their own.
    """

    def __init__(self, label: str, *, overlapping: bool) -> None:
        super().__init__(["pred", label])
        self.label = label
        self.overlapping = overlapping

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with ``calibration_errors``; ``pred`` (K, *S), logits, on the truth's grid."""
        item = dict(data)
        logits, truth = (item[key].as_subclass(torch.Tensor) for key in ("pred", self.label))
        item[CALIBRATION] = calibration_errors(
            logits, truth.to(logits.device), overlapping=self.overlapping
        )
        return item


class OnlyCountedd(MapTransform):
    """Background, or no structure, in ``pred`` and the truth alike where the truth is ignored.

    So neither a true nor a false voxel is there for any score, and ``ignored`` says where.

    Args:
        label: Key of the truth, (1, *S) of class indices or (K, *S) of zeros and ones, of which
            those below 0 are ignored.
    """

    def __init__(self, label: str) -> None:
        super().__init__(["pred", label])
        self.label = label

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with ``ignored``; ``pred`` (1, *S) or (K, *S), decided, on the same grid."""
        item = dict(data)
        ignored = item[self.label] < 0
        for key in self.keys:
            item[key] = item[key].masked_fill(ignored.to(item[key].device), 0)
        item[IGNORED_VOXELS] = ignored
        return item


def to_own_grid(spec: InputSpec, preprocessing: Compose) -> Compose:
    """From ``pred`` (K, *S), logits of a network, to the same on the image's own grid.

    Args:
        spec: What the channels mean.
        preprocessing: Is undone.
    """
    return Compose([FiniteOutputd("pred"), RoomForOwnGridd("pred"), OwnGridd(preprocessing, spec)])


def postprocessing(
    spec: InputSpec,
    *,
    preprocessing: Compose | None = None,
    folder: str | Path | None = None,
    suffix: str = ".nii.gz",
    method: str = "",
    label: str | None = None,
    calibration: bool = False,
    probabilities: bool = False,
    volumes: CaseTable | None = None,
) -> Compose:
    """From ``pred`` (K, *S), logits, to the structures that it says.

    Args:
        spec: What the channels mean.
        preprocessing: Is undone first, so that ``pred`` lies on the image's own grid; ``None`` for
            the network's.
        folder: Where predictions are written, one file a case; ``None`` for nowhere.
        suffix: Ending of those files' names, such as ``.nii.gz``; it says the format.
        method: What made them, where the format has a place for it.
        label: Key of the truth that ``pred`` is compared with, on the same grid; both become
            channels of zeros and ones then, as metrics want them, with nothing in voxels that are
            ignored. Written predictions have something there, too.
        calibration: Whether what ``calibration_errors`` says of the logits, by the truth, goes with
            the item; it takes a while.
        probabilities: Those of every class go with the item as ``probabilities``, before anything
            is decided, and into ``folder``.
        volumes: Where rows of ``volume_rows`` go, and then a report of them beside each DICOM-SEG;
            ``None`` for neither.
    """
    chain: Transforms = []
    if preprocessing is not None:
        chain.append(to_own_grid(spec, preprocessing))
    if label is not None and calibration:
        chain.append(Calibrationd(label, overlapping=spec.overlapping))
    if probabilities:
        overlapping = spec.overlapping
        chain.append(Probabilitiesd(overlapping=overlapping, folder=folder, suffix=suffix))
    chain += _decided(spec)
    if folder is not None:
        meaning: dict[str, Any] = {"label_values": spec.values, "structures": spec.structures}
        meaning |= {"method": method, "volumes": volumes is not None}
        chain.append(SaveCased("pred", folder=folder, suffix=suffix, **meaning))
    if volumes is not None:
        chain.append(SaveVolumesd(spec, table=volumes))
    return Compose([*chain, *(_compared(spec, label) if label is not None else [])])


def _decided(spec: InputSpec) -> Transforms:
    """From logits to class indices or masks, as whole as they are to be."""
    decide = {"threshold": 0.0} if spec.overlapping else {"argmax": True}
    whole = [WholeStructuresd("pred", spec)] if spec.largest_component or spec.fill_holes else []
    return [AsDiscreted("pred", **decide), *whole]


def _compared(spec: InputSpec, label: str) -> Transforms:
    """Both as metrics want them."""
    counted = [OnlyCountedd(label)] if spec.ignore is not None else []
    if spec.overlapping:
        return [*counted]
    return [*counted, AsDiscreted(["pred", label], to_onehot=spec.out_channels)]
