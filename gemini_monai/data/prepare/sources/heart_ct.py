"""Cardiac CT of the paper: WHS-CT, ASOCA and CAT08 as one data set of seven structures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.codes import (
    count_codes,
    is_current,
    listed,
    recode,
    refuse_label,
    refuse_unknown,
)
from gemini_monai.data.prepare.kept_files import kept_image
from gemini_monai.data.prepare.label_files import LabelFiles
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.sources.heart_parts import KINDS, Part, find_parts
from gemini_monai.data.prepare.sources.released import find_released
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import write_image
from gemini_monai.images.write import refuse_foreign

STRUCTURES = {
    "left ventricular myocardium": 205,
    "left atrium": 420,
    "left ventricle": 500,
    "right atrium": 550,
    "right ventricle": 600,
    "ascending aorta": 820,
    "pulmonary artery": 850,
}
CODES = {code: code for code in STRUCTURES.values()} | {421: 420}  # 421 is a slip of the raters
ORDINALS = dict(enumerate(STRUCTURES.values(), start=1))
"""What released labels may have instead; their order is assumed to be this one."""
RELEASED = ("T1_CardiacCT", "Heart")
PAPER = 5
"""Labeled cases to train on."""
VIEW: dict[str, Any] = {
    "spatial_size": [144, 144, 128],
    "intensity": {"kind": "range", "lower": 0.0, "upper": 2048.0},
}
SPACING = [1.5, 1.5, 1.5]
"""In mm: 216 x 216 x 192 mm are seen, which hold a heart that is not in the center."""
OFFSET = 1024
"""What CAT08 stores above Hounsfield units."""


def prepare_heart_ct(
    source: str | Path, destination: str | Path, *, wanted: Wanted | None = None
) -> Path:
    """Write ``destination/dataset.json`` for cardiac CT.

    ``source`` holds, at any depth, one or more of WHS-CT (``ct_train``, ``ct_test``), ASOCA
    (``Normal`` and ``Diseased``, each with ``CTCA`` and a test set) and CAT08 (``dataset00`` to
    ``dataset31``, and its heart labels), or the authors' released ``T1_CardiacCT``, whose folders
    are the split. Otherwise 5 labeled cases are trained on and all other labeled ones are tested
    on: 5, 100 and 47, as in the paper, when all three are there.

    Args:
        source: The folder; never changed.
        destination: Where ``dataset.json`` and converted files go.
        wanted: The split.

    Raises:
        InputError: If none of them is found, one is there in part, or holds what training could
            not use; no ``dataset.json`` is written then.
    """
    source, destination = Path(source), Path(destination)
    parts = find_parts(source)
    released = find_released(source, names=RELEASED)
    if not released:
        contents = _official([part for part in parts if part.images or part.labels], source)
        print("\n".join(map(str, parts)))
        wanted = _counts(wanted or Wanted(), contents)
    elif any(part.images for part in parts):
        raise InputError(
            f"{source}: holds the authors' released images and the originals; one only"
        )
    else:
        contents = _source(released.images, released.labels, split=released.split)
    contents = replace(
        contents,
        convert_image=partial(_image, labels=contents.labels, folder=destination / "images"),
        convert_label=partial(_label, ordinals=bool(released), folder=destination / "codes"),
    )
    return prepare_source(contents, destination, wanted=wanted or Wanted())


def _official(parts: Sequence[Part], source: Path) -> Source:
    if not parts:
        examples = ", ".join(f"{kind.example} ({kind.name})" for kind in KINDS)
        raise InputError(f"{source}: no cardiac CT; expected any of {examples} in it")
    images = {case: path for part in parts for case, path in part.images.items()}
    labels = {case: path for part in parts for case, path in part.labels.items()}
    terms = "; ".join(part.kind.license for part in parts)
    return _source(images, labels, license=terms, view=VIEW | {"spacing": SPACING})


def _source(images: Mapping[str, Path], labels: Mapping[str, LabelFiles], **known: Any) -> Source:
    """What the originals and the released images have in common."""
    values = {
        "declared": {"background": 0, **STRUCTURES},
        "license": "; ".join(kind.license for kind in KINDS),
        "view": VIEW,
    }
    return Source(
        name="heart_ct", kind="heart_ct", images=images, labels=labels, **(values | known)
    )


def _counts(wanted: Wanted, contents: Source) -> Wanted:
    """Five to train on and the rest to test on, where nothing else was asked for."""
    wanted = wanted.or_else(labeled=min(PAPER, len(contents.labels)), validation=0)
    rest = len(contents.labels) - (wanted.labeled or 0) - (wanted.validation or 0)
    wanted = wanted.or_else(test=max(rest, 0))
    kept = (wanted.labeled or 0) + (wanted.validation or 0) + (wanted.test or 0)
    if len(contents.images) == kept:
        print("               no image is left for pairs: add a part, or leave some with --test N")
    return wanted


def _image(case: str, image: Path, *, labels: Collection[str], folder: Path) -> Path:
    """The image itself, or one in Hounsfield units below ``folder``."""
    if case in labels:
        refuse_label(image, known={*CODES, *ORDINALS})
    return _hounsfield(image, target=folder / f"{case}.nii.gz") if "cat08" in case else image


def _hounsfield(image: Path, *, target: Path) -> Path:
    """CT below 0 is in Hounsfield units, air being -1000; from 0 on it is stored with an offset."""
    if all(is_current(target, source=file) for file in image.parent.glob(f"{image.stem}.*")):
        return target
    stored = kept_image(image)
    values = np.asarray(stored)[0]
    if values.min() < 0:
        return image
    values = np.clip(values - OFFSET, -OFFSET, np.iinfo(np.int16).max)
    refuse_foreign(target)
    write_image(target, values.astype(np.int16)[None], affine=stored.affine)
    print(f"{image.name}: no value below 0, so {OFFSET} is subtracted, in {target}")
    return target


def _label(case: str, label: LabelFiles, *, ordinals: bool, folder: Path) -> LabelFiles:
    """The label itself, or one with the seven codes below ``folder``."""
    if isinstance(label, list):
        raise TypeError("a label of the heart is one map")
    counts = count_codes(label)
    codes = ORDINALS if ordinals and set(counts) <= {0, *ORDINALS} else CODES
    refuse_unknown(counts, known=codes, label=label)
    changed = {code: n for code, n in counts.items() if codes.get(code, code) != code}
    if not changed:
        return label
    target = folder / f"{case}.nii.gz"
    recode(label, codes=codes, target=target)
    new = ", ".join(str(codes[code]) for code in sorted(changed))
    print(f"{label.name}: label code(s) {listed(changed)} become {new}, in {target}")
    return target
