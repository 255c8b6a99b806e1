"""Which images there are, which of them have labels, and who they are of."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.base.intensity import Intensity, rule_of
from gemini_monai.data.checks import SPLITS
from gemini_monai.data.identities import (
    content_hash,
    hash_of,
    identities,
    is_paired,
    prepared_identity,
)
from gemini_monai.images.read import is_colored
from gemini_monai.transforms import InputSpec


@dataclass(frozen=True)
class Cohort:
    """Which images there are, which of them have labels, and how the network should see them.

    Entries are dicts with ``image`` and ``case``, and ``label`` where one may be read; ``label`` is
    a path, or a list of paths to one binary mask per structure. ``patient`` and ``group``, where
    they are known, say who may be paired; an unlabeled entry with ``"paired": false``, such as an
    image with a lesion that no other has, is paired with none. One with ``"has_label": true`` has a
    label file somewhere that the split does not use; the entry does not say where.
    """

    path: Path
    """The ``dataset.json``."""
    name: str
    spatial_dims: int
    channels: int
    labels: Mapping[str, int]
    """Value of each structure, background included; overlapping structures have no background."""
    overlapping: bool
    """Structures are binary channels that may overlap, instead of values of one map."""
    spacing: tuple[float, ...] | None
    """Voxel size for the network in mm; ``None`` to resize to ``spatial_size`` instead."""
    spatial_size: tuple[int, ...]
    """Voxels that the network sees."""
    intensity: Intensity
    """``{"kind": "percentile" | "range", "lower": ..., "upper": ...}``, scaled to [0, 1]; or one a
    channel."""
    seed: int
    hash: str
    """SHA-256 of the values of all images when they were prepared, whatever their files are
    called."""
    color: bool = True
    """Channels are parts of one color, with one scale for all of them; otherwise, as of several MR
    sequences, each has its own. What early versions wrote does not say it, and had one."""
    source: str = "folder"
    """What prepared it: ``folder``, ``decathlon``, ``phantom``, or the name of a download."""
    labeled_draw: int = 0
    """Which of the possible choices of labeled cases."""
    ignore: int | None = None
    """Value in label files of voxels that count neither in losses nor in scores; ``None`` where
    every voxel counts."""
    phantom: Mapping[str, Any] | None = None
    """Settings of the built-in phantom, if these are its files."""
    license: str = "not recorded"
    """Terms of the data, in words."""
    align: str | None = None
    """How images were registered to one; then every entry has a ``grid``, the affine (4, 4) of the
    network's voxels in the image's own world."""
    reference: Path | None = None
    """The image they were registered to."""
    overlap: Mapping[str, Any] | None = None
    """How much labels overlap with the reference's before and after, in [0, 1]."""
    crops: str = "center"
    """How images to train on are brought to the network's size: ``center``, or ``foreground`` for
    random crops about structures."""
    labeled: list[dict[str, Any]] = field(default_factory=list)
    unlabeled: list[dict[str, Any]] = field(default_factory=list)
    validation: list[dict[str, Any]] = field(default_factory=list)
    test: list[dict[str, Any]] = field(default_factory=list)
    files: Mapping[str, str] = field(default_factory=dict)
    """Size, time and SHA-256 of every file that entries name, when they were prepared, by path."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of what each path of an entry holds now; empty where nothing was recorded."""
    changes: Mapping[str, str] = field(default_factory=dict)
    """What differs from when it was prepared, in words, by the path of an entry."""

    @property
    def orientation(self) -> str | None:
        """Axes that volumes with voxel sizes are turned to; ``None`` for others, and for slices."""
        return "RAS" if self.spacing is not None and self.spatial_dims == 3 else None

    def input_spec(self, **given: Any) -> InputSpec:
        """How the network sees these images.

        Args:
            given: What a configuration says of it, by the names of ``InputSpec``; the rest is the
                cohort's own.

        Raises:
            InputError: If it is for images of other dimensions, or for another grid than the images
                were aligned to.
        """
        names = ["spatial_size", "intensity", "spacing", "orientation", "align", "reference"]
        names += ["spatial_dims", "overlapping", "label_values", "structures", "color", "ignore"]
        own = {name: getattr(self, name) for name in names} | {"in_channels": self.channels}
        spec = InputSpec(**(own | given))
        sizes = {"spatial_dims": spec.spatial_dims, "spatial_size": len(spec.spatial_size)}
        if spec.spacing is not None:
            sizes["spacing"] = len(spec.spacing)
        for key, axes in sizes.items():
            if axes != self.spatial_dims:
                raise InputError(
                    f"key '{key}' is for {axes}-D images, those of {self.path} are "
                    f"{self.spatial_dims}-D"
                )
        if spec.align is not None:
            self._refuse_other_grid(spec.spatial_size, spec.spacing)
        self._warn_of_one_scale(spec)
        return spec

    def _warn_of_one_scale(self, spec: InputSpec) -> None:
        """Of channels that are no color, as earlier versions had it."""
        percentiles = rule_of(spec.intensity, 0)["kind"] == "percentile"
        together = spec.color and isinstance(spec.intensity, Mapping) and spec.in_channels > 1
        images = (Path(entry["image"]) for split in SPLITS for entry in getattr(self, split))
        if together and percentiles and not all(is_colored(p, spec.in_channels) for p in images):
            logging.getLogger(__name__).warning(
                "%s: percentiles are of all %d channels together, so that one of small values "
                "comes to lie near 0; --color False scales each by itself, as does preparing again",
                self.path,
                spec.in_channels,
            )

    def structures_in(self, spec: InputSpec) -> InputSpec:
        """How a network that was trained on other images sees these, with their own structures.

        Args:
            spec: How it sees images.

        Raises:
            InputError: If these are of other dimensions.
        """
        if spec.spatial_dims != self.spatial_dims:
            raise InputError(
                f"{self.path}: {self.spatial_dims}-D images, the network sees "
                f"{spec.spatial_dims}-D ones"
            )
        return replace(
            spec,
            overlapping=self.overlapping,
            label_values=self.label_values,
            structures=self.structures,
            ignore=self.ignore,
            largest_component=(),
            fill_holes=(),
        )

    def _refuse_other_grid(
        self, spatial_size: Sequence[int], spacing: Sequence[float] | None
    ) -> None:
        if self.align is None:
            raise InputError(f"key 'align': {self.path} is not aligned; prepare it with --align")
        given = {"spatial_size": tuple(spatial_size), "spacing": tuple(spacing or ())}
        for key, value in given.items():
            if value != getattr(self, key):
                raise InputError(
                    f"key '{key}' is {list(value)}, but the images of {self.path} are aligned to "
                    f"a grid of {list(getattr(self, key))}; prepare again with --{key}"
                )

    @property
    def identity(self) -> str:
        """Hash of all that decides what is trained on, see ``identities``."""
        return hash_of(self.identities) if self.digests else prepared_identity(self)

    @property
    def identities(self) -> dict[str, str]:
        """Hashes of ``images``, ``labels`` and ``split``; none where files were not recorded."""
        return identities(self) if self.digests else {}

    @property
    def content_hash(self) -> str:
        """``hash``, or another where images hold something else by now."""
        return content_hash(self)

    @property
    def folder_name(self) -> str:
        """A name for folders of runs on it: two data sets of one name have different ones."""
        name = re.sub(r"[^\w.-]+", "_", self.name).strip("._") or "data"
        return name if self.phantom else f"{name}_{prepared_identity(self)[:6]}"

    @property
    def partners(self) -> int:
        """Unlabeled images of different patients that a draw can take from every group."""
        patients: dict[str, set[str]] = {}
        for entry in filter(is_paired, self.unlabeled):
            group = patients.setdefault(str(entry.get("group", "")), set())
            group.add(str(entry.get("patient", entry["case"])))
        sizes = [len(group) for group in patients.values() if len(group) > 1]
        return min(sizes, default=0)

    @property
    def paired(self) -> list[bool]:
        """Of each unlabeled image, whether it may be paired with another."""
        return list(map(is_paired, self.unlabeled))

    def column(self, split: str, key: str) -> list[str] | None:
        """A key of every entry of a split, such as ``patient``; ``None`` if an entry lacks it."""
        entries = getattr(self, split)
        return [str(e[key]) for e in entries] if all(key in e for e in entries) else None

    def few(self, count: int | None = None, *, seed: int = 0) -> list[dict[str, Any]]:
        """A seeded choice of the labeled entries; smaller choices of one seed lie in larger ones.

        Args:
            count: How many; ``None`` for all, in the file's order.
            seed: Seed of the choice, 0 or more.

        Raises:
            InputError: If there are fewer, or none is asked for.
        """
        if count is None:
            return self.labeled
        if not 1 <= count <= len(self.labeled):
            raise InputError(
                f"labeled_cases: {self.path} has {len(self.labeled)} labeled case(s), got {count}"
            )
        order = np.random.default_rng(seed).permutation(len(self.labeled))
        return [self.labeled[k] for k in sorted(order[:count])]

    @property
    def structures(self) -> tuple[str, ...]:
        """Names of the foreground structures by ascending value."""
        names = sorted(self.labels, key=lambda name: self.labels[name])
        return tuple(name for name in names if self.overlapping or self.labels[name] != 0)

    @property
    def label_values(self) -> tuple[int, ...]:
        """Values of the classes in the label files, ascending, background first."""
        return (0, *sorted(value for value in self.labels.values() if value != 0))
