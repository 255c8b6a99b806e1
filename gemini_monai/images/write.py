"""The one writer of images, label maps and fields: whole files, in types that hold their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from einops import rearrange
from monai.data.utils import to_affine_nd
from PIL import Image

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import writing
from gemini_monai.geometry.world.axes import LPS, is_sheared
from gemini_monai.images.itk_image import itk_library
from gemini_monai.images.names import DICOM, SEGMENTATION

TYPES = (np.uint8, np.uint16, np.uint32, np.int64)
"""Types of voxels that label maps are written in: the smallest that holds all values is taken."""
MAKER = b"gemini_monai"
"""In the header of every NIfTI file written here."""
WRITTEN = (".nii.gz", ".nii", ".nrrd", ".mha", ".png")


def smallest_type(values: Iterable[int]) -> np.dtype[Any]:
    """The smallest integer type that holds label values.

    Raises:
        InputError: If none does.
    """
    values = [int(value) for value in values]
    for kind in TYPES:
        limits = np.iinfo(kind)
        if limits.min <= min(values) and max(values) <= limits.max:
            return np.dtype(kind)
    raise InputError(f"label values from {min(values)} to {max(values)}: no file type holds them")


def refuse_foreign(path: Path) -> None:
    """Stop before a NIfTI file is replaced that this module did not write.

    Raises:
        InputError: If there is another file, or one that is not NIfTI.
    """
    if not path.exists():
        return
    try:
        maker = bytes(nib.Nifti1Image.from_filename(path).header["descrip"].item())
    except Exception:
        maker = b""
    if maker != MAKER:
        raise InputError(f"{path}: is there already, and of another maker; give another DST")


def refuse_suffix(suffix: str) -> None:
    """Stop at a format that cannot be written.

    Raises:
        InputError: If it is none of ``WRITTEN``, nor ``.seg.nrrd``, which is 3D Slicer's, nor
            ``.dcm``, which is DICOM-SEG; or what writes it is not installed.
    """
    writable = (*WRITTEN, SEGMENTATION, DICOM)
    if suffix not in writable:
        raise InputError(f"output_ext must be one of {' '.join(writable)}, got '{suffix}'")
    if _WRITERS.get(suffix) is _by_itk:
        itk_library(f"output_ext {suffix}")


def write_image(
    path: Path, values: Any, *, affine: Any, shape: Sequence[int] | None = None
) -> Path:
    """Write an image or a label map (C, *S), whole or not at all, by the suffix of ``path``.

    One channel is written alone; several are the last axis, (X, Y, Z, C), as MONAI reads them.

    Args:
        path: Ends in one of ``WRITTEN``.
        values: Array or tensor; its type is kept.
        affine: Voxel to RAS+ mm; kept as it is, a shear too.
        shape: Spatial shape of the file that the image came from; (X, Y, 1), a volume of one slice,
            is written as such again. ``None`` for the shape of ``values``.

    Raises:
        InputError: If it cannot be written, or the format cannot hold it.
    """
    array = np.asarray(values)
    several = len(array) > 1
    suffix = next((end for end in WRITTEN if path.name.lower().endswith(end)), path.suffix)
    refuse_suffix(suffix)
    flat = shape is not None and tuple(shape) == (*array.shape[1:], 1)
    if flat or (several and array.ndim == 3 and _WRITERS[suffix] is _nifti):
        array = array[..., None]
    values = rearrange(array, "c ... -> ... c") if several else array[0]
    grid = to_affine_nd(3, np.asarray(affine, dtype=float))
    writing(path, _WRITERS[suffix](values, grid, several))
    return path


def write_field(path: Path, displacement: Any, *, affine: Any) -> Path:
    """Write a displacement field (N, *S), RAS+ mm, as the vector image that ITK and ANTs take.

    Components are LPS+; NIfTI.

    Raises:
        InputError: If it cannot be written.
    """
    field = np.asarray(displacement, dtype=np.float64)
    axes = len(field)
    lps = LPS[:axes, :axes] @ rearrange(field, "n ... -> n (...)")
    components = rearrange(lps.reshape(field.shape), "n ... -> ... n").astype(np.float32)
    missing = [1] * (4 - axes)  # components are the fifth axis of NIfTI
    vectors = components.reshape(*components.shape[:-1], *missing, axes)
    grid = to_affine_nd(3, np.asarray(affine, dtype=float))
    writing(path, _nifti(vectors, grid, True, intent="vector"))
    return path


def _nifti(
    array: np.ndarray, affine: np.ndarray, several: bool, *, intent: str = "none"
) -> Callable[[Path], None]:
    image = nib.Nifti1Image(array, affine, dtype=array.dtype)
    image.header.set_intent(intent)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = MAKER
    return lambda part: nib.save(image, part)


def _by_itk(array: np.ndarray, affine: np.ndarray, several: bool) -> Callable[[Path], None]:
    if is_sheared(affine) or array.dtype == np.int64:
        what = "a sheared grid" if is_sheared(affine) else "label values above 4294967295"
        raise InputError(f"{what} can only be written as NIfTI: give --output_ext .nii.gz")
    itk = itk_library("what is written here")
    axes = array.ndim - int(several)
    order = [*range(axes)[::-1], *([axes] if several else [])]  # ITK arrays run z, y, x
    image = itk.image_from_array(np.ascontiguousarray(array.transpose(order)), is_vector=several)
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:axes, :axes], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:axes, 3].tolist())
    image.SetDirection(itk.matrix_from_array(np.ascontiguousarray(lps[:axes, :axes] / spacing)))

    def write(part: Path) -> None:
        itk.imwrite(image, str(part), compression=True)
        if not np.array_equal(itk.array_from_image(itk.imread(str(part))), array.transpose(order)):
            raise RuntimeError("what was read back is not what was written; is the disk full?")

    return write


def _picture(array: np.ndarray, affine: np.ndarray, several: bool) -> Callable[[Path], None]:
    if array.ndim != 2 or array.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"PNG holds a 2-D map of values up to 65535, not {array.dtype} of {array.shape}: give "
            "--output_ext .nii.gz"
        )
    return lambda part: Image.fromarray(np.ascontiguousarray(array.T)).save(part, format="PNG")


_WRITERS = {
    ".nii.gz": _nifti,
    ".nii": _nifti,
    ".nrrd": _by_itk,
    ".mha": _by_itk,
    ".png": _picture,
}
