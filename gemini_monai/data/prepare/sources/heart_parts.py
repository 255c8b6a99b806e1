"""WHS-CT, ASOCA and CAT08: which files below one folder belong to which."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.images.clutter import is_clutter

VOLUME = r"\.(?:nii|nii\.gz|nrrd|mha|mhd)"
FOREIGN = "labeled"
"""Folder of the authors' released tree."""
NUMBER = r"(?<!\d)(?<!cat)(\d\d)(?!\d)"  # not the 08 of the name
BYTES = {"MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_FLOAT": 4}


@dataclass(frozen=True)
class Kind:
    """One of the three data sets; a case is named by ``prefix`` and the groups of a pattern."""

    name: str
    prefix: str
    images: tuple[str, ...]
    """Patterns of the end of a path."""
    labels: tuple[str, ...]
    counts: tuple[int, int]
    """Labeled and unlabeled images in the paper."""
    license: str
    example: str
    """A file of it, for messages."""
    marked: tuple[tuple[str, str], ...] = ()
    """Patterns of images that say little, each with the folder that lies beside the file's own."""

    def patterns(self, path: Path) -> tuple[str, ...]:
        """Those of images that hold for a file."""
        own = tuple(p for marker, p in self.marked if marker in _beside(path.parent))
        return (*self.images, *own)


KINDS = (
    Kind(
        name="WHS-CT",
        prefix="whs",
        images=(
            r"ct_train[\w-]*/ct_train_(\d{4})_image\.nii(?:\.gz)?",
            r"ct_test[\w-]*/ct_test_(\d{4})_image\.nii(?:\.gz)?",
        ),
        labels=(r"ct_train[\w-]*/ct_train_(\d{4})_label\.nii(?:\.gz)?",),
        counts=(20, 40),
        license="WHS-CT (MM-WHS): research use under the signed registration form; cite",
        example="ct_train/ct_train_1001_image.nii.gz",
    ),
    Kind(
        name="ASOCA",
        prefix="asoca",
        images=(
            rf"(?:normal|diseased)/ctca/(normal|diseased)_(\d+){VOLUME}",
            rf"(?:normal|diseased)/(test)set_(?:normal|diseased?)/(\d+){VOLUME}",
            rf"asoca[^/]*/(?:[^/]+/)*(train|test)/(\d+){VOLUME}",
        ),
        marked=(("train_masks", rf"(train|test)/(\d+){VOLUME}"),),
        labels=(),  # its annotations are of the coronary lumen
        counts=(0, 60),
        license="ASOCA: under its data agreement; cite",
        example="Normal/CTCA/Normal_1.nrrd",
    ),
    Kind(
        name="CAT08",
        prefix="cat08",
        images=(r"dataset\d\d/image(\d\d)\.mhd",),
        labels=(
            rf"dataset(\d\d)/[^/]*label[^/]*{VOLUME}",
            rf"[^/]*label[^/]*/[^/]*?{NUMBER}[^/]*{VOLUME}",
            rf"[^/]*?{NUMBER}[^/]*label[^/]*{VOLUME}",
            rf"[^/]*label[^/]*?{NUMBER}[^/]*{VOLUME}",
        ),
        counts=(32, 0),
        license="CAT08: under the registration of its evaluation framework; cite",
        example="dataset00/image00.mhd",
    ),
)


@cache
def _beside(folder: Path) -> frozenset[str]:
    """Names of the folders beside one, in lower case."""
    return frozenset(path.name.lower() for path in folder.parent.iterdir() if path.is_dir())


@dataclass
class Part:
    """What there is of one kind, by case."""

    kind: Kind
    images: dict[str, Path] = field(default_factory=dict)
    labels: dict[str, Path] = field(default_factory=dict)

    def __str__(self) -> str:
        """How much was found, of how much, and what is missing."""
        found = (len(self.labels), len(self.images) - len(self.labels))
        if not self.images:
            return f"{self.kind.name:>13}  not found: {_short((0, 0), self.kind.counts)}"
        text = f"{self.kind.name:>13}  {found[0]} labeled, {found[1]} unlabeled"
        missing = _short(found, self.kind.counts)
        return f"{text}; {missing}" if missing else text


def find_parts(source: Path) -> list[Part]:
    """One part per kind, empty where nothing is found; files are recognized by name, not opened.

    Raises:
        InputError: If the folder does not exist, a case is there twice, or files that belong
            together are not: a header without its data, an image of ``ct_train`` without a label.
    """
    if not source.is_dir():
        raise InputError(f"{source}: no such folder")
    parts = [Part(kind) for kind in KINDS]
    for path in _files(source.absolute()):
        _sort_in(parts, path)
    for part in parts:
        _check(part)
    return parts


def _files(source: Path) -> Iterator[Path]:
    """All files below, those in linked folders too, except for what is of none of the three."""
    for folder, folders, names in os.walk(source, followlinks=True):
        inside = (Path(folder) / name for name in sorted(folders) if name != FOREIGN)
        folders[:] = [path.name for path in inside if not is_clutter(path)]
        paths = (Path(folder) / name for name in sorted(names))
        yield from (path for path in paths if not is_clutter(path))


def _sort_in(parts: list[Part], path: Path) -> None:
    name = path.as_posix()
    for part in parts:
        for by_case, patterns in (
            (part.images, part.kind.patterns(path)),
            (part.labels, part.kind.labels),
        ):
            case = next(_cases(part.kind.prefix, patterns, name), None)
            if case is None:
                continue
            if case in by_case:
                raise InputError(f"{path}: case '{case}' is there twice, also as {by_case[case]}")
            by_case[case] = path
            return


def _cases(prefix: str, patterns: tuple[str, ...], name: str) -> Iterator[str]:
    for pattern in patterns:
        match = re.search(rf"(?:^|/){pattern}$", name, re.IGNORECASE)
        if match:
            yield "_".join([prefix, *match.groups()]).lower()


def _check(part: Part) -> None:
    for case, path in part.images.items():
        if path.suffix == ".mhd":
            _check_data_of(path)
        if path.name.startswith("ct_train") and case not in part.labels:
            expected = path.name.replace("_image", "_label")
            raise InputError(f"{path}: its label {expected} is not beside it; half downloaded?")


def _check_data_of(header: Path) -> None:
    """The ``.raw`` that an ``.mhd`` names must be there as a whole."""
    lines = header.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    fields = {key.strip(): value.strip() for key, value in pairs}
    data = header.parent / fields.get("ElementDataFile", "")
    if not data.is_file():
        raise InputError(f"{header}: its data file '{data.name}' is not beside it")
    size = BYTES.get(fields.get("ElementType", ""), 0)
    for extent in fields.get("DimSize", "0").split():
        size *= int(extent)
    if fields.get("CompressedData", "False") != "True" and data.stat().st_size < size:
        raise InputError(
            f"{data}: {data.stat().st_size} bytes, {header.name} says {size}; half downloaded?"
        )


def _short(found: tuple[int, int], expected: tuple[int, int]) -> str:
    """What the paper has more of."""
    names = ("labeled", "unlabeled")
    short = [
        f"{want - have} {name}"
        for have, want, name in zip(found, expected, names, strict=True)
        if have < want
    ]
    return f"{' and '.join(short)} fewer than in the paper" if short else ""
