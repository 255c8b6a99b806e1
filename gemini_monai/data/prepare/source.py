"""From images and labels found anywhere to a checked ``dataset.json``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemini_monai.data.dataset import write_dataset
from gemini_monai.data.prepare.labels import LabelFiles, check_labels
from gemini_monai.data.prepare.propose import propose
from gemini_monai.data.prepare.scan import Scan, scan
from gemini_monai.data.prepare.split import Split, split_cases
from gemini_monai.errors import InputError


def prepare_source(
    name: str,
    destination: Path,
    *,
    images: Mapping[str, Path],
    labels: Mapping[str, LabelFiles],
    declared: Mapping[str, int] | None,
    structures: list[str],
    patients: Mapping[str, str] | None,
    labeled: int | None,
    validation: int | None,
    test: int | None,
    seed: int,
    labeled_draw: int,
) -> Path:
    """Split, check, propose and write; only labels of cases that keep them are opened.

    Args:
        name: Of the data set.
        destination: Folder of the ``dataset.json``.
        images: By case.
        labels: By case, for some.
        declared: Names and values of the labels, if known.
        structures: Names of the masks, if labels are one mask per structure.
        patients: Patient of each case, if known.
        labeled: See ``split_cases``.
        validation: See ``split_cases``.
        test: See ``split_cases``.
        seed: See ``split_cases``.
        labeled_draw: See ``split_cases``.

    Raises:
        InputError: For everything that training could not use; nothing is written then.
    """
    for case, files in labels.items():
        if case not in images:
            raise InputError(f"{files}: a label without an image '{case}'")
    split = split_cases(
        images,
        with_label=labels,
        labeled=labeled,
        validation=validation,
        test=test,
        seed=seed,
        labeled_draw=labeled_draw,
        patients=patients,
    )
    if len(split.unlabeled) == 1:
        raise InputError(
            f"{images[split.unlabeled[0]]}: the only unlabelled image; pairs need two or more"
        )
    used = {case: images[case] for case in sorted(images) if case not in split.dropped}
    scans = {entry.case: entry for entry in scan(used)}
    kept = [*split.labeled, *split.validation, *split.test]
    values = check_labels([scans[case] for case in kept], labels, declared=declared)
    if structures:
        values = {structure: k for k, structure in enumerate(structures)}
    content = {
        "name": name,
        "spatial_dims": len(next(iter(scans.values())).shape),
        "channels": next(iter(scans.values())).channels,
        "labels": values,
        "overlapping": bool(structures),
        **propose(list(scans.values())),
        "seed": seed,
        "labeled_draw": labeled_draw,
        "hash": _hash(scans),
        **_entries(split, images, labels),
    }
    path = write_dataset(destination / "dataset.json", content)
    _show(path, content, split)
    return path


def _entries(
    split: Split, images: Mapping[str, Path], labels: Mapping[str, LabelFiles]
) -> dict[str, list[dict[str, Any]]]:
    entries: dict[str, list[dict[str, Any]]] = {
        "unlabeled": [{"case": c, "image": str(images[c].absolute())} for c in split.unlabeled]
    }
    for part in ("labeled", "validation", "test"):
        entries[part] = [
            {"case": c, "image": str(images[c].absolute()), "label": _text(labels[c])}
            for c in getattr(split, part)
        ]
    return entries


def _text(files: LabelFiles) -> str | list[str]:
    if isinstance(files, list):
        return [str(file.absolute()) for file in files]
    return str(files.absolute())


def _hash(scans: Mapping[str, Scan]) -> str:
    digests = sorted(entry.digest for entry in scans.values())
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _show(path: Path, content: Mapping[str, Any], split: Split) -> None:
    spacing = content["spacing"]
    rows = {
        "wrote": path,
        "images": f"{content['spatial_dims']}-D, {content['channels']} channel(s)",
        "structures": ", ".join(n for n, v in content["labels"].items() if n != "background"),
        "labelled": len(split.labeled) or "none: for pre-training only",
        "unlabelled": len(split.unlabeled),
        "validation": len(split.validation) or "none: the last checkpoint is kept",
        "test": len(split.test) or "none: no scores at the end",
        "voxel size": f"{spacing} mm" if spacing else "none in the files: images are resized",
        "network size": content["spatial_size"],
        "intensity": content["intensity"],
    }
    if split.dropped:
        rows["left out"] = f"{len(split.dropped)} image(s) of validation or test patients"
    print("\n".join(f"{name:>13}  {value}" for name, value in rows.items()))
