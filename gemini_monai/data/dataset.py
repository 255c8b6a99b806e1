"""The one data format inside: ``dataset.json``, written by ``prepare`` and read by all else."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.data.checks import FILE_KEYS, SPLITS, check_content
from gemini_monai.errors import InputError
from gemini_monai.files import read_json, read_text, write_json, write_text

PREVIOUS = "dataset.previous.json"
PLAIN_KEYS = (
    "name",
    "spatial_dims",
    "channels",
    "labels",
    "hash",
    "overlapping",
    "intensity",
    "seed",
)


@dataclass(frozen=True)
class Dataset:
    """Which images there are, which of them have labels, and how the network should see them.

    Entries are dicts with ``image`` and ``case``, and ``label`` where one may be read; ``label`` is
    a path, or a list of paths to one binary mask per structure. ``patient`` and ``group``, where
    they are known, say who may be paired.
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
    intensity: Mapping[str, Any]
    """``{"kind": "percentile" | "range", "lower": ..., "upper": ...}``, scaled to [0, 1]."""
    seed: int
    hash: str
    """Of the voxels of all images."""
    phantom: Mapping[str, Any] | None = None
    """Settings of the built-in phantom, if these are its files."""
    licence: str = "not recorded"
    """Terms of the data, in words."""
    align: str | None = None
    """How images were registered to one; then every entry has a ``grid``, the affine (4, 4) of the
    network's voxels in the image's own world."""
    reference: Path | None = None
    """The image they were registered to."""
    labeled: list[dict[str, Any]] = field(default_factory=list)
    unlabeled: list[dict[str, Any]] = field(default_factory=list)
    validation: list[dict[str, Any]] = field(default_factory=list)
    test: list[dict[str, Any]] = field(default_factory=list)

    def refuse_other(
        self,
        *,
        spatial_dims: int,
        spatial_size: Sequence[int],
        spacing: Sequence[float] | None,
        align: str | None = None,
    ) -> None:
        """Compare a configuration with the data before anything is read.

        Raises:
            InputError: If the configuration is for images of other dimensions, or for another
                grid than the images were aligned to.
        """
        given = {"spatial_dims": spatial_dims, "spatial_size": len(spatial_size)}
        if spacing is not None:
            given["spacing"] = len(spacing)
        for key, axes in given.items():
            if axes != self.spatial_dims:
                raise InputError(
                    f"key '{key}' is for {axes}-D images, those of {self.path} are "
                    f"{self.spatial_dims}-D"
                )
        if align is not None:
            self._refuse_other_grid(spatial_size, spacing)

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
        """Hash of the images, of the names of labels, and of who is on which side of the split."""
        cases = {split: sorted(entry["case"] for entry in getattr(self, split)) for split in SPLITS}
        known = [self.hash, self.overlapping, sorted(self.labels.items()), cases]
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()

    @property
    def folder_name(self) -> str:
        """A name for folders of runs on it: two data sets of one name have different ones."""
        name = re.sub(r"[^\w.-]+", "_", self.name).strip("._") or "data"
        return name if self.phantom else f"{name}_{self.identity[:6]}"

    @property
    def partners(self) -> int:
        """Unlabelled images of different patients that a draw can take from every group."""
        patients: dict[str, set[str]] = {}
        for entry in self.unlabeled:
            group = patients.setdefault(str(entry.get("group", "")), set())
            group.add(str(entry.get("patient", entry["case"])))
        sizes = [len(group) for group in patients.values() if len(group) > 1]
        return min(sizes, default=0)

    def column(self, split: str, key: str) -> list[str] | None:
        """A key of every entry of a split, such as ``patient``; ``None`` if an entry lacks it."""
        entries = getattr(self, split)
        return [str(e[key]) for e in entries] if all(key in e for e in entries) else None

    def few(self, count: int | None = None, *, seed: int = 0) -> list[dict[str, Any]]:
        """A seeded choice of the labelled entries; smaller choices of one seed lie in larger ones.

        Args:
            count: How many; ``None`` for all, in the file's order.
            seed: Of the choice.

        Raises:
            InputError: If there are fewer, or none is asked for.
        """
        if count is None:
            return self.labeled
        if not 1 <= count <= len(self.labeled):
            raise InputError(
                f"labeled_cases: {self.path} has {len(self.labeled)} labelled case(s), got {count}"
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

    @property
    def out_channels(self) -> int:
        """Channels of the network's output: structures, and background when exclusive."""
        return len(self.structures) + (0 if self.overlapping else 1)


def read_dataset(path: str | Path) -> Dataset:
    """Read a ``dataset.json``; paths become absolute.

    Raises:
        InputError: If the file is missing or not JSON, a key is missing or wrong, an unlabelled
            entry has a label, or an image does not exist. Label files are not touched.
    """
    path = Path(path).absolute()
    if not path.exists():
        raise InputError(f"{path}: no such file; run 'python -m gemini_monai prepare'")
    content = read_json(path, dict)
    check_content(content, path)
    spacing = content["spacing"]
    values: dict[str, Any] = {key: content[key] for key in PLAIN_KEYS}
    values |= {"licence": str(content.get("licence") or "not recorded")}
    values |= {"align": content.get("align"), "phantom": content.get("phantom")}
    if content.get("reference"):
        values |= {"reference": Path(os.path.normpath(path.parent / content["reference"]))}
    for split in SPLITS:
        values[split] = [_absolute(entry, path.parent) for entry in content[split]]
    return Dataset(
        path=path,
        spacing=tuple(spacing) if spacing else None,
        spatial_size=tuple(content["spatial_size"]),
        **values,
    )


def write_dataset(path: str | Path, content: Mapping[str, Any], *, overwrite: bool = False) -> Path:
    """Write a ``dataset.json`` whole or not at all, with paths relative to it where possible.

    One of the same content stays as it is. An earlier one of images in the same folders is kept
    beside it as ``dataset.previous.json``, with a line that says so.

    Args:
        path: Where.
        content: By key.
        overwrite: It may replace one of ours of images elsewhere; another file never.

    Raises:
        InputError: If a key is missing or wrong, or another file is there.
    """
    path = Path(path).absolute()
    check_content(content, path)
    changed: dict[str, Any] = {
        split: [_relative(e, path.parent) for e in content[split]] for split in SPLITS
    }
    if content.get("reference"):
        changed |= {"reference": os.path.relpath(path.parent / content["reference"], path.parent)}
    final = json.loads(json.dumps({**content, **changed}))
    if path.exists():
        refuse_foreign_dataset(path)
        earlier = read_json(path, dict)
        if earlier == final:
            return path
        if not (overwrite or _folders(earlier, path) & _folders(final, path)):
            raise InputError(
                f"{path}: is of other images ({_told(earlier)}); give another DST, or "
                "--overwrite True"
            )
        kept = path.with_name(PREVIOUS)
        if kept.exists():
            refuse_foreign_dataset(kept)
        write_text(kept, read_text(path))
        print(f"{path}: another content than before, which is kept in {kept.name}")
    write_json(path, final)
    return path


def refuse_foreign_dataset(path: Path) -> None:
    """Stop at a ``dataset.json`` that is never to be replaced.

    Raises:
        InputError: If it is not one of ours.
    """
    if not is_prepared(path):
        raise InputError(f"{path}: is there and was not written by prepare; give another DST")


def _folders(content: Mapping[str, Any], path: Path) -> set[str]:
    """Folders that images lie in."""
    images = [entry["image"] for split in SPLITS for entry in content.get(split, [])]
    return {os.path.normpath((path.parent / image).parent) for image in images}


def is_prepared(path: Path) -> bool:
    """Whether a ``dataset.json`` is one of ours, and not a Decathlon's or somebody else's.

    Raises:
        InputError: If it cannot be read as a JSON object.
    """
    return {"unlabeled", "labeled", "hash", "spatial_size"} <= set(read_json(path, dict))


def _told(content: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{len(content[split])} {split}" for split in SPLITS if split in content)
    return f"'{content.get('name')}': {counts}"


def _absolute(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return _with_paths(entry, lambda file: os.path.normpath(folder / file))


def _relative(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return _with_paths(entry, lambda file: os.path.relpath(folder / file, folder))


def _with_paths(entry: Mapping[str, Any], change: Any) -> dict[str, Any]:
    changed = dict(entry)
    for key in FILE_KEYS:
        if isinstance(entry.get(key), (list, tuple)):
            changed[key] = [change(file) for file in entry[key]]
        elif key in entry:
            changed[key] = change(entry[key])
    return changed
