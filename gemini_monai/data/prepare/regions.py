"""A source whose labels are as somebody declared them; regions of a map become a mask each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from monai.data.meta_tensor import MetaTensor

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.codes import is_current
from gemini_monai.data.prepare.declared_labels import Declared
from gemini_monai.data.prepare.kept_files import kept_label
from gemini_monai.data.prepare.label_files import LabelFiles
from gemini_monai.data.prepare.source import Source
from gemini_monai.images import write_image
from gemini_monai.images.write import refuse_foreign

IGNORED = 255
"""Value of voxels that do not count, in the masks that are written."""


def with_declared(source: Source, declared: Declared, *, said_in: Path, folder: Path) -> Source:
    """The source with what somebody says of its labels.

    Args:
        source: Labels are maps, or masks whose structures are known.
        declared: What their values mean.
        said_in: The file that says so; masks of regions that are older are written again.
        folder: Where masks of regions go, a sub-folder a case.

    Raises:
        InputError: If structures that have masks are given values or regions.
    """
    if source.structures and (declared.regions or declared.values):
        known = {*(declared.regions or declared.values or ()), "background"}
        if declared.regions or not known <= {*source.structures, "background"}:
            raise InputError(
                f"{said_in}: names {', '.join(sorted(known))}, but labels are masks, which have "
                f"the names of their files: {', '.join(source.structures)}"
            )
    if source.structures or not declared.regions:
        return replace(source, declared=declared.values, ignore=declared.ignore)
    writer = _region_writer(declared, said_in=said_in, folder=folder)
    ignore = None if declared.ignore is None else IGNORED
    structures = list(declared.regions)
    return replace(source, structures=structures, ignore=ignore, convert_label=writer)


def _region_writer(
    declared: Declared, *, said_in: Path, folder: Path
) -> Callable[[str, LabelFiles], LabelFiles]:
    """What writes the masks of a case below a folder, and returns their files."""
    regions, ignore = declared.regions or {}, declared.ignore

    def convert(case: str, label: LabelFiles) -> LabelFiles:
        if isinstance(label, list):
            raise InputError(f"{label[0]}: a mask; {said_in} has regions of one label map")
        names = [re.sub(r"[^\w-]+", "_", name) for name in regions]
        targets = [folder / case / f"{k}_{name}.nii.gz" for k, name in enumerate(names)]
        if not all(is_current(t, source=f) for t in targets for f in (label, said_in)):
            image = kept_label(label, ignore=ignore)
            _refuse_unknown(image, regions, ignore, label=label, said_in=said_in)
            for target, values in zip(targets, regions.values(), strict=True):
                refuse_foreign(target)
                write_image(target, _mask(image.numpy(), values, ignore), affine=image.affine)
        return targets

    return convert


def _refuse_unknown(
    image: MetaTensor,
    regions: Mapping[str, Sequence[int]],
    ignore: int | None,
    *,
    label: Path,
    said_in: Path,
) -> None:
    if len(image) != 1:
        raise InputError(f"{label}: {len(image)} channels, expected a label map of one")
    known = {0, ignore, *(value for values in regions.values() for value in values)}
    unknown = sorted({int(value) for value in np.unique(image.numpy())} - known)
    if unknown:
        raise InputError(f"{label}: label value {unknown[0]} is in no region of {said_in}")


def _mask(values: np.ndarray, region: Sequence[int], ignore: int | None) -> np.ndarray:
    mask = np.isin(values, region).astype(np.uint8)
    if ignore is not None:
        mask[values == ignore] = IGNORED
    return mask
