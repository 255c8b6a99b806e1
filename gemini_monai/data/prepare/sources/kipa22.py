"""KiPA22: kidney CT with labels of renal vein, kidney, renal artery and tumor."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.codes import count_codes, refuse_label, refuse_unknown
from gemini_monai.data.prepare.kept_files import kept_image
from gemini_monai.data.prepare.label_files import LabelFiles
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import find_images

LABELS = {"background": 0, "renal vein": 1, "kidney": 2, "renal artery": 3, "tumor": 4}
WINDOW = {"kind": "range", "lower": 900.0, "upper": 1400.0}
"""Stored intensities are Hounsfield units plus about 1024, so this is -124 to 376."""
LOWEST_MEAN = 500
"""Lowest mean of a stored volume: around a kidney it is about 1000, in Hounsfield units about 0."""
TRAINING = tuple(range(70))
OPEN_TEST = ("open", "opentest", "test")
"""Folders that the challenge's test images 70 to 99, which have no public label, may be in."""
REASON = (
    "the public labels are of 70 cases, which are divided by seed; the paper trained on all 70 "
    "and chose and tested on 60 whose labels are the organizers' alone"
)


def prepare_kipa22(
    source: str | Path, destination: str | Path, *, wanted: Wanted | None = None
) -> Path:
    """Write ``destination/dataset.json`` for the KiPA22 challenge.

    ``source`` holds ``train/image/0.nii.gz`` to ``69.nii.gz`` and ``train/label`` with the same
    names. Images of ``open/image``, ``opentest/image`` or ``test/image`` join the unlabeled ones,
    which fine-tuning does not use; labels beside them are not looked at.

    Args:
        source: The folder; never changed.
        destination: Where ``dataset.json`` goes.
        wanted: The split; 40 labeled, 10 validation and 20 test cases by default, because the
            paper's 70/30/30 needs labels that are not public.

    Raises:
        InputError: If images and labels do not fit together, or are not those of KiPA22.
    """
    source = Path(source)
    images, labels = (find_images(source / "train" / kind) for kind in ("image", "label"))
    for case in sorted(images.keys() ^ labels.keys()):
        alone, other = (images, "label") if case in images else (labels, "image")
        raise InputError(f"{alone[case]}: no {other} of '{case}' in {source / 'train' / other}")
    contents = Source(
        name="kipa22",
        kind="kipa22",
        images=_with_open_test(images, source),
        labels=labels,
        declared=LABELS,
        license="KiPA22 challenge, by registration; research only",
        view={"intensity": WINDOW},
        convert_image=_checked_image,
        convert_label=_checked_label,
    )
    asked = (wanted or Wanted()).or_else(labeled=40, validation=10, test=20)
    path = prepare_source(contents, Path(destination), wanted=asked)
    print(f"{'why':>13}  {REASON}")
    missing = sorted({str(number) for number in TRAINING} - set(images), key=int)
    if missing:
        print(f"{'note':>13}  {_some(missing)} missing of 70: another split than of all")
    return path


def _with_open_test(images: dict[str, Path], source: Path) -> dict[str, Path]:
    everything = dict(images)
    for folder in (source / name / "image" for name in OPEN_TEST):
        for case, path in find_images(folder).items() if folder.is_dir() else ():
            if case in everything:
                raise InputError(f"{path}: '{case}' is there twice, also as {everything[case]}")
            everything[case] = path
    return everything


def _checked_image(case: str, path: Path) -> Path:
    """The file itself, if it is a CT of KiPA22."""
    refuse_label(path, known=LABELS.values())
    mean = float(np.asarray(kept_image(path)).mean())
    if mean < LOWEST_MEAN:
        raise InputError(
            f"{path}: mean intensity {mean:.0f}; KiPA22 stores Hounsfield units plus about 1024, "
            f"with a mean above {LOWEST_MEAN}"
        )
    return path


def _checked_label(case: str, files: LabelFiles) -> LabelFiles:
    """The file itself, if its codes are those of KiPA22."""
    path = Path(str(files))
    refuse_unknown(count_codes(path), known=LABELS.values(), label=path)
    return files


def _some(names: Iterable[str], *, most: int = 5) -> str:
    names = list(names)
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
