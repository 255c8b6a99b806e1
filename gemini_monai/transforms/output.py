"""What leaves a network: refused where it is not finite, written under its case's name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.io.dictionary import SaveImaged
from monai.transforms.transform import MapTransform

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing
from gemini_monai.images import (
    file_shape,
    is_picture,
    refuse_other_than_dicom,
    smallest_type,
    source_of,
    write_image,
    write_segmentation,
    write_segments,
)
from gemini_monai.images.dicom_report import report_file
from gemini_monai.images.names import DICOM, SEGMENTATION
from gemini_monai.images.write import refuse_suffix
from gemini_monai.transforms.structure_volumes import TABLE, CaseTable, milliliters


class FiniteOutputd(MapTransform):
    """Stop at an output that is not finite, which the largest of its classes would hide."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item as it is.

        Raises:
            InputError: Naming the case.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            if not bool(torch.isfinite(item[key]).all()):
                raise InputError(
                    f"case '{item.get('case')}': the network's output is not finite; the image, or "
                    "mixed precision (amp), is beyond what it was trained for"
                )
        return item


class SaveCased(SaveImaged):
    """Write label maps or masks (C, *S) as ``folder/<case><suffix>``, whole or not at all.

    On the grid of the image, in the smallest type that holds the label values; a volume of one
    slice stays one. ``.seg.nrrd`` is a segmentation of 3D Slicer. Of DICOM images, ``.dcm`` is one
    DICOM-SEG file a case, a segment a structure. It is MONAI's ``SaveImaged`` by kind, so that what
    leaves those out of a chain, as MONAI Label does, leaves it out too.

    Args:
        keys: Keys of the items to write: each a MetaTensor (C, *S) on the image's own grid, of
            class indices, or of zeros and ones.
        folder: Where the files go.
        suffix: ``.nii.gz``, ``.nii``, ``.nrrd``, ``.mha``, ``.png``, ``.seg.nrrd`` or
            ``.dcm``.
        label_values: Value of each class, ascending; ``None`` for masks, which stay as they are.
        structures: Names of the classes without background, or of the masks, for DICOM-SEG and
            3D Slicer.
        method: What made them, for DICOM-SEG.
        volumes: Whether a report of volumes is written beside each DICOM-SEG of a volume.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        folder: str | Path,
        suffix: str = ".nii.gz",
        label_values: Sequence[int] | None = None,
        structures: Sequence[str] = (),
        method: str = "",
        volumes: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys)  # MONAI's own writer is not used
        self.folder = Path(folder)
        self.suffix = suffix
        self.is_map = label_values is not None
        self.structures = structures
        self.method = method
        self.volumes = volumes
        values = sorted(label_values or (0, 1))
        self.values = np.array(values, smallest_type([0, *values]))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item as it is, after its file is written.

        Raises:
            InputError: If it cannot be written.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            path = self.folder / f"{item['case']}{self.suffix}"
            others = {DICOM: self._write_dicom, SEGMENTATION: self._write_segments}
            write = others.get(self.suffix, self._write_map)
            write(path, item[key], item.get("image"))
        return item

    def _write_map(self, path: Path, label: MetaTensor, image: Any) -> None:
        write_image(
            path,
            self.values[label.cpu().numpy().round().astype(int)],
            affine=label.affine.cpu(),
            shape=file_shape(image),
        )

    def _write_segments(self, path: Path, label: MetaTensor, image: Any) -> None:
        write_segments(
            path,
            self.values[label.cpu().numpy().round().astype(int)],
            affine=label.affine.cpu(),
            structures=self.structures,
            values=self.values[1:].tolist() if self.is_map else None,
        )

    def _write_dicom(self, path: Path, label: MetaTensor, image: Any) -> None:
        classes = label.cpu().numpy().round().astype(int)
        if self.is_map:
            numbers = np.arange(1, len(self.values))
            classes = classes == numbers.reshape(-1, *[1] * (classes.ndim - 1))
        reported = self.volumes and label.ndim == 4  # of a radiograph there is none
        write_segmentation(
            path,
            classes,
            source=Path(source_of(image)),
            affine=label.affine.cpu(),
            structures=self.structures,
            method=self.method,
            volumes=milliliters(classes, label.affine.cpu()) if reported else None,
        )


def probabilities_file(folder: str | Path, case: str, suffix: str) -> Path:
    """The file of a case's probabilities."""
    return Path(folder) / f"{case}_probabilities{suffix}"


def refuse_outputs(
    data: Iterable[Mapping[str, Any]],
    folder: str | Path,
    *,
    suffix: str = ".nii.gz",
    overwrite: bool = False,
    probabilities: bool = False,
    volumes: bool = False,
) -> None:
    """Before the first prediction: no file that is written may replace another.

    Args:
        data: Items with ``case`` and the file of ``image``.
        folder: Where the files go.
        suffix: Ending of the files' names, such as ``.nii.gz``; it says the format.
        overwrite: They may replace files that are there; an image that is read, never.
        probabilities: Whether a file of probabilities is written beside each.
        volumes: Whether a report of volumes is written beside each DICOM-SEG.

    Raises:
        InputError: Naming the first file that is in the way, or that two cases would share, or if
            the suffix cannot be written, or not of these images; or if ``volumes.csv`` is there and
            is another table.
    """
    refuse_suffix(suffix)
    items = list(data)
    if suffix == DICOM:
        refuse_other_than_dicom(Path(str(item["image"])) for item in items)
    for item in items if suffix == SEGMENTATION else ():
        if is_picture(item["image"]):
            raise InputError(
                f"{item['image']}: a picture has no voxel size, which a segmentation of 3D Slicer "
                "needs; give --output_ext .nii.gz"
            )
    cases = [str(item["case"]) for item in items]
    outputs = [Path(folder) / f"{case}{suffix}" for case in cases]
    if probabilities:
        outputs += [probabilities_file(folder, case, suffix) for case in cases]
    if volumes and suffix == DICOM:
        outputs += [report_file(path) for path in outputs]
    _refuse_shared(outputs)
    inputs = [Path(str(item["image"])) for item in items]
    refuse_existing(outputs, overwrite=overwrite, inputs=inputs)
    CaseTable(Path(folder) / TABLE).read()


def _refuse_shared(outputs: Sequence[Path]) -> None:
    for path, count in Counter(outputs).items():
        if count > 1:
            raise InputError(f"{path}: two cases would be written there; rename an image")
