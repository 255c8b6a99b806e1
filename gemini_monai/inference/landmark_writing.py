"""Files of landmarks as 3D Slicer opens them, and our own tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import write_text
from gemini_monai.base.tables import write_table
from gemini_monai.geometry.world import LPS
from gemini_monai.inference.landmark_files import AXES, SYSTEM

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/"
    "Schema/markups-schema-v1.0.3.json#"
)
"""Of 3D Slicer's markups, which it looks for in a file."""
FCSV = """\
# Markups fiducial file version = 4.11
# CoordinateSystem = LPS
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
"""
FORBIDDEN = (",", '"', "\n", "\r")
"""In a name of ``.fcsv``, whose cells are not quoted the same by every version of 3D Slicer."""


def write_landmarks(
    path: Path, points: Mapping[str, Tensor], *, notes: Mapping[str, str] | None = None
) -> None:
    """Write positions in mm, RAS+, by name, so that ``read_landmarks`` gives them again.

    ``.mrk.json`` and ``.fcsv`` are point lists of 3D Slicer in LPS+, where a point of an image of
    two axes has 0 for its third; ``.csv`` is our own table.

    Args:
        path: Its suffix says the format.
        points: (N,) each.
        notes: What is said of a point beside its name, where the format has a place for it.

    Raises:
        InputError: If the suffix is another, a name cannot be written, or the file cannot.
    """
    writer = next((own for end, own in WRITERS.items() if path.name.endswith(end)), None)
    if writer is None:
        raise InputError(f"{path}: expected one of {' '.join(WRITERS)}")
    writer(path, points, notes or {})


def _markups(path: Path, points: Mapping[str, Tensor], notes: Mapping[str, str]) -> None:
    control = [
        {
            "id": str(number),
            "label": name,
            "description": notes.get(name, ""),
            "position": _lps(position),
            "selected": True,
            "locked": False,
            "visibility": True,
            "positionStatus": "defined",
        }
        for number, (name, position) in enumerate(points.items(), start=1)
    ]
    markup = {"type": "Fiducial", "coordinateSystem": "LPS", "coordinateUnits": "mm"}
    content = {"@schema": SCHEMA, "markups": [markup | {"controlPoints": control}]}
    write_text(path, json.dumps(content, indent=1))


def _fcsv(path: Path, points: Mapping[str, Tensor], notes: Mapping[str, str]) -> None:
    lines = []
    for number, (name, position) in enumerate(points.items(), start=1):
        if any(character in name for character in FORBIDDEN):
            raise InputError(f"{path}: {name!r} is no name for .fcsv; give --output_ext .mrk.json")
        place = ",".join(map(repr, _lps(position)))
        lines.append(f"{number},{place},0,0,0,1,1,1,0,{name},{notes.get(name, '')},\n")
    write_text(path, FCSV + "".join(lines))


def _table(path: Path, points: Mapping[str, Tensor], notes: Mapping[str, str]) -> None:
    rows = [
        {"name": name, SYSTEM: "RAS", **dict(zip(AXES, position.tolist(), strict=False))}
        for name, position in points.items()
    ]
    write_table(path, rows)


def _lps(position: Tensor) -> list[float]:
    place = torch.zeros(3, dtype=torch.float64)
    place[: len(position)] = position.double()
    turned: list[float] = (torch.as_tensor(LPS[:3, :3]) @ place + 0.0).tolist()  # no -0.0
    return turned


WRITERS: dict[str, Callable[[Path, Mapping[str, Tensor], Mapping[str, str]], None]] = {
    ".mrk.json": _markups,
    ".fcsv": _fcsv,
    ".csv": _table,
}
