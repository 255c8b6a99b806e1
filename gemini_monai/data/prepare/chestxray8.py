"""ChestX-ray8 (NIH): unlabelled frontal X-rays, grouped by view and sex as the paper pairs them."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gemini_monai.data.dataset import write_dataset
from gemini_monai.data.prepare.scan import SUFFIXES
from gemini_monai.errors import InputError

TABLE = "Data_Entry_2017.csv"
GROUPS = ("AP_F", "AP_M", "PA_F", "PA_M")
SIZE = (512, 512)  # what the paper pre-trains at


def prepare_chestxray8(source: str | Path, destination: str | Path) -> Path:
    """Write ``destination/dataset.json`` with a group and a patient for every image.

    The official download has ``Data_Entry_2017.csv`` and images in ``images_001/images`` and so
    on, or in ``images``; the authors' layout has a folder per group. Images are not opened.

    Args:
        source: Folder with either; never changed.
        destination: Where ``dataset.json`` goes.

    Raises:
        InputError: If it is neither, or the table and the images do not fit together.
    """
    source = Path(source)
    entries = list(_official(source) if (source / TABLE).is_file() else _grouped(source))
    names = "\n".join(f"{entry['group']} {entry['case']}" for entry in entries)
    content = {
        "name": "chestxray8",
        "spatial_dims": 2,
        "channels": 1,
        "labels": {"background": 0},
        "overlapping": False,
        "spacing": None,
        "spatial_size": list(SIZE),
        "intensity": {"kind": "range", "lower": 0.0, "upper": 255.0},
        "seed": 0,
        "hash": hashlib.sha256(names.encode()).hexdigest(),
        "licence": "NIH Clinical Center ChestX-ray8; attribution is asked for",
        "unlabeled": entries,
        "labeled": [],
        "validation": [],
        "test": [],
    }
    path = write_dataset(Path(destination) / "dataset.json", content)
    print(f"wrote {path}: {len(entries)} images")
    for group in GROUPS:
        own = [entry for entry in entries if entry["group"] == group]
        patients = len({entry["patient"] for entry in own})
        print(f"{group:>6}  {len(own):>6} images of {patients} patients")
    return path


def _entry(image: Path, *, group: str, patient: str) -> dict[str, Any]:
    file = str(image.absolute())
    return {"case": image.stem, "image": file, "group": group, "patient": patient}


def _grouped(source: Path) -> Iterator[dict[str, Any]]:
    folders = [source / group for group in GROUPS if (source / group).is_dir()]
    if not folders:
        raise InputError(
            f"{source}: neither {TABLE} nor a folder of {', '.join(GROUPS)}; not ChestX-ray8"
        )
    for folder in folders:
        images = [path for path in sorted(folder.iterdir()) if path.name.endswith(SUFFIXES)]
        for image in images:  # 00000013_002.png is the third image of patient 13
            yield _entry(image, group=folder.name, patient=image.stem.split("_")[0])


def _official(source: Path) -> Iterator[dict[str, Any]]:
    files = {path.name: path for path in sorted(source.glob("images*/**/*.png"))}
    table = source / TABLE
    for number, row in enumerate(_rows(table), start=2):
        name, view, sex = row["Image Index"], row["View Position"], row["Patient Gender"]
        if f"{view}_{sex}" not in GROUPS:
            raise InputError(f"{table}: line {number}: unknown view '{view}' or sex '{sex}'")
        if name not in files:
            raise InputError(f"{table}: line {number}: image '{name}' is not in {source}/images*")
        yield _entry(files[name], group=f"{view}_{sex}", patient=row["Patient ID"])


def _rows(table: Path) -> Iterator[dict[str, str]]:
    """Rows by column; the commas inside the bracketed headers of the last columns are ignored."""
    with table.open(newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        needed = ("Image Index", "Patient ID", "Patient Gender", "View Position")
        missing = [name for name in needed if name not in header]
        if missing:
            raise InputError(f"{table}: column '{missing[0]}' is missing, found {header}")
        for row in reader:
            if row:
                yield dict(zip(header, row, strict=False))
