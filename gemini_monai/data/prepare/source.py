"""From images and labels found anywhere to a checked ``dataset.json``."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.dataset_file import refuse_foreign_dataset, write_cohort
from gemini_monai.data.entries import HAS_LABEL, has_label
from gemini_monai.data.prepare.align import aligned, refuse_unalignable
from gemini_monai.data.prepare.kept_files import forget
from gemini_monai.data.prepare.label_files import LabelFiles
from gemini_monai.data.prepare.propose import propose, refuse_too_large_view
from gemini_monai.data.prepare.scan import ImageFacts, refuse_spacing, refuse_unlike, scan
from gemini_monai.data.prepare.segmentations import named_segments
from gemini_monai.data.prepare.source_files import Source as Source
from gemini_monai.data.prepare.split import Split, Wanted, split_cases
from gemini_monai.data.prepare.structures import keep_structures
from gemini_monai.data.prepare.used_labels import used_labels
from gemini_monai.images.names import refuse_name
from gemini_monai.images.read import is_colored


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
    _refuse_other_channels(source, scans)
    source = _with_segments(source, split, scans, destination / "segments")
    asked = {**source.view, **wanted.view()}
    color = _is_color(list(scans.values()))
    view = propose(list(scans.values()), color=color, spacing=asked.get("spacing")) | asked
    refuse_spacing(list(scans.values()), view["spacing"])
    sizes = {key: view[key] for key in ("spacing", "spatial_size")}
    refuse_too_large_view(list(scans.values()), **sizes, aligned=wanted.align is not None)
    cohort = Cohort(
        path=path,
        name=source.name,
        source=source.kind,
        spatial_dims=len(next(iter(scans.values())).shape),
        channels=max(entry.channels for entry in scans.values()),
        labels={"background": 0},
        color=color,
        overlapping=bool(source.structures),
        ignore=source.ignore,
        license=source.license,
        seed=wanted.seed,
        labeled_draw=wanted.labeled_draw,
        hash=_hash(scans),
        spacing=view["spacing"] and tuple(view["spacing"]),
        spatial_size=tuple(view["spatial_size"]),
        intensity=view["intensity"],
    )
    labels = used_labels(source, split, scans, cohort)
    entries = _entries(split, scans, labels.files, source.patients)
    _note_unused(entries["unlabeled"], source.labels)
    cohort = replace(cohort, labels=labels.values, **entries)
    quiet = wanted.align is not None  # then they are counted on the grids of the alignment
    cohort = keep_structures(cohort, scans, asked=asked, counts=labels.counts, quiet=quiet)
    if wanted.align is not None:
        cohort = aligned(cohort, scans, wanted=wanted)
        keep_structures(cohort, scans, asked=["spacing", "spatial_size"])
    forget()
    path = write_cohort(cohort, overwrite=wanted.overwrite)
    _show(cohort, split, labels.ignored)
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


def _refuse_other_channels(source: Source, scans: Mapping[str, ImageFacts]) -> None:
    """What the data set says of its channels is true."""
    names, channels = source.channel_names, max(entry.channels for entry in scans.values())
    if names and len(names) != channels:
        raise InputError(
            f"{next(iter(scans.values())).path}: {channels} channel(s), but dataset.json of "
            f"{source.name} names {len(names)}: {', '.join(names)}"
        )


def _split(source: Source, wanted: Wanted) -> Split:
    if source.split is None:
        return split_cases(
            source.images, with_label=source.labels, wanted=wanted, patients=source.patients
        )
    if wanted.divides():
        raise InputError(
            f"{source.name}: its folders are the split, so --labeled, --labeled_from, "
            "--validation, --test, --seed and --labeled-draw do not apply"
        )
    return source.split


def _scanned(source: Source, split: Split) -> dict[str, ImageFacts]:
    """Every image that is used, converted where training could not read it, read once."""
    scans: dict[str, ImageFacts] = {}
    used = [case for case in sorted(source.images) if case not in split.dropped]
    for case in tqdm(used, desc="read", leave=False):
        path = source.images[case]
        if source.convert_image is not None:
            path = source.convert_image(case, path)
        scans[case] = scan(case, path)
    refuse_unlike(list(scans.values()))
    return scans


def _with_segments(
    source: Source, split: Split, scans: Mapping[str, ImageFacts], folder: Path
) -> Source:
    """The source with the names of 3D Slicer's segments, where its labels are such."""
    used = [*split.labeled, *split.validation, *split.test]
    labels = {case: source.labels[case] for case in used}
    named = named_segments(labels, scans, declared=source.declared, folder=folder)
    return source if named is None else replace(source, **named._asdict())


def _is_color(scans: Sequence[ImageFacts]) -> bool:
    """Whether channels are parts of one color; where there is one alone, it makes no difference."""
    channels = max(entry.channels for entry in scans)
    return channels == 1 or all(is_colored(entry.path, channels) for entry in scans)


def _entries(
    split: Split,
    scans: Mapping[str, ImageFacts],
    labels: Mapping[str, LabelFiles],
    patients: Mapping[str, str] | None,
) -> dict[str, Any]:
    def entry(case: str) -> dict[str, Any]:
        fields = {"case": case, "image": str(scans[case].path.absolute())}
        return fields | ({"patient": patients[case]} if patients else {})

    entries: dict[str, Any] = {"unlabeled": [entry(case) for case in split.unlabeled]}
    for part in ("labeled", "validation", "test"):
        cases = getattr(split, part)
        entries[part] = [{**entry(case), "label": _text(labels[case])} for case in cases]
    return entries


def _note_unused(unlabeled: Iterable[dict[str, Any]], with_label: Collection[str]) -> None:
    """Which unlabeled images have a label file, but not where: nobody is to open it."""
    for entry in unlabeled:
        if entry["case"] in with_label:
            entry[HAS_LABEL] = True


def _text(files: LabelFiles) -> str | list[str]:
    if isinstance(files, list):
        return [str(file.absolute()) for file in files]
    return str(files.absolute())


def _hash(scans: Mapping[str, ImageFacts]) -> str:
    digests = sorted(entry.digest for entry in scans.values())
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _show(cohort: Cohort, split: Split, ignored: Mapping[str, bool]) -> None:
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
    if not cohort.color:
        rows["channels"] = 'each scaled by itself; of one color: "color": true in the file'
    if cohort.ignore is not None:
        rows["ignored"] = f"voxels of value {cohort.ignore}, in {len(ignored)} label(s)"
    if whole := [case for case, is_whole in ignored.items() if is_whole]:
        rows["nothing drawn"] = f"in {', '.join(whole)}: every voxel is ignored"
    if unused := sum(has_label(entry) for entry in cohort.unlabeled):
        rows["not used"] = f"label files of {unused} unlabeled image(s), which are not opened"
    if split.dropped:
        rows["left out"] = f"{len(split.dropped)} image(s) of validation or test patients"
    print("\n".join(f"{name:>13}  {value}" for name, value in rows.items()))
