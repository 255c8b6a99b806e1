"""Whether training sees the structures that are on file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from gemini_monai.data.cohort import Cohort
from gemini_monai.data.prepare.finer import is_cheap, view_that_keeps
from gemini_monai.data.prepare.scan import Scan
from gemini_monai.transforms import preprocessing
from gemini_monai.transforms.preprocess import NATIVE_LABEL

LEAST = 0.1
"""Of a structure's volume on file, that the network must see; less is told."""
KEPT = 0.5
"""Of that volume, that it sees by what is proposed instead."""
SHOWN = 10
"""Cases of a structure that are named."""


class Loss(NamedTuple):
    """A structure of a case that the network does not see, or hardly."""

    structure: str
    case: str
    on_file: int
    """Voxels in the label's file."""
    seen: int
    """Voxels that are left on the network's grid."""


def keep_structures(
    cohort: Cohort, scans: Mapping[str, Scan], *, asked: Iterable[str], quiet: bool = False
) -> Cohort:
    """The cohort, with smaller voxels or a larger size where a structure would be lost otherwise.

    Args:
        cohort: As it is to be written; labels of labeled, validation and test entries are read.
        scans: Every image of it by case.
        asked: Keys such as ``spacing`` that somebody chose. They are not changed, nor is anything
            where that would cost too much: a line says what is lost then, and what would keep it.
        quiet: Nothing is said of what is not changed.
    """
    labeled = [*cohort.labeled, *cohort.validation, *cohort.test]
    lost = [own for e in tqdm(labeled, "structures", leave=False) for own in losses(cohort, e)]
    if not lost:
        return cohort
    cases = {loss.case: None for loss in sorted(lost, key=lambda loss: loss.seen)}
    entries = {str(entry["case"]): entry for entry in labeled}
    kept = partial(losses, least=KEPT)
    view = view_that_keeps(cohort, scans, [entries[case] for case in cases], lost=kept)
    adopted = view is not None and not view.keys() & set(asked) and is_cheap(view, cohort)
    if adopted or not quiet:
        _show(lost, cohort, view=view, adopted=adopted)
    return replace(cohort, **view) if view is not None and adopted else cohort


def losses(cohort: Cohort, entry: Mapping[str, Any], *, least: float = LEAST) -> Iterator[Loss]:
    """Structures of an entry that are on file, and hardly on the network's grid.

    The label is brought there as in training, cropped to the network's size if it is trained on.

    Args:
        cohort: How images are seen.
        entry: With a label that may be read.
        least: Share of a structure's volume that must be left, in [0, 1].
    """
    trained = {own["case"] for own in cohort.labeled}
    spec, fit = cohort.input_spec(), entry["case"] in trained
    chain = preprocessing(spec, keys=["label"], fit=fit, native_label=True)
    item: dict[Any, Any] = chain({key: entry[key] for key in ("label", "grid") if key in entry})
    counts = [_counts(item[key], cohort) for key in (NATIVE_LABEL, "label")]
    sizes = [_voxel_volume(item[key].affine) for key in (NATIVE_LABEL, "label")]
    for name, on_file, seen in zip(cohort.structures, *counts, strict=True):
        if on_file and seen * sizes[1] < least * on_file * sizes[0]:
            yield Loss(name, str(entry["case"]), on_file, seen)


def _voxel_volume(affine: Any) -> float:
    return abs(float(np.linalg.det(np.asarray(affine, dtype=float)[:-1, :-1])))


def _counts(label: torch.Tensor, cohort: Cohort) -> list[int]:
    """Voxels of each structure."""
    if cohort.overlapping:
        return [int(mask.sum()) for mask in label]
    classes = torch.as_tensor(label).flatten().long()
    counts: list[int] = torch.bincount(classes, minlength=len(cohort.label_values)).tolist()
    return counts[1:]


def _show(
    lost: Sequence[Loss], cohort: Cohort, *, view: Mapping[str, Any] | None, adopted: bool
) -> None:
    names = dict.fromkeys(loss.structure for loss in lost)
    rows = [("lost", _told([loss for loss in lost if loss.structure == name])) for name in names]
    options = " ".join(f'--{key} "{list(value)}"' for key, value in (view or {}).items())
    seen = f"spacing {_listed(cohort.spacing)} and size {_listed(cohort.spatial_size)}"
    if adopted:
        rows.append(("instead", f"of {seen}, which lose them, they are seen with {options}"))
    elif view is not None:
        rows.append(("to keep them", f"{options} instead of {seen}"))
    else:
        rows.append(("to keep them", f"no voxel size or size of the files does, not {seen} either"))
    print("\n".join(f"{name:>13}  {text}" for name, text in rows))


def _told(lost: Sequence[Loss]) -> str:
    """One structure's losses in words."""
    shown = [
        f"{own.case} ({own.on_file} voxels on file, {own.seen} for the network)" for own in lost
    ]
    more = [f"{len(lost) - SHOWN} more"] * (len(lost) > SHOWN)
    return f"'{lost[0].structure}' in {', '.join([*shown[:SHOWN], *more])}"


def _listed(values: Sequence[float] | None) -> str:
    return "none" if values is None else str(list(values))
