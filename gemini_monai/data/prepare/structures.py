"""Whether training sees the structures that are on file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from tqdm import tqdm

from gemini_monai.data.cohort import Cohort
from gemini_monai.data.prepare.finer import is_cheap, view_that_keeps
from gemini_monai.data.prepare.kept_files import kept_label
from gemini_monai.data.prepare.scan import ImageFacts
from gemini_monai.geometry.labels import IGNORED
from gemini_monai.transforms import labels_on_the_grid

LEAST = 0.1
"""Of a structure's volume on file, that the network must see; less is told."""
KEPT = 0.5
"""Of that volume, that it sees by what is proposed instead."""
CROPS: dict[str, Any] = {"crops": "foreground"}
"""Of a cohort whose images are cropped at random, mostly about a structure."""
SHOWN = 10
"""Cases of a structure that are named."""


class Count(NamedTuple):
    """A structure of a label."""

    code: int
    """Its value in the file, or its place among masks."""
    on_file: int
    """Voxels in the file."""
    seen: int
    """Voxels that are left on the network's grid."""
    kept: float
    """Its volume there by that on file."""


class Loss(NamedTuple):
    """A structure of a case of which the network sees nothing, or hardly anything."""

    structure: str
    case: str
    voxels: Count


def keep_structures(
    cohort: Cohort,
    scans: Mapping[str, ImageFacts],
    *,
    asked: Iterable[str],
    counts: Mapping[str, Sequence[Count]] | None = None,
    quiet: bool = False,
) -> Cohort:
    """The cohort, seen so that no structure is lost: smaller voxels, a larger size, or crops.

    Args:
        cohort: As it is to be written.
        scans: Every image of it by case.
        asked: Keys such as ``spacing`` that somebody chose. They are not changed, nor is anything
            where that would cost too much: then training takes random crops, if these keep
            everything. If not, a line says what is lost, and what would keep it.
        counts: Structures of each labeled, validation and test case; ``None`` to read the labels.
        quiet: Nothing is said of what is not changed.
    """
    labeled = [*cohort.labeled, *cohort.validation, *cohort.test]
    shown = labeled if counts else tqdm(labeled, "structures", leave=False)
    known_counts = counts or {}
    lost = [loss for e in shown for loss in losses(cohort, e, counts=known_counts.get(e["case"]))]
    if not lost:
        return cohort
    cases = {loss.case: None for loss in sorted(lost, key=lambda loss: loss.voxels.seen)}
    entries = {str(entry["case"]): entry for entry in labeled}
    kept = partial(losses, least=KEPT)
    view = view_that_keeps(cohort, scans, [entries[case] for case in cases], lost=kept)
    adopted = view is not None and not view.keys() & set(asked) and is_cheap(view, cohort)
    if not adopted and _crops_keep(cohort, [entries[case] for case in cases], lost=kept):
        view, adopted = CROPS, True
    if adopted or not quiet:
        _show(lost, cohort, view=view, adopted=adopted)
    return replace(cohort, **view) if view is not None and adopted else cohort


def _crops_keep(
    cohort: Cohort, entries: Sequence[Mapping[str, Any]], *, lost: Callable[..., Iterable[Loss]]
) -> bool:
    """Whether nothing is lost at the cohort's voxel size where nothing is cut off."""
    if cohort.spacing is None or cohort.align is not None:
        return False
    cropped = replace(cohort, **CROPS)
    return not any(True for entry in entries for _ in lost(cropped, entry))


def losses(
    cohort: Cohort,
    entry: Mapping[str, Any],
    *,
    counts: Sequence[Count] | None = None,
    least: float = LEAST,
) -> Iterator[Loss]:
    """Structures of an entry that are on file, and hardly on the network's grid.

    Args:
        cohort: How images are seen. Those to train on are cropped to the network's size.
        entry: With a label that may be read.
        counts: What ``counted`` found in it, if it did.
        least: Share of a structure's volume that must be left, in [0, 1].
    """
    if counts is None:
        trained = {labeled["case"] for labeled in cohort.labeled}
        counts = counted(
            entry["label"],
            cohort,
            fit=entry["case"] in trained and cohort.crops == "center",
            grid=entry.get("grid"),
        )
    names = {value: name for name, value in cohort.labels.items()}
    for count in counts:
        if count.kept < least:
            yield Loss(names[count.code], str(entry["case"]), count)


def counted(files: Any, cohort: Cohort, *, fit: bool, grid: Any = None) -> list[Count]:
    """Every structure of a label, as it is on file and as the network gets it.

    Args:
        files: A label map, or a list of a mask per structure.
        cohort: How images are seen.
        fit: They are cropped to the network's size, as in training.
        grid: Of an aligned image, as in its entry.
    """
    paths = [Path(file) for file in files] if isinstance(files, list) else Path(files)
    label, codes = _classes(kept_label(paths, ignore=cohort.ignore), cohort)
    item: dict[Any, Any] = {"label": label} | ({} if grid is None else {"grid": grid})
    moved = labels_on_the_grid(cohort.input_spec(), fit=fit)(item)["label"]
    ratio = _voxel_volume(moved.affine) / _voxel_volume(label.affine)
    voxels = [_voxels(array, codes, overlapping=cohort.overlapping) for array in (label, moved)]
    return [
        Count(code, before, after, after * ratio / before)
        for code, before, after in zip(codes, *voxels, strict=True)
        if before
    ]


def _classes(label: MetaTensor, cohort: Cohort) -> tuple[MetaTensor, list[int]]:
    """A label as a network has it, and its structures' values, or the places of its masks."""
    values = label.numpy()
    hidden = np.zeros_like(values, bool) if cohort.ignore is None else values == cohort.ignore
    codes = np.setdiff1d(values[~hidden], [0])
    if cohort.overlapping:
        classes, codes = (values > 0).astype(np.float32), np.arange(len(values))
    else:
        classes = np.searchsorted([0, *codes], values).astype(np.float32)
    classes[hidden] = IGNORED
    return MetaTensor(torch.as_tensor(classes)).copy_meta_from(label), codes.tolist()


def _voxels(label: MetaTensor, codes: Sequence[int], *, overlapping: bool) -> list[int]:
    """Of each structure."""
    values = label.as_tensor().long().clamp(min=0)  # without what is ignored
    if overlapping:
        return [int(mask.sum()) for mask in values]
    counts: list[int] = torch.bincount(values.flatten(), minlength=len(codes) + 1).tolist()
    return counts[1:]


def _voxel_volume(affine: Any) -> float:
    return abs(float(np.linalg.det(np.asarray(affine, dtype=float)[:-1, :-1])))


def _show(
    lost: Sequence[Loss], cohort: Cohort, *, view: Mapping[str, Any] | None, adopted: bool
) -> None:
    names = dict.fromkeys(loss.structure for loss in lost)
    rows = [("lost", _told([loss for loss in lost if loss.structure == name])) for name in names]
    options = " ".join(f"--{key} {_option(value)}" for key, value in (view or {}).items())
    seen = f"spacing {_listed(cohort.spacing)} and size {_listed(cohort.spatial_size)}"
    if adopted:
        rows.append(("instead", f"of {seen}, which lose them, they are seen with {options}"))
    elif view is not None:
        rows.append(("to keep them", f"{options} instead of {seen}"))
    else:
        rows.append(
            (
                "to keep them",
                f"nothing does, not even the voxel size of the files; as it is: {seen}",
            )
        )
    print("\n".join(f"{name:>13}  {text}" for name, text in rows))


def _option(value: Any) -> str:
    return value if isinstance(value, str) else f'"{list(value)}"'


def _told(lost: Sequence[Loss]) -> str:
    """One structure's losses in words."""
    shown = [
        f"{loss.case} ({loss.voxels.on_file} voxels on file, {loss.voxels.seen} for the network)"
        for loss in lost
    ]
    more = [f"{len(lost) - SHOWN} more"] * (len(lost) > SHOWN)
    return f"'{lost[0].structure}' in {', '.join([*shown[:SHOWN], *more])}"


def _listed(values: Sequence[float] | None) -> str:
    return "none" if values is None else str(list(values))
