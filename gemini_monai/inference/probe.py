"""What frozen dense features know, long before anything is fine-tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.data.streams import Views
from gemini_monai.data.streams.stream import RandomTransform, stacked
from gemini_monai.geometry.labels import counted
from gemini_monai.geometry.types import Image, Mask
from gemini_monai.geometry.warp import inbounds_mask, warp
from gemini_monai.inference.levels import Levels, levels_of
from gemini_monai.inference.linear import LinearClassifier
from gemini_monai.metrics import dice_per_structure, effective_rank
from gemini_monai.networks import Gemini
from gemini_monai.transforms import InputSpec

VIEWS = 4
"""Images of which two views are compared."""


class Scan(NamedTuple):
    """An image that the probe looks at."""

    image: Image
    """(1, C, *S)."""
    masks: Tensor
    """Its structures, zeros and ones, (1, structures, *S)."""
    places: Tensor
    """Voxels at which features are compared, (points, N); none that is ignored."""
    counts: Mask | None = None
    """True where no structure is ignored, (1, 1, *S); ``None`` for everywhere."""


class Probe:
    """Scores of a backbone's features, from labeled images and validation images alone.

    - ``linear_1``, ``linear_2``, ...: Dice of a linear classifier on the frozen features of each
      level, 1 being the dense ones at full resolution; fitted on the labeled images, scored on the
      validation images; mean over structures, then images; in [0, 1].
    - ``nearest``: Dice where each voxel of a validation image takes the label of that voxel of a
      labeled image whose dense feature has the highest cosine with its own (the pairing of DenseCL,
      Wang et al., CVPR 2021); mean over pairs of images.
    - ``true_positive_percent``: of the voxels in a structure, those whose partner is in the same
      one (figure 14 of the paper).
    - ``effective_rank``: directions that dense features use, see ``effective_rank``.
    - ``cosine_corresponding``, ``cosine_random``: mean cosine of the dense features of two views of
      one image, at places that are known to correspond, and at random ones.

    Voxels of which some structure is ignored are neither fitted nor scored.

    Args:
        labeled: Items with ``image`` (C, *S) and ``label``, preprocessed to one size.
        validation: The same, others.
        spec: Which structures there are, whether they overlap, and whether volumes are seen slice
            by slice: the slice with most of the structures then.
        transform: Random transform of an item, for the two views.
        points: Voxels of each image at which features are taken.
        seed: Of the choice of voxels and of the views.
    """

    def __init__(
        self,
        labeled: Sequence[Mapping[str, Any]],
        validation: Sequence[Mapping[str, Any]],
        *,
        spec: InputSpec,
        transform: RandomTransform,
        points: int = 2048,
        seed: int = 0,
    ) -> None:
        self.labeled_items, self.validation_items = labeled, validation
        self.spec = spec
        self.transform = transform
        self.points = points
        self.seed = seed

    @cached_property
    def scans(self) -> tuple[list[Scan], list[Scan]]:
        """Labeled and validation images, read once.

        Raises:
            InputError: If there is none of either, or all voxels of either are ignored.
        """
        counts = len(self.labeled_items), len(self.validation_items)
        if not all(counts):
            raise InputError(
                f"a probe needs labeled and validation images, got {counts[0]} and {counts[1]}; "
                "prepare the data with --labeled 5 --validation 5 or so"
            )
        random = torch.Generator().manual_seed(self.seed)
        labeled, validation = (
            [_scan(item, self.spec, self.points, random) for item in items]
            for items in (self.labeled_items, self.validation_items)
        )
        drawn = [[own for own in scans if len(own.places)] for scans in (labeled, validation)]
        if not all(drawn):
            part = "validation" if drawn[0] else "labeled"
            raise InputError(
                f"a probe needs labels, but every voxel of the {part} images is ignored"
            )
        return drawn[0], drawn[1]

    @cached_property
    def views(self) -> dict[str, Tensor]:
        """Two views of some validation images, and the field between them."""
        scans = self.scans[1]
        views = Views(min(VIEWS, len(scans)), transform=self.transform)
        views.open([{"image": scan.image[0]} for scan in scans])
        return views.draw(np.random.default_rng(self.seed), {})

    @torch.no_grad()
    def look(self, network: Gemini, device: torch.device | str) -> dict[str, float]:
        """The scores of a network as it is, by name; its mode is left as it was.

        Raises:
            InputError: If there is no labeled or no validation image, or features are not finite.
        """
        labeled, validation = self.scans
        training = network.training
        network.eval()
        known = [levels_of(network, s.image.to(device)).at(s.places) for s in labeled]
        if not all(bool(torch.isfinite(level).all()) for own in known for level in own):
            raise InputError(
                "features of the network are not finite, so training diverged; lower the learning "
                "rate"
            )
        truth = torch.cat([_at(s.masks, s.places) for s in labeled]).to(device)
        classifiers = [
            LinearClassifier(torch.cat(level), truth, overlapping=self.spec.overlapping)
            for level in zip(*known, strict=True)
        ]
        dense = [own[0] for own in known]
        scores = [
            self._scores(levels_of(network, scan.image.to(device)), scan, classifiers, dense)
            for scan in validation
        ]
        means = {name: _known_mean([row[name] for row in scores]) for name in scores[0]}
        cosines = self._cosines(network, device)
        network.train(training)
        return {**means, **cosines}

    def _scores(
        self,
        levels: Levels,
        scan: Scan,
        classifiers: Sequence[LinearClassifier],
        known: Sequence[Tensor],
    ) -> dict[str, float]:
        """Of one validation image, with the dense features of each labeled one."""
        scores = {}
        for number, (level, own) in enumerate(zip(levels.maps, classifiers, strict=True), 1):
            found = own.masks(levels.whole(own.logits(level))).cpu()
            found = found if scan.counts is None else found & scan.counts
            scores[f"linear_{number}"] = _mean(dice_per_structure(found, scan.masks))
        dense = levels.at(scan.places)[0]
        return (
            scores | self._nearest(dense, scan, known) | {"effective_rank": effective_rank(dense)}
        )

    def _nearest(self, dense: Tensor, scan: Scan, known: Sequence[Tensor]) -> dict[str, float]:
        """Dice and true positives of labels from the nearest features of each labeled image."""
        own = _at(scan.masks, scan.places)
        inside = own.any(dim=1)
        dice, hits = [], []
        for points, other in zip(known, self.scans[0], strict=True):
            partner = (F.normalize(dense) @ F.normalize(points).T).argmax(dim=1).cpu()
            taken = _at(other.masks, other.places)[partner]
            dice.append(_mean(dice_per_structure(taken.T[None], own.T[None])))
            hits.append(float((taken == own).all(dim=1)[inside].double().mean()))
        return {
            "nearest": _known_mean(dice),
            "true_positive_percent": 100 * _known_mean(hits),
        }

    def _cosines(self, network: Gemini, device: torch.device | str) -> dict[str, float]:
        ddf = self.views["ddf_ab"].to(device)
        first, second = (
            network.features(self.views[name].to(device)).float() for name in ("view_a", "view_b")
        )
        inside = rearrange(inbounds_mask(ddf), "b 1 ... -> (b ...)") > 0
        first, second = (
            rearrange(found, "b k ... -> (b ...) k")[inside] for found in (warp(first, ddf), second)
        )
        order = torch.randperm(len(second), generator=torch.Generator().manual_seed(0))
        return {
            "cosine_corresponding": float(F.cosine_similarity(first, second).mean()),
            "cosine_random": float(F.cosine_similarity(first, second[order]).mean()),
        }


def _scan(item: Mapping[str, Any], spec: InputSpec, points: int, random: torch.Generator) -> Scan:
    image, label = (stacked([item[key]]).float() for key in ("image", "label"))
    masks = label > 0 if spec.overlapping else _one_per_structure(label, spec)
    counts = counted(label)
    if counts is not None:
        counts = counts.all(dim=1, keepdim=True)
        masks = masks & counts
    if spec.slices:
        z = int(masks.flatten(0, -2).sum(dim=0).argmax())
        image, masks = image[..., z], masks[..., z]
        counts = None if counts is None else counts[..., z]
    shape = image.shape[2:]
    chosen = torch.randperm(shape.numel(), generator=random)
    chosen = (chosen if counts is None else chosen[counts.flatten()[chosen]])[:points]
    return Scan(image, masks, torch.stack(torch.unravel_index(chosen, shape), dim=1), counts)


def _one_per_structure(label: Tensor, spec: InputSpec) -> Tensor:
    """Masks (1, structures, *S) of a map of class indices (1, 1, *S)."""
    return torch.cat([label == k for k in range(1, len(spec.structures) + 1)], dim=1)


def _at(maps: Tensor, places: Tensor) -> Tensor:
    """Values of maps (1, K, *S) at voxels (points, N), (points, K)."""
    return maps[0][(slice(None), *places.T)].T


def _known_mean(values: Sequence[float]) -> float:
    """Of what is a number; NaN where nothing is."""
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")


def _mean(dice: Tensor) -> float:
    """Mean over structures that are there, of Dice (1, structures)."""
    return float(dice.nanmean())
