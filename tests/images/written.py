"""Files written byte by byte, for tests of what readers pass over."""

from __future__ import annotations

import struct
import zlib

import numpy as np

GRAY, RGB, TABLE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
"""PNG's kinds of color."""
NRRD_TYPES = {
    **{"int8": "int8", "uint8": "uint8", "int16": "int16", "uint16": "uint16", "int32": "int32"},
    **{"uint32": "uint32", "int64": "int64", "float32": "float", "float64": "double"},
}
META_TYPES = {
    **{"int8": "CHAR", "uint8": "UCHAR", "int16": "SHORT", "uint16": "USHORT", "int32": "INT"},
    **{"uint32": "UINT", "int64": "LONG_LONG", "float32": "FLOAT", "float64": "DOUBLE"},
}
PLACED = {"space directions": "(1,0,0) (0,2,0) (0,0,3)", "space origin": "(10,20,30)"}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def orientation(turn):
    """PNG's chunk of EXIF with an orientation alone."""
    return chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0%c\0\0\0\0\0\0" % turn)


def write_png(path, rows, *, color=GRAY, depth=8, before=b"", after=b"", level=6):
    """``rows`` (Y, X) or (Y, X, C); chunks ``before`` and ``after`` the pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = rows.shape[:2]
    if depth == 16:
        lines = [row.astype(">u2").tobytes() for row in rows]
    else:
        places = np.arange(depth - 1, -1, -1)
        bits = (rows.reshape(height, -1, 1).astype(int) >> places) & 1
        lines = [np.packbits(line.astype(np.uint8)).tobytes() for line in bits.reshape(height, -1)]
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + line for line in lines), level)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join([chunk(b"IHDR", header), before, chunk(b"IDAT", pixels), after])
        + chunk(b"IEND", b"")
    )
    return path


def write_nrrd(path, values, *, data=None, **fields):
    """``values`` (X, Y, Z), or (C, X, Y, Z) with ``kinds``; a field of ``None`` is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.asarray(values)
    said = {
        "type": NRRD_TYPES[values.dtype.name],
        "dimension": values.ndim,
        "space": "left-posterior-superior",
        "sizes": " ".join(map(str, values.shape)),
        "endian": "little",
        "encoding": "raw",
        **PLACED,
    }
    if values.ndim == 4:
        said |= {"kinds": "list domain domain domain"}
        said["space directions"] = f"none {PLACED['space directions']}"
    said |= {name.replace("_", " "): value for name, value in fields.items()}
    lines = [f"{name}: {value}" for name, value in said.items() if value is not None]
    data = values.tobytes(order="F") if data is None else data
    path.write_bytes("\n".join(["NRRD0005", *lines, "", ""]).encode() + data)
    return path


def write_segmentation(path, layers, segments, *, origin=(10, 20, 30), **fields):
    """3D Slicer's file: ``layers`` (X, Y, Z) or (L, X, Y, Z), and (name, value, layer) each."""
    write_nrrd(path, layers, space_origin=str(origin).replace(" ", ""), **fields)
    header, data = path.read_bytes().split(b"\n\n", 1)
    notes = ["Segmentation_MasterRepresentation:=Binary labelmap"]
    for k, (name, value, layer) in enumerate(segments):
        notes += [f"Segment{k}_ID:=Segment_{k}", f"Segment{k}_Name:={name}"]
        notes += [f"Segment{k}_LabelValue:={value}", f"Segment{k}_Layer:={layer}"]
    path.write_bytes(b"\n".join([header, *(note.encode() for note in notes), b"", data]))
    return path


def write_meta(path, values, *, data=None, last="ElementDataFile = LOCAL", **fields):
    """``values`` (X, Y, Z), or (C, X, Y, Z) where ``channels`` says so."""
    values = np.asarray(values)
    channels = fields.pop("channels", 1)
    size = values.shape[1:] if channels > 1 else values.shape
    said = {
        "ObjectType": "Image",
        "NDims": len(size),
        "BinaryData": True,
        "BinaryDataByteOrderMSB": False,
        "ElementSpacing": "1 2 3 1"[: 2 * len(size) - 1],
        "DimSize": " ".join(map(str, size)),
        "ElementNumberOfChannels": channels,
        "ElementType": f"MET_{META_TYPES[values.dtype.name]}",
    } | fields
    lines = [f"{name} = {value}" for name, value in said.items() if value is not None]
    data = values.tobytes(order="F") if data is None else data
    path.write_bytes("\n".join([*lines, last, ""]).encode() + data)
    return path
