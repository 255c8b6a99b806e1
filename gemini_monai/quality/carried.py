"""Labels of a run's labeled scans, carried onto another scan along the run's own fields.

The votes are those of ``inference.atlases``, the data those of ``checking.cohort_of``, and how near
a scan is is told by the features of ``looks`` in the scale of ``familiar``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from torch import Tensor
from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.types import Features
from gemini_monai.images import says_where
from gemini_monai.inference import AtlasInferer, registration_items
from gemini_monai.inference.segmentation import loaded
from gemini_monai.quality.checking import Quality, cohort_of
from gemini_monai.quality.looks import features_in, masks_of
from gemini_monai.quality.signs import pooled
from gemini_monai.transforms import InputSpec, preprocessing, whole_label

NEAREST = 5
"""Labeled scans that vote, at most: each costs a reading and a field."""
KEYS = ("case", "image", "label", "grid")
"""Of a labeled scan, what carrying its label needs."""
ALONE = "labels are proposed by the network alone, not along its fields: %s"
"""Said where fields were to be expected."""


class CarriedLabels:
    """Votes of the labeled scans that are most like a scan, each along the field onto it.

    Labels of validation scans are not carried: what they say would get into the training.

    Args:
        quality: Of a run that registers.
        labeled: Scans with ``case``, ``image`` and ``label``; each is read once to see that it can
            be, and again where it votes.

    Raises:
        InputError: If structures overlap, volumes are seen slice by slice, there is no labeled
            scan, or one cannot be read.
    """

    def __init__(self, quality: Quality, labeled: Sequence[Mapping[str, Any]]) -> None:
        self.run = quality.run
        self.familiarity = quality.learned.familiarity
        _refuse(self.run.spec, labeled, where=str(self.run.folder))
        self.labeled = [{key: own[key] for key in KEYS if key in own} for own in labeled]
        rows = [self._row(entry) for entry in tqdm(self.labeled, desc="labeled scans")]
        self.rows = np.stack(rows)

    def nearest(self, features: Features) -> list[Mapping[str, Any]]:
        """Labeled scans that vote, the one that is most like the scan first.

        Args:
            features: Of the scan, as of ``Look``.
        """
        apart = self.familiarity.apart(pooled(features)[None], self.rows)[0]
        return [self.labeled[k] for k in np.argsort(apart, kind="stable")[:NEAREST]]

    @torch.no_grad()
    def votes(self, image: MetaTensor, features: Features, *, file: Any) -> Tensor:
        """Share of the votes of each class, (classes, *S), background first.

        Args:
            image: The scan (C, *S) as the network sees it.
            features: Of it, as of ``Look``.
            file: Its file, whose header says whether it has a place in the world.
        """
        spec, network = self.run.spec, self.run.network
        atlases = registration_items(self.nearest(features), spec)
        inferer = AtlasInferer(atlases, classes=spec.out_channels, spatial_size=spec.spatial_size)
        scan = image if says_where(file) else image.as_tensor()
        votes = inferer(scan[None].to(self.run.device, torch.float32), network)[0]
        return torch.as_tensor(votes.cpu().as_subclass(Tensor))

    def masks(self, votes: Tensor) -> Tensor:
        """Of the structures (K, *S), zeros and ones, as they are written.

        Args:
            votes: As of ``votes``.
        """
        spec = self.run.spec
        return masks_of(whole_label(votes.argmax(dim=0)[None, None], spec)[0], spec)

    def _row(self, entry: Mapping[str, Any]) -> np.ndarray:
        image = loaded(preprocessing(self.run.spec), dict(entry))["image"]
        seen = torch.as_tensor(image.as_tensor()).float()[None].to(self.run.device)
        return pooled(features_in(self.run.network, seen, self.run.spec))


def _refuse(spec: InputSpec, labeled: Sequence[object], *, where: str) -> None:
    reasons = {
        "its structures overlap, and votes make a label map": spec.overlapping,
        "it sees volumes slice by slice, and fields are of whole ones": spec.slices,
        "its data set has no labeled scan": not len(labeled),
    }
    for reason, true in reasons.items():
        if true:
            raise InputError(f"{where}: {reason}")


def carried_labels(quality: Quality, *, data: str | Path | None = None) -> CarriedLabels | None:
    """What carries a run's labels; ``None`` if it does not register, or if it cannot be, and why.

    Args:
        quality: Of the run.
        data: As of ``cohort_of``.
    """
    if not quality.run.record.get("registers"):
        return None
    try:
        return CarriedLabels(quality, cohort_of(quality.run, data).labeled)
    except InputError as error:
        logging.getLogger(__name__).warning(ALONE, error)
    return None
