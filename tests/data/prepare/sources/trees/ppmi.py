"""PPMI as the archive delivers it, in files and in DICOM series, and the authors' flat folder."""

from __future__ import annotations

import itk
import numpy as np

from tests.data.prepare.made import save

SAGITTAL = np.array([[0, 0, 1.2, -60], [-1, 0, 0, 90], [0, -1, 0, 90], [0, 0, 0, 1.0]])
STAMP = "2014012916141918"


def extracted(seed, shape=(14, 16, 12)):
    """A volume whose brain fills the middle and which is zero around it."""
    volume = np.zeros(shape, np.int16)
    inside = tuple(slice(n // 4, n - n // 4) for n in shape)
    random = np.random.default_rng(seed)
    volume[inside] = random.integers(1, 3000, volume[inside].shape)
    return volume


def name(patient, k, *, description="T1-anatomical_Br"):
    return f"PPMI_{patient}_MR_{description}_{STAMP}{k % 10}_S{171000 + k}_I{411000 + k}"


def files(root, *, patients=(3101, 3102, 3102, 50319), flat=True, suffix=".nii"):
    """A NIfTI file each; in the archive's folders unless ``flat``."""
    for k, patient in enumerate(patients):
        place = root if flat else root / f"PPMI/{patient}/T1-anatomical/2012-06-29/S{171000 + k}"
        save(place / f"{name(patient, k)}{suffix}", extracted(k), affine=SAGITTAL)
    return root


def series(root, *, patients=(3000, 3001, 3001), description="MPRAGE_GRAPPA", named=True):
    """``PPMI/<subject>/<description>/<date>/<id>/*.dcm``."""
    for k, patient in enumerate(patients):
        folder = root / f"PPMI/{patient}/{description}/2011-02-{k + 1:02d}_10_25_03.0/S{99863 + k}"
        stem = name(patient, k, description=f"{description}__br_raw") if named else "slice"
        _write(folder, extracted(100 + k, (6, 8, 7)), stem=stem)
    return root


def _write(folder, volume, *, stem):
    folder.mkdir(parents=True)
    for k, plane in enumerate(volume):
        image = itk.image_from_array(plane[None])
        image.SetSpacing((1.0, 1.0, 1.5))
        image.SetOrigin((0.0, 0.0, 1.5 * k))
        tags = image.GetMetaDataDictionary()
        tags["0008|0060"] = "MR"
        tags["0020|0013"] = str(k + 1)
        tags["0020|000e"] = "1.2.3.4"
        io = itk.GDCMImageIO.New()
        io.KeepOriginalUIDOn()
        itk.imwrite(image, str(folder / f"{stem}_{k}.dcm"), imageio=io)
