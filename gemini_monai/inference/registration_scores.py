"""How well a trained network registers: scores over many pairs of labeled images."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gemini_monai.base.files import write_arrays, write_json
from gemini_monai.base.tables import write_table
from gemini_monai.geometry.labels import Target, both, target_of
from gemini_monai.geometry.types import DDF
from gemini_monai.inference.common_grid import CommonGrid
from gemini_monai.inference.correspond import Registration, register_pair
from gemini_monai.inference.meeting import Meeting, meet
from gemini_monai.metrics import (
    correspondence_error,
    dice_per_structure,
    log_jacobian_std,
    mean_and_deviation,
    true_displacement,
)
from gemini_monai.networks import DenseNetwork
from gemini_monai.transforms import InputSpec


class RegistrationScores:
    """Dice of warped labels, folding, and errors against true fields, over pairs of test items.

    As in training, the images of a pair are of different patients, and of one group, where the
    items say whose they are. Voxels that the label of either image ignores are in no Dice.

    Writes ``registration.csv`` and ``registration.json``, and the ``best``, ``median`` and
    ``worst`` pair by Dice as ``pairs/*.npz``.

    The images of a pair meet as ``register`` lets them by default: in the world where the smaller
    field of view lies mostly inside the other, else center to center.

    Args:
        network: A ``Gemini``.
        data: As ``registration_items`` gives them: with ``image`` (C, *S), ``label`` (index map, or
            a binary channel per structure) and ``case``, with ``patient`` and ``group`` where they
            are known; those of a phantom have ``field`` and ``inverse_field``.
        folder: Where everything goes.
        spec: Size that the network sees, names of the structures, and whether their labels are
            binary channels.
        device: Where the network is.
        max_pairs: Ordered pairs at most; both directions of a pair count.
        seed: Seed of the choice of pairs when there are more, 0 or more.
    """

    def __init__(
        self,
        *,
        network: DenseNetwork,
        data: Sequence[Mapping[str, Any]],
        folder: str | Path,
        spec: InputSpec,
        device: torch.device | str = "cpu",
        max_pairs: int = 100,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.data = data
        self.folder = Path(folder)
        self.spec = spec
        self.structures = list(spec.structures)
        self.overlapping = spec.overlapping
        self.device = device
        self.max_pairs = max_pairs
        self.seed = seed

    def run(self) -> list[dict[str, Any]]:
        """Register every pair and return the rows of the table, none without a pair."""
        pairs = self.pairs
        if not pairs:
            return []
        rows = [self._row(moving, fixed) for moving, fixed in tqdm(pairs, desc="register")]
        write_table(self.folder / "registration.csv", rows)
        write_json(self.folder / "registration.json", _summary(rows))
        scored = [k for k, row in enumerate(rows) if not np.isnan(row["dice_after"])]
        order = sorted(scored or range(len(rows)), key=lambda k: rows[k]["dice_after"])
        for name, k in zip(("worst", "median", "best"), (0, len(order) // 2, -1), strict=True):
            self._keep(name, *pairs[order[k]])
        return rows

    def means(self) -> dict[str, float]:
        """Mean Dice over the pairs before and after, of none no numbers; nothing is written."""
        rows = [self._row(moving, fixed) for moving, fixed in self.pairs]
        if not rows:
            return {}
        return {name: _mean([row[name] for row in rows]) for name in ("dice_before", "dice_after")}

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Places of the images that are registered, (moving, fixed)."""
        items = (self.data[k] for k in range(len(self.data)))
        group_and_patient = [
            (item.get("group"), item.get("patient", item["case"])) for item in items
        ]
        pairs = _choose_pairs(group_and_patient, count=self.max_pairs, seed=self.seed)
        if len(group_and_patient) > 1 and not pairs:
            logging.getLogger(__name__).warning(
                "no two of %d images are of one group and of different patients, so no "
                "registration is scored",
                len(group_and_patient),
            )
        return pairs

    def _row(self, moving: int, fixed: int) -> dict[str, Any]:
        source, target = self.data[moving], self.data[fixed]
        meeting = meet(source, target, size=self.spec.spatial_size)
        common = meeting.common
        result = self._registered(source, target, common)
        masks, truth = self._masks(source), _in_window(self._masks(target), common)
        still = torch.zeros_like(result.ddf)
        dice = [_dice(_moved(masks, ddf, common), truth) for ddf in (still, result.ddf)]
        errors = self._errors(result.ddf, source, target, meeting)
        row: dict[str, Any] = {"moving": source["case"], "fixed": target["case"]}
        row |= {"start": meeting.start.kind, "start_mm": meeting.start.distance}
        row |= {"dice_before": _mean(dice[0]), "dice_after": _mean(dice[1])}
        for when, values in zip(("before", "after"), dice, strict=True):
            row |= {f"dice_{when}_{n}": v for n, v in zip(self.structures, values, strict=True)}
        row |= {"folding_percent": result.folding_percent}
        row |= {"std_log_jacobian": float(log_jacobian_std(result.ddf))}
        return row | {"error_before": errors[0], "error_after": errors[1]}

    def _registered(
        self, source: Mapping[str, Any], target: Mapping[str, Any], common: CommonGrid
    ) -> Registration:
        moving = common.moving(self._batch(source["image"])[0])[None]
        fixed = common.fixed(self._batch(target["image"])[0])[None]
        return register_pair(self.network, moving, fixed, slices=self.spec.slices)

    def _errors(
        self, ddf: DDF, source: Mapping[str, Any], target: Mapping[str, Any], meeting: Meeting
    ) -> tuple[float | str, float | str]:
        """Error of no displacement and of the field in voxels; empty where the truth is unknown."""
        if "inverse_field" not in source or "field" not in target:
            return "", ""
        fields = self._batch(target["field"]), self._batch(source["inverse_field"])
        if fields[0].shape != ddf.shape or not meeting.common.is_that_of_both:
            return "", ""  # the network sees another grid than the phantom's own
        truth = true_displacement(*fields)
        mask = self._masks(target).maps.any(dim=1, keepdim=True)
        still = correspondence_error(torch.zeros_like(ddf), truth, mask)
        return float(still), float(correspondence_error(ddf, truth, mask))

    def _keep(self, name: str, moving: int, fixed: int) -> None:
        source, target = self.data[moving], self.data[fixed]
        common = meet(source, target, size=self.spec.spatial_size).common
        result = self._registered(source, target, common)
        label = self._batch(source["label"])
        arrays = {
            "moving": common.moving(self._batch(source["image"])[0]),
            "fixed": common.fixed(self._batch(target["image"])[0]),
            "warped": result.warped[0],
            "ddf": result.ddf[0],
            "moving_label": common.moving(label[0], mode="nearest"),
            "fixed_label": common.fixed(self._batch(target["label"])[0]),
            "warped_label": common.warped(label, result.ddf, mode="nearest")[0],  # 0 outside
        }
        plain = {key: value.cpu().numpy() for key, value in arrays.items()}
        write_arrays(
            self.folder / "pairs" / f"{name}.npz",
            moving_case=source["case"],
            fixed_case=target["case"],
            **plain,
        )

    def _batch(self, array: Any) -> Tensor:
        plain = torch.as_tensor(np.asarray(array))
        return plain[None].to(self.device, torch.float32)

    def _masks(self, item: Mapping[str, Any]) -> Target:
        """One binary channel per structure, (1, K, *S), and where they count."""
        label = self._batch(item["label"])
        classes = len(self.structures) + 1
        found = target_of(label, classes, overlapping=self.overlapping)
        return found if self.overlapping else Target(found.maps[:, 1:], found.counts)


def _in_window(masks: Target, common: CommonGrid) -> Target:
    """Masks of the fixed image in the window; what is outside of the image counts as background."""
    maps = common.fixed(masks.maps[0])[None]
    if masks.counts is None:
        return Target(maps)
    return Target(maps, common.fixed((~masks.counts[0]).to(maps.dtype))[None] == 0)


def _moved(masks: Target, ddf: DDF, common: CommonGrid) -> Target:
    """Masks of the moving image where the field takes them, voxel by voxel."""
    moved = common.warped(masks.maps, ddf, mode="nearest")
    if masks.counts is None:
        return Target(moved)
    hidden = (~masks.counts).to(ddf.dtype)
    return Target(moved, common.warped(hidden, ddf, mode="nearest") == 0)


def _dice(masks: Target, truth: Target) -> list[float]:
    """Of each structure, over the voxels that count in both."""
    counts = both(masks.counts, truth.counts)
    if counts is None:
        dice = dice_per_structure(masks.maps, truth.maps)
    else:
        dice = dice_per_structure(masks.maps * counts, truth.maps * counts)
    return [float(value) for value in dice[0]]


def _mean(values: Sequence[float]) -> float:
    """Of what is known; NaN where nothing is."""
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")


def _choose_pairs(
    group_and_patient: Sequence[tuple[str | None, str]], *, count: int, seed: int
) -> list[tuple[int, int]]:
    """Ordered pairs (moving, fixed), both directions of the seeded choice.

    Args:
        group_and_patient: Group and patient of each image.
        count: At most.
        seed: Of the choice.
    """
    pairs = [
        (a, b)
        for a, b in itertools.combinations(range(len(group_and_patient)), 2)
        if group_and_patient[a][0] == group_and_patient[b][0]
        and group_and_patient[a][1] != group_and_patient[b][1]
    ]
    kept = np.random.default_rng(seed).permutation(len(pairs))[: max(1, count // 2)]
    return [pair for k in sorted(kept) for pair in (pairs[k], pairs[k][::-1])]


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = "dice_before dice_after folding_percent std_log_jacobian error_before error_after"
    columns = {name: [row[name] for row in rows if row[name] != ""] for name in names.split()}
    return {
        "pairs": len(rows),
        **{name: mean_and_deviation(values) for name, values in columns.items()},
    }
