"""MetaImage files (MHA, MHD): ITK's reading, and what ITK passes over is checked."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.images.itk_image import itk_header, itk_image
from gemini_monai.images.stored import Stored, refuse_other_length
from gemini_monai.images.text_headers import MILLIMETERS, TextHeader, meta_header

BLOCK = 1 << 16  # bytes
ANY_ZIP = 47  # of zlib or gzip, with the longest window
PLACES = {
    **dict.fromkeys(("Offset", "Position", "Origin", "ElementSpacing", "ElementSize"), 1),
    **dict.fromkeys(("TransformMatrix", "Rotation", "Orientation"), 2),
}
"""Fields that say where voxels lie, and the power of the number of axes that is that of their
numbers; ITK puts others in the place of what it does not understand, also of fields beside it."""
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
NEUTRAL = {"ElementToIntensityFunctionSlope": 1.0, "ElementToIntensityFunctionOffset": 0.0}


def read_meta(path: Path) -> Stored:
    """Values (C, *S) and affine in mm of an MHA file, or of an MHD header and its data.

    Raises:
        InputError: If its data are missing, damaged or not of the header's size, the header says a
            unit that is not known or how values are to be changed, or as ``itk_image``.
    """
    header = meta_header(path)
    fields = header.fields
    for name, neutral in NEUTRAL.items():
        if float(fields.get(name, neutral)) != neutral:
            raise InputError(
                f"{path}: {name} is {fields[name]}, which is not applied; store values as meant"
            )
    _refuse_unplaced(fields, path)
    data = _data(fields, path)
    reader = itk_header(path)
    if data is not None:
        needed = reader.GetComponentSize() * reader.GetNumberOfComponents()
        needed *= math.prod(int(size) for size in fields["DimSize"].split())
        _refuse_other_data(data, header, needed=needed, path=path)
    stored = itk_image(path, reader)
    stored.affine[:-1] *= _millimeters(fields, path)
    placed = any(field in fields for field in ("ElementSpacing", "ElementSize"))
    return stored._replace(has_voxel_size=placed)


def _refuse_unplaced(fields: Mapping[str, str], path: Path) -> None:
    axes = len(fields.get("DimSize", "").split())
    for name, power in PLACES.items():
        numbers = fields.get(name, "").split()
        if not all(map(NUMBER.fullmatch, numbers)):
            raise InputError(f"{path}: {name} is {fields[name]}, expected finite numbers")
        if numbers and len(numbers) != axes**power:
            raise InputError(
                f"{path}: {name} is {fields[name]}, expected {axes**power} numbers for {axes} axes"
            )


def _data(fields: Mapping[str, str], path: Path) -> Path | None:
    """The one file of binary data; ``None`` where there are several, or text."""
    name = fields.get("ElementDataFile", "")
    if name.upper() == "LOCAL":
        data = path
    elif not name or name.upper().startswith("LIST") or "%" in name:
        return None
    else:
        data = path.parent / name
        if not data.is_file():
            raise InputError(f"{path}: its data, {data}, are missing")
    return data if fields.get("BinaryData", "True").lower() == "true" else None


def _refuse_other_data(data: Path, header: TextHeader, *, needed: int, path: Path) -> None:
    start = header.length if data == path else 0
    if header.fields.get("CompressedData", "False").lower() == "true":
        refuse_other_length(path, held=_unzipped(data, start=start, path=path), needed=needed)
    elif int(header.fields.get("HeaderSize", "0")) == 0:
        refuse_other_length(path, held=data.stat().st_size - start, needed=needed)


def _unzipped(data: Path, *, start: int, path: Path) -> int:
    """Bytes that compressed data hold; ITK goes on with what it has where they are damaged."""
    decoder = zlib.decompressobj(wbits=ANY_ZIP)
    try:
        held = sum(len(decoder.decompress(block)) for block in _blocks(data, start=start))
    except zlib.error as error:
        raise InputError(f"{path}: its compressed data are damaged: {error}") from error
    if not decoder.eof:
        raise InputError(f"{path}: its compressed data are cut short")
    return held


def _blocks(data: Path, *, start: int) -> Iterator[bytes]:
    with data.open("rb") as file:
        file.seek(start)
        while block := file.read(BLOCK):
            yield block


def _millimeters(fields: Mapping[str, str], path: Path) -> float:
    unit = fields.get("DistanceUnits", "mm").lower()
    if unit not in MILLIMETERS:
        raise InputError(f"{path}: DistanceUnits is {unit}, expected mm, cm or um")
    return MILLIMETERS[unit]
