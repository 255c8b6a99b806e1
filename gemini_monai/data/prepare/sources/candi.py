"""CANDI (CANDIShare, "SchizBull 2008"): 103 T1 brain volumes of children, with 28 structures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.codes import listed, recode, refuse_label
from gemini_monai.data.prepare.kept_files import kept_image
from gemini_monai.data.prepare.label_files import LabelFiles
from gemini_monai.data.prepare.propose import in_ras
from gemini_monai.data.prepare.source import Source, prepare_source
from gemini_monai.data.prepare.sources.released import find_released
from gemini_monai.data.prepare.split import Wanted

GROUPS = {"HC": (1, 29), "BPDwoPsy": (30, 64), "BPDwPsy": (65, 83), "SS": (84, 103)}
"""First and last number of each; the prefix of a case."""
FILE = re.compile(rf"((?:{'|'.join(GROUPS)})_\d{{3}})(_procimg|[_.]seg)\.nii(?:\.gz)?")
SIZE = (160, 160, 128)  # what the paper crops to, along the axes as they are stored
MIN_MAX = {"kind": "percentile", "lower": 0.0, "upper": 100.0}
LICENSE = "CANDIShare SchizBull 2008; registration, non-commercial use"
PAIRED = {  # FreeSurfer's codes of the left and the right one
    "cerebral white matter": (2, 41),
    "cerebral cortex": (3, 42),
    "lateral ventricle": (4, 43),
    "cerebellum white matter": (7, 46),
    "cerebellum cortex": (8, 47),
    "thalamus": (10, 49),
    "caudate": (11, 50),
    "putamen": (12, 51),
    "pallidum": (13, 52),
    "hippocampus": (17, 53),
    "amygdala": (18, 54),
    "ventral diencephalon": (28, 60),
}
SINGLE = {"3rd ventricle": 14, "4th ventricle": 15, "brain stem": 16, "cerebrospinal fluid": 24}
STRUCTURES = {
    **{f"left {name}": left for name, (left, _) in PAIRED.items()},
    **{f"right {name}": right for name, (_, right) in PAIRED.items()},
    **SINGLE,
}
"""The 28 of the published loader."""

SEGMENTED = {*range(1, 86), *range(251, 256)}
"""All codes of FreeSurfer's subcortical segmentation, by which a label map is known."""


def prepare_candi(
    source: str | Path, destination: str | Path, *, wanted: Wanted | None = None
) -> Path:
    """Write ``destination/dataset.json``, and label maps of the 28 structures beside it.

    The official download has ``<id>_procimg.nii.gz`` and ``<id>_seg.nii.gz``, or
    ``<id>.seg.nii.gz``, in a folder per subject, group or both. All are divided by seed into the
    paper's 5 labeled, 78 unlabeled and 20 test cases; for its fine-tuning ask for 40, 20 for
    validation and 43. Folders of the authors' tree, ``train/labeled/{image,label}`` and so on, are
    the split themselves. Other codes than the 28 become background, and are counted.

    Args:
        source: Folder with either; never changed.
        destination: Where ``dataset.json`` and ``labels`` go.
        wanted: The split.

    Raises:
        InputError: If it is neither, a group or a label is missing, or a file cannot be used.
    """
    source, destination, wanted = Path(source), Path(destination), wanted or Wanted()
    released = find_released(source, names=("Brain", "CANDI"))
    if released is None:
        wanted = wanted.or_else(labeled=5, validation=0, test=20)
    images, labels = released[:2] if released else _official(source)
    others: Counter[int] = Counter()
    contents = Source(
        name="candi",
        kind="candi",
        images=images,
        labels=labels,
        declared={"background": 0, **STRUCTURES},
        split=released.split if released else None,
        license=LICENSE,
        view={"spatial_size": _size(next(iter(images.values()))), "intensity": MIN_MAX},
        convert_image=_checked_image,
        convert_label=_recoder(folder=destination / "labels", others=others),
    )
    path = prepare_source(contents, destination, wanted=wanted)
    print(f"{'background':>13}  voxels of other codes: {listed(others) or 'none'}")
    return path


def _checked_image(case: str, path: Path) -> Path:
    """The file itself, if it is not a label map."""
    refuse_label(path, known=SEGMENTED)
    return path


def _recoder(*, folder: Path, others: Counter[int]) -> Callable[[str, LabelFiles], LabelFiles]:
    """What writes a label map of the 28 structures alone, and adds all else to ``others``."""
    codes = {code: code for code in STRUCTURES.values()}

    def recoded(case: str, label: LabelFiles) -> Path:
        if isinstance(label, list):
            raise InputError(f"{label[0]}: expected one label map, got {len(label)} files")
        target = folder / f"{case}.nii.gz"
        others.update(recode(label, codes=codes, target=target, others_to_background=True))
        return target

    return recoded


def _official(source: Path) -> tuple[dict[str, Path], dict[str, LabelFiles]]:
    """Images and labels by case, wherever they lie below ``source``."""
    images: dict[str, Path] = {}
    labels: dict[str, LabelFiles] = {}
    for path in sorted(source.rglob("*.nii*")):
        if match := FILE.fullmatch(path.name):
            case, kind = match.groups()
            before = images.get(case) if kind == "_procimg" else labels.get(case)
            if before is not None:
                raise InputError(f"{path}: '{case}' is there twice, also as {before}")
            (images if kind == "_procimg" else labels)[case] = path
    _refuse_incomplete(source, images, labels)
    _tell_missing(images)
    return images, labels


def _refuse_incomplete(
    source: Path, images: Mapping[str, Path], labels: Mapping[str, LabelFiles]
) -> None:
    if not images:
        raise InputError(
            f"{source}: neither files like HC_001_procimg.nii.gz below it nor a folder "
            "train/labeled; not CANDI, or its archives are not unpacked"
        )
    for group, (first, last) in GROUPS.items():
        if not any(case.startswith(f"{group}_") for case in images):
            raise InputError(
                f"{source}: no image of group {group} ({group}_{first:03d} to {last:03d}) below "
                "it; the download is not complete"
            )
    for case, path in images.items():
        if case not in labels:
            raise InputError(
                f"{path}: no label {case}_seg.nii.gz for it; the download is not complete"
            )


def _tell_missing(cases: Iterable[str]) -> None:
    names = [f"{g}_{k:03d}" for g, (first, last) in GROUPS.items() for k in range(first, last + 1)]
    found = set(cases)
    if strange := sorted(found - set(names)):
        raise InputError(f"'{strange[0]}' is no case of CANDI, whose groups are {GROUPS}")
    missing = [name for name in names if name not in found]
    also = f"; missing: {', '.join(missing)}" if missing else ""
    print(f"CANDI: {len(found)} of {len(names)} volumes{also}")


def _size(image: Path) -> list[int]:
    """``SIZE`` in the order of the axes that training reorients to."""
    return [int(n) for n in in_ras(SIZE, kept_image(image).affine)]
