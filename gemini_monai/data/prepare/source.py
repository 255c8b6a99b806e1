"""From images and labels found anywhere to a checked ``dataset.json``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gemini_monai.data.cohort import Cohort
from gemini_monai.data.dataset_file import refuse_foreign_dataset, write_cohort
from gemini_monai.data.prepare.align import aligned, refuse_unalignable
from gemini_monai.data.prepare.labels import LabelFiles, check_label, named_structures
from gemini_monai.data.prepare.propose import propose
from gemini_monai.data.prepare.reading import forget
from gemini_monai.data.prepare.scan import Scan, refuse_unlike, scan
from gemini_monai.data.prepare.split import Split, Wanted, split_cases
from gemini_monai.data.prepare.structures import Count, counted, keep_structures
from gemini_monai.errors import InputError
from gemini_monai.images.names import refuse_name


@dataclass(frozen=True)
class Source:
    """What a folder or a download holds, whatever its tree.

    The two conversions are for files that training could not read as they are: each takes a case
    and its file or files, and writes a new one below the destination. They are called only for
    cases that the split uses, and for labels only where they may be read.
    """

    name: str
    """Name of the data set, as runs and reports show it."""
    kind: str
    """Which of ``prepare``'s sources it is."""
    images: Mapping[str, Path]
    """By case."""
    labels: Mapping[str, LabelFiles]
    """By case, for some."""
    declared: Mapping[str, int] | None = None
    """Names and values of the labels, background included, if known."""
    structures: Sequence[str] = ()
    """Names of the masks, if labels are one mask per structure."""
    patients: Mapping[str, str] | None = None
    """Patient of each case, if known."""
    split: Split | None = None
    """The split, where the tree itself says it; ``None`` for the seeded rule."""
    license: str = "not recorded"
    """Terms of the data, in words; travels with the weights that are trained on them."""
    view: Mapping[str, Any] = field(default_factory=dict)
    """``spacing``, ``spatial_size`` or ``intensity`` where the data set's use is known; what is
    not given is proposed from the images."""
    convert_image: Callable[[str, Path], Path] | None = None
    """From a case and its image to a file that MONAI reads."""
    convert_label: Callable[[str, LabelFiles], LabelFiles] | None = None
    """From a case and its label to one that has the declared values or masks."""


def prepare_source(source: Source, destination: Path, *, wanted: Wanted) -> Path:
    """Split, check, propose and write; only labels of cases that keep them are opened.

    Args:
        source: What there is.
        destination: Folder of the ``dataset.json``.
        wanted: The split.

    Raises:
        InputError: For everything that training could not use; no ``dataset.json`` is written.
    """
    refuse_unalignable(wanted.check())
    path = destination / "dataset.json"
    if destination.exists() and not destination.is_dir():
        raise InputError(f"{destination}: is a file, expected a folder")
    if path.exists():
        refuse_foreign_dataset(path)  # before anything is read or converted
    for case, image in source.images.items():
        refuse_name(case, where=str(image))
    for case, files in source.labels.items():
        if case not in source.images:
            raise InputError(f"{files}: a label without an image '{case}'")
    split = _split(source, wanted)
    _refuse_too_few(source, split)
    scans = _scanned(source, split)
    asked = {**source.view, **wanted.view()}
    view = propose(list(scans.values()), spacing=asked.get("spacing")) | asked
    cohort = Cohort(
        path=path,
        name=source.name,
        source=source.kind,
        spatial_dims=len(next(iter(scans.values())).shape),
        channels=max(entry.channels for entry in scans.values()),
        labels={"background": 0},
        overlapping=bool(source.structures),
        license=source.license,
        seed=wanted.seed,
        labeled_draw=wanted.labeled_draw,
        hash=_hash(scans),
        spacing=view["spacing"] and tuple(view["spacing"]),
        spatial_size=tuple(view["spatial_size"]),
        intensity=view["intensity"],
    )
    labels, values, counts = _labels(source, split, scans, cohort)
    entries = _entries(split, scans, labels, source.patients)
    cohort = replace(cohort, labels=values, **entries)
    quiet = wanted.align is not None  # then they are counted on the grids of the alignment
    cohort = keep_structures(cohort, scans, asked=asked, counts=counts, quiet=quiet)
    if wanted.align is not None:
        cohort = aligned(cohort, scans, wanted=wanted)
        keep_structures(cohort, scans, asked=["spacing", "spatial_size"])
    forget()
    path = write_cohort(cohort, overwrite=wanted.overwrite)
    _show(cohort, split)
    return path


def _refuse_too_few(source: Source, split: Split) -> None:
    """Pairs are of two patients, so one alone is of no use."""
    patients = {(source.patients or {}).get(case, case) for case in split.unlabeled}
    if len(patients) == 1:
        only = "image" if len(split.unlabeled) == 1 else f"patient ({len(split.unlabeled)} images)"
        raise InputError(
            f"{source.images[split.unlabeled[0]]}: the only unlabeled {only}; pairs need two or "
            "more of different patients. Label it, leave it out, or add others"
        )


def _split(source: Source, wanted: Wanted) -> Split:
    if source.split is None:
        return split_cases(
            source.images, with_label=source.labels, wanted=wanted, patients=source.patients
        )
    if wanted.divides():
        raise InputError(
            f"{source.name}: its folders are the split, so --labeled, --validation, --test, --seed "
            "and --labeled-draw do not apply"
        )
    return source.split


def _scanned(source: Source, split: Split) -> dict[str, Scan]:
    """Every image that is used, converted where training could not read it, read once."""
    scans: dict[str, Scan] = {}
    used = [case for case in sorted(source.images) if case not in split.dropped]
    for case in tqdm(used, desc="read", leave=False):
        path = source.images[case]
        if source.convert_image is not None:
            path = source.convert_image(case, path)
        scans[case] = scan(case, path)
    refuse_unlike(list(scans.values()))
    return scans


def _labels(
    source: Source, split: Split, scans: Mapping[str, Scan], cohort: Cohort
) -> tuple[dict[str, LabelFiles], dict[str, int], dict[str, list[Count]]]:
    """Labels of the cases that keep theirs, each read once; names and values; their structures."""
    labels: dict[str, LabelFiles] = {}
    counts: dict[str, list[Count]] = {}
    found: set[int] = set()
    for case in tqdm([*split.labeled, *split.validation, *split.test], "labels", leave=False):
        files = source.labels[case]
        if source.convert_label is not None:
            files = source.convert_label(case, files)
        found |= check_label(scans[case], files, declared=source.declared)
        labels[case] = files
        counts[case] = counted(files, cohort, fit=case in split.labeled)
    names = named_structures(found, labels, declared=source.declared)
    structures = {structure: k for k, structure in enumerate(source.structures)}
    return labels, structures or names, counts


def _entries(
    split: Split,
    scans: Mapping[str, Scan],
    labels: Mapping[str, LabelFiles],
    patients: Mapping[str, str] | None,
) -> dict[str, Any]:
    def entry(case: str) -> dict[str, Any]:
        found = {"case": case, "image": str(scans[case].path.absolute())}
        return found | ({"patient": patients[case]} if patients else {})

    entries: dict[str, Any] = {"unlabeled": [entry(case) for case in split.unlabeled]}
    for part in ("labeled", "validation", "test"):
        cases = getattr(split, part)
        entries[part] = [{**entry(case), "label": _text(labels[case])} for case in cases]
    return entries


def _text(files: LabelFiles) -> str | list[str]:
    if isinstance(files, list):
        return [str(file.absolute()) for file in files]
    return str(files.absolute())


def _hash(scans: Mapping[str, Scan]) -> str:
    digests = sorted(entry.digest for entry in scans.values())
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _show(cohort: Cohort, split: Split) -> None:
    rows = {
        "wrote": cohort.path,
        "images": f"{cohort.spatial_dims}-D, {cohort.channels} channel(s)",
        "structures": ", ".join(name for name in cohort.labels if name != "background"),
        "labeled": len(split.labeled) or "none: for pre-training only",
        "unlabeled": len(split.unlabeled) or "none: for supervised training only",
        "validation": len(split.validation) or "none: the last checkpoint is kept",
        "test": len(split.test) or "none: no scores at the end",
        "voxel size": f"{list(cohort.spacing)} mm"
        if cohort.spacing
        else "none in the files: images are resized",
        "network size": list(cohort.spatial_size),
        "intensity": cohort.intensity,
    }
    if split.dropped:
        rows["left out"] = f"{len(split.dropped)} image(s) of validation or test patients"
    print("\n".join(f"{name:>13}  {value}" for name, value in rows.items()))
