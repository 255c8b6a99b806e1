"""ChestX-ray8 (NIH): unlabeled frontal X-rays, grouped by view and sex as the paper pairs them."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_text
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.copies import same_images
from gemini_monai.data.dataset_file import write_cohort
from gemini_monai.images.clutter import is_clutter
from gemini_monai.images.names import SUFFIXES

TABLES = ("Data_Entry_2017.csv", "Data_Entry_2017_v2020.csv")
COLUMNS = {
    "image": ("Image Index",),
    "patient": ("Patient ID",),
    "sex": ("Patient Gender", "Patient Sex"),
    "view": ("View Position",),
}
"""What a column is headed, in either table."""
ARCHIVES = tuple(f"images_{number:03d}" for number in range(1, 13))
GROUPS = ("AP_F", "AP_M", "PA_F", "PA_M")
SIZE = (512, 512)  # what the paper pre-trains at
TOTALS = {"AP": 44_810, "PA": 67_310, "M": 63_340, "F": 48_780}
"""Images by view and by sex that the paper counts."""


def prepare_chestxray8(
    source: str | Path, destination: str | Path, *, overwrite: bool = False
) -> Path:
    """Write ``destination/dataset.json`` with a group and a patient for every image.

    The official download has ``Data_Entry_2017.csv`` (or ``Data_Entry_2017_v2020.csv``) and images
    in ``images_001/images`` to ``images_012/images``, or in ``images``; the authors' layout has a
    folder per group. Images are hashed and not opened; of those that are one under several names
    the first is kept. Their numbers are compared with the paper's.

    Args:
        source: Folder with either; never changed.
        destination: Where ``dataset.json`` goes.
        overwrite: Replace an earlier ``dataset.json`` of another content.

    Raises:
        InputError: If it is neither, a row of the table has no image, or an image has no row.
    """
    source = Path(source)
    table = next((source / name for name in TABLES if (source / name).is_file()), None)
    entries = _once(list(_official(source, table) if table else _grouped(source)))
    names = "\n".join(f"{entry['group']} {entry['case']}" for entry in entries)
    cohort = Cohort(
        path=Path(destination) / "dataset.json",
        name="chestxray8",
        source="chestxray8",
        spatial_dims=2,
        channels=1,
        labels={"background": 0},
        overlapping=False,
        spacing=None,
        spatial_size=SIZE,
        intensity={"kind": "range", "lower": 0.0, "upper": 255.0},
        seed=0,
        hash=hashlib.sha256(names.encode()).hexdigest(),
        license="NIH Clinical Center ChestX-ray8; attribution is asked for",
        unlabeled=entries,
    )
    path = write_cohort(cohort, overwrite=overwrite)
    print(f"wrote {path}: {len(entries)} images")
    _show(entries)
    return path


def _once(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries without later copies of an image, of which a line tells."""
    files = {str(entry["case"]): [str(entry["image"])] for entry in entries}
    copies = {name: own[0] for own in same_images(files) for name in own[1:]}
    for copy, first in list(copies.items())[:1]:
        more = f", and {len(copies) - 1} more such" if len(copies) > 1 else ""
        print(f"left out {copy}, which is the same as {first}{more}")
    return [entry for entry in entries if entry["case"] not in copies]


def _show(entries: Sequence[Mapping[str, Any]]) -> None:
    """Images by group, and whether there are as many of each view and sex as in the paper."""
    groups = Counter(entry["group"] for entry in entries)
    for group in GROUPS:
        patients = len({entry["patient"] for entry in entries if entry["group"] == group})
        print(f"{group:>6}  {groups[group]:>6} images of {patients} patients")
    found = {k: sum(n for g, n in groups.items() if k in g.split("_")) for k in TOTALS}
    counts = ", ".join(f"{k} {found[k]:,} of {n:,}" for k, n in TOTALS.items())
    absent = _absent_archives(Path(entry["image"]) for entry in entries)
    whole = "complete" if found == TOTALS else "other numbers than the paper's"
    print(f"{whole}: {counts}{f'; not there: {absent}' if absent and found != TOTALS else ''}")


def _entry(image: Path, *, group: str, patient: str) -> dict[str, Any]:
    file = str(image.absolute())
    return {"case": image.stem, "image": file, "group": group, "patient": patient}


def _grouped(source: Path) -> Iterator[dict[str, Any]]:
    folders = [source / group for group in GROUPS if (source / group).is_dir()]
    if not folders:
        raise InputError(
            f"{source}: neither {TABLES[0]} nor a folder of {', '.join(GROUPS)}; not ChestX-ray8"
        )
    for folder in folders:
        paths = [path for path in sorted(folder.iterdir()) if not is_clutter(path)]
        images = [path for path in paths if path.name.endswith(SUFFIXES)]
        for image in images:  # 00000013_002.png is the third image of patient 13
            yield _entry(image, group=folder.name, patient=image.stem.split("_")[0])


def _official(source: Path, table: Path) -> Iterator[dict[str, Any]]:
    rows: dict[str, dict[str, str]] = {}
    files: dict[str, Path] = {}
    for row in _rows(table):
        if row["image"] in rows:
            raise InputError(f"{table}: two rows for image '{row['image']}'")
        rows[row["image"]] = row
    for path in sorted(source.glob("images*/**/*.png")):
        if is_clutter(path):
            continue
        if path.name in files:
            raise InputError(f"{path}: there twice, also as {files[path.name]}")
        files[path.name] = path
    _refuse_misfit(table, rows=rows, files=files)
    for name, row in rows.items():
        yield _entry(files[name], group=f"{row['view']}_{row['sex']}", patient=row["patient"])


def _refuse_misfit(table: Path, *, rows: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    """Stop at rows without a file and at files without a row."""
    absent = [name for name in rows if name not in files]
    if absent:
        raise InputError(
            f"{table}: {len(absent)} of {len(rows)} rows have no file in {table.parent}/images*, "
            f"the first is '{absent[0]}'; {_place_of(absent[0], files)}"
        )
    unknown = [path for name, path in files.items() if name not in rows]
    if unknown:
        raise InputError(f"{unknown[0]}: no row in {table}, as for {len(unknown)} file(s) in all")


def _place_of(name: str, files: Mapping[str, Path]) -> str:
    """Which of the twelve archives, unpacked into folders, an image should have come with."""
    absent = _absent_archives(files.values())
    if absent:
        return f"not unpacked: {absent}"
    before = [other for other in files if other < name]  # archives are in the order of names
    place = files[max(before)].parent if before else ARCHIVES[0]
    return f"unpacked in part: {place} or the next archive"


def _absent_archives(images: Iterable[Path]) -> str:
    """Those of the twelve that no image is from; empty if all are, or images lie otherwise."""
    present = {part for path in images for part in path.parts} & set(ARCHIVES)
    return ", ".join(archive for archive in ARCHIVES if present and archive not in present)


def _rows(table: Path) -> Iterator[dict[str, str]]:
    """Rows as ``COLUMNS``; commas inside the bracketed headers of the last columns don't matter."""
    reader = csv.reader(io.StringIO(read_text(table), newline=""))
    header = next(reader, [])
    places = {key: _place(table, header, names) for key, names in COLUMNS.items()}
    for number, cells in enumerate(reader, start=2):
        if cells:
            yield _row(cells, places, where=f"{table}: line {number}")


def _place(table: Path, header: Sequence[str], names: Sequence[str]) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    raise InputError(f"{table}: column '{names[0]}' is missing, found {list(header)}")


def _row(cells: Sequence[str], places: Mapping[str, int], *, where: str) -> dict[str, str]:
    if len(cells) <= max(places.values()):
        raise InputError(f"{where}: {len(cells)} cell(s), the table was cut off")
    row = {key: cells[place] for key, place in places.items()}
    if f"{row['view']}_{row['sex']}" not in GROUPS:
        raise InputError(f"{where}: unknown view '{row['view']}' or sex '{row['sex']}'")
    return row
