"""DICOM slices of our own, for tests."""

from __future__ import annotations

import itk
import numpy as np


def write_slices(
    folder, volume, positions, *, uid="1.2.3", direction=None, spacing=(1.0, 1.0, 2.0), name=""
):
    """``volume`` (Z, Y, X) int16, each slice with its position in LPS+ mm."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, place in enumerate(positions):
        image = itk.image_from_array(np.ascontiguousarray(volume[k : k + 1]))
        image.SetSpacing(spacing)
        image.SetOrigin([float(value) for value in place])
        if direction is not None:
            image.SetDirection(itk.matrix_from_array(np.asarray(direction, float)))
        writer = itk.GDCMImageIO.New()
        notes = image.GetMetaDataDictionary()
        notes["0008|0060"], notes["0020|0013"], notes["0020|000e"] = "CT", str(k + 1), uid
        notes["0008|103e"] = f"series {uid}"
        notes["0020|000d"], notes["0020|0052"] = f"{uid}.1", f"{uid}.2"  # study, frame of reference
        writer.KeepOriginalUIDOn()
        itk.imwrite(image, str(folder / f"{name}{(7 * k) % 997:03d}.dcm"), imageio=writer)
    return folder


def volume(shape=(8, 6, 5)):
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape)


def along_z(count, *, step=2.0):
    return [(0, 0, step * k) for k in range(count)]
