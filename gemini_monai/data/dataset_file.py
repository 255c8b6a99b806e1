"""The one data format inside: ``dataset.json``, written by ``prepare`` and read by all else."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json, read_text, write_json, write_text
from gemini_monai.base.limits import flag
from gemini_monai.data.checks import SPLITS, check_content
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.content import digests_of, recorded
from gemini_monai.data.copies import refuse_copies
from gemini_monai.data.entries import HAS_LABEL, absolute, path_from, relative, sources_of
from gemini_monai.data.verification import roles_of, verified

PREVIOUS = "dataset.previous.json"
UNWRITTEN = {"path", "digests", "changes"}
"""Fields of a cohort that are found out when it is read."""


def read_cohort(
    path: str | Path,
    *,
    labeled_cases: int | None = None,
    labeled_draw: int | None = None,
    unlabeled_share: float = 1.0,
    seed: int = 0,
    use_validation: bool = True,
    data_changed: bool = False,
) -> Cohort:
    """Read a ``dataset.json``; paths become absolute.

    Files are compared with what was recorded of them: sizes and times, and hashes where these
    differ, or of all where the data set is small. A ``dataset.json`` without records is read too.

    Args:
        path: The file.
        labeled_cases: How many of the labeled cases keep their labels, see ``Cohort.few``; the
            others become unlabeled ones. ``None`` for all.
        labeled_draw: Seed of that choice, ``None`` for ``seed``.
        unlabeled_share: Of the unlabeled cases, those that were labeled among them, how many are
            used, above 0 to 1; smaller choices of one seed lie in larger ones.
        seed: Of the choices, 0 or more.
        use_validation: Whether there are validation cases; without them none of their labels is
            read.
        data_changed: Files may hold something else than when they were prepared.

    Raises:
        InputError: If the file is missing or not JSON, a key is missing or wrong, an unlabeled
            entry has a label, an image does not exist or is there twice, a file holds something
            else than when it was prepared, or there are fewer labeled cases. Labels are not
            opened as images.
    """
    flag(data_changed, "key 'data_changed'")
    path = Path(path).absolute()
    if not path.exists():
        raise InputError(f"{path}: no such file; run 'python -m gemini_monai prepare'")
    content = read_json(path, dict)
    check_content(content, path)
    if "licence" in content:  # as earlier versions wrote it
        content.setdefault("license", content["licence"])
    known = {own.name for own in fields(Cohort)} - UNWRITTEN
    values = {key: value for key, value in content.items() if key in known and value is not None}
    for split in SPLITS:
        values[split] = [absolute(entry, path.parent) for entry in content[split]]
    if "reference" in values:
        values["reference"] = Path(os.path.normpath(path.parent / values["reference"]))
    values["spacing"] = tuple(content["spacing"]) if content["spacing"] else None
    values["spatial_size"] = tuple(content["spatial_size"])
    values["files"] = {
        os.path.normpath(path.parent / file): record
        for file, record in (content.get("files") or {}).items()
    }
    cohort = verified(Cohort(**values | {"path": path}), data_changed=data_changed)
    if not use_validation:
        cohort = replace(cohort, validation=[])
    if labeled_cases is not None:
        draw = seed if labeled_draw is None else labeled_draw
        cohort = _with_few(cohort, labeled_cases, seed=draw)
    return cohort if unlabeled_share == 1 else _with_less(cohort, unlabeled_share, seed=seed)


def _with_few(cohort: Cohort, count: int, *, seed: int) -> Cohort:
    """The cohort in which some cases alone are labeled."""
    chosen = cohort.few(count, seed=seed)
    others = [entry for entry in cohort.labeled if entry not in chosen]
    hidden = [{k: v for k, v in entry.items() if k != "label"} for entry in others]
    return replace(cohort, labeled=chosen, unlabeled=[*cohort.unlabeled, *hidden])


def _with_less(cohort: Cohort, share: float, *, seed: int) -> Cohort:
    """The cohort with some of its unlabeled cases, in the file's order."""
    count = len(cohort.unlabeled)
    order = np.random.default_rng(seed).permutation(count)
    kept = sorted(order[: math.ceil(share * count)])
    return replace(cohort, unlabeled=[cohort.unlabeled[k] for k in kept])


def write_cohort(cohort: Cohort, *, overwrite: bool = False) -> Path:
    """Write a ``dataset.json`` whole or not at all, with paths relative to it where possible.

    Size, time and hash of every file go with it. One of the same content stays as it is, but for
    the times. An earlier one of images in the same folders is kept
    beside it as ``dataset.previous.json``, with a line that says so.

    Args:
        cohort: What goes in, and where.
        overwrite: It may replace one of ours of images elsewhere; another file never.

    Raises:
        InputError: If a value cannot be, an image is there twice, or another file is there.
    """
    path = cohort.path.absolute()
    content = _content(cohort)
    check_content(content, path)
    content |= {"files": _records(cohort, path)}
    content = _with_relative_paths(content, folder=path.parent)
    if path.exists():
        refuse_foreign_dataset(path)
        earlier = read_json(path, dict)
        if earlier == content:
            return path
        if lasting_content(earlier) == lasting_content(content):
            write_json(path, content)
            return path
        if not (overwrite or _folders(earlier, path) & _folders(content, path)):
            raise InputError(
                f"{path}: is of other images ({_told(earlier)}); give another DST, or "
                "--overwrite True"
            )
        kept = path.with_name(PREVIOUS)
        if kept.exists():
            refuse_foreign_dataset(kept)
        write_text(kept, read_text(path))
        print(f"{path}: another content than before, which is kept in {kept.name}")
    write_json(path, content)
    return path


def _content(cohort: Cohort) -> dict[str, Any]:
    """What the file holds: every field but those that have nothing to say."""
    content: dict[str, Any] = {}
    for own in fields(cohort):
        value = getattr(cohort, own.name)
        is_needed = own.default is MISSING or own.name in SPLITS
        if own.name not in UNWRITTEN and (is_needed or value != own.default):
            content[own.name] = value
    plain: dict[str, Any] = json.loads(json.dumps(content, default=str))
    return plain


def _records(cohort: Cohort, path: Path) -> dict[str, str]:
    """Of all files, of which no two images may hold the same; by absolute paths."""
    splits: dict[str, Any] = {
        split: [absolute(entry, path.parent) for entry in getattr(cohort, split)]
        for split in SPLITS
    }
    sources = roles_of(replace(cohort, **splits))
    records = recorded(sources)
    refuse_copies(splits, where=str(path), digests=digests_of(sources, records))
    return records


def lasting_content(content: Mapping[str, Any]) -> dict[str, Any]:
    """A ``dataset.json`` without the times of its files, and what it says of unused labels."""
    files = content.get("files") or {}
    unlabeled = [
        {key: value for key, value in entry.items() if key != HAS_LABEL}
        for entry in content["unlabeled"]
    ]
    records = {file: record.split()[::2] for file, record in files.items()}
    return {**content, "files": records, "unlabeled": unlabeled}


def _with_relative_paths(content: Mapping[str, Any], *, folder: Path) -> dict[str, Any]:
    changed: dict[str, Any] = {s: [relative(e, folder) for e in content[s]] for s in SPLITS}
    changed["files"] = {path_from(folder, file): r for file, r in content["files"].items()}
    if "reference" in content:
        changed["reference"] = path_from(folder, content["reference"])
    return {**content, **changed}


def refuse_foreign_dataset(path: Path) -> None:
    """Stop at a ``dataset.json`` that is never to be replaced.

    Raises:
        InputError: If it is not one of ours.
    """
    if not is_prepared(path):
        raise InputError(f"{path}: is there and was not written by prepare; give another DST")


def _folders(content: Mapping[str, Any], path: Path) -> set[str]:
    """Folders that images lie in."""
    entries = [entry for split in SPLITS for entry in content.get(split, [])]
    images = [source for entry in entries for key, source in sources_of(entry) if key == "image"]
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
