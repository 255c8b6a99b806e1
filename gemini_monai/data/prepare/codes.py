"""Label codes: which ones a file holds, and one code for another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.kept_files import kept_image, kept_label
from gemini_monai.images import smallest_type, write_image
from gemini_monai.images.read import MOST_CODES
from gemini_monai.images.write import refuse_foreign


def count_codes(label: Path) -> Counter[int]:
    """Voxels of each code of an index map, 0 included.

    Raises:
        InputError: If the file cannot be read, has values that are not whole numbers, or more
            distinct ones than a label map has, as after an exchange with its image.
    """
    return _counts(kept_label(label).numpy(), label)


def recode(
    label: Path, *, codes: Mapping[int, int], target: Path, others_to_background: bool = False
) -> Counter[int]:
    """Write a label map with every code replaced; the original stays as it is.

    A ``target`` that is newer than ``label`` is not written again, but the label is read and
    counted, so that a second run says what the first one said.

    Args:
        label: Index map of one channel; its grid and affine are kept.
        codes: New code of each old one; 0 stays 0 unless it is among them.
        target: NIfTI file to write, of the smallest unsigned integers that hold the new codes.
        others_to_background: Codes that are not in ``codes`` become 0.

    Returns:
        Voxels of each code that became background because ``codes`` does not have it.

    Raises:
        InputError: As ``count_codes``, and for codes that are not in ``codes``, all of which are
            listed with their voxels, unless they become background.
    """
    image = kept_label(label)
    counts = _counts(image.numpy(), label)
    others = Counter({code: n for code, n in counts.items() if code not in {0, *codes}})
    if others and not others_to_background:
        refuse_unknown(others, known=codes, label=label)
    if not is_current(target, source=label):
        refuse_foreign(target)
        write_image(target, _replaced(image.numpy(), codes), affine=image.affine)
    return others


def refuse_unknown(counts: Mapping[int, int], *, known: Collection[int], label: Path) -> None:
    """Stop at codes that nobody declared.

    Raises:
        InputError: If a code is neither 0 nor known; lists all of them with their voxels.
    """
    unknown = {code: n for code, n in counts.items() if code not in {0, *known}}
    if unknown:
        raise InputError(
            f"{label}: unknown label code(s) {listed(unknown)}; expected 0 and "
            f"{', '.join(map(str, sorted(set(known) - {0})))}"
        )


def refuse_label(image: Path, *, known: Collection[int]) -> None:
    """Stop at a label map in an image's place.

    Raises:
        InputError: If the file cannot be read, or all its values are 0 or known codes.
    """
    values = np.unique(np.asarray(kept_image(image)))
    if np.isin(values, [0, *known]).all():
        raise InputError(
            f"{image}: every value is a label code ({_first(values)}); exchanged with its label?"
        )


def listed(counts: Mapping[int, int]) -> str:
    """Codes and their voxels in words, by code."""
    return ", ".join(f"{code} ({counts[code]} voxels)" for code in sorted(counts))


def is_current(target: Path, *, source: Path) -> bool:
    """Whether ``target`` was made after the last change of ``source``."""
    if not target.is_file():
        return False
    changed = source.stat()  # a copy or an archive may bring back an old modification time
    return target.stat().st_mtime > max(changed.st_mtime, changed.st_ctime)


def _counts(values: np.ndarray, label: Path) -> Counter[int]:
    """Voxels of each value of (1, *S)."""
    if len(values) != 1:
        raise InputError(f"{label}: {len(values)} channels, expected a label map of one")
    distinct, voxels = np.unique(values, return_counts=True)
    if len(distinct) > MOST_CODES:
        raise InputError(
            f"{label}: {len(distinct)} distinct values from {distinct[0]:g} to {distinct[-1]:g}, "
            "more than a label map has; exchanged with its image?"
        )
    return Counter({int(code): int(n) for code, n in zip(distinct, voxels, strict=True)})


def _replaced(values: np.ndarray, codes: Mapping[int, int]) -> np.ndarray:
    new = np.zeros(values.shape, smallest_type([0, *codes.values()]))
    for old, code in codes.items():
        new[values == old] = code
    return new


def _first(values: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in values[:5])
