"""What leaves a network: refused where it is not finite, written under its case's name."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.transform import MapTransform

from gemini_monai.errors import InputError
from gemini_monai.files import refuse_existing
from gemini_monai.images import smallest_type, write_image
from gemini_monai.images.write import refuse_suffix


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


class SaveCased(MapTransform):
    """Write label maps or masks (C, *S) as ``folder/<case><suffix>``, whole or not at all.

    On the grid of the image, in the smallest type that holds the label values; a volume of one
    slice stays one.

    Args:
        keys: Keys of the items to write: each a MetaTensor (C, *S) on the image's own grid, of
            class indices, or of zeros and ones.
        folder: Where the files go.
        suffix: ``.nii.gz``, ``.nii``, ``.nrrd``, ``.mha`` or ``.png``.
        label_values: Value of each class, ascending; ``None`` for masks, which stay as they are.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        folder: str | Path,
        suffix: str = ".nii.gz",
        label_values: Sequence[int] | None = None,
    ) -> None:
        super().__init__(keys)
        self.folder = Path(folder)
        self.suffix = suffix
        values = sorted(label_values or (0, 1))
        self.values = np.array(values, smallest_type([0, *values]))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item as it is, after its file is written.

        Raises:
            InputError: If it cannot be written.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            values: MetaTensor = item[key]
            write_image(
                self.folder / f"{item['case']}{self.suffix}",
                self.values[values.cpu().numpy().round().astype(int)],
                affine=values.affine.cpu(),
                shape=_file_shape(item.get("image")),
            )
        return item


def _file_shape(image: Any) -> Sequence[int] | None:
    """Spatial shape of the file that an image came from."""
    shape = image.meta.get("spatial_shape") if isinstance(image, MetaTensor) else None
    return None if shape is None else [int(size) for size in torch.as_tensor(shape).flatten()]


def refuse_outputs(
    data: Iterable[Mapping[str, Any]],
    folder: str | Path,
    *,
    suffix: str = ".nii.gz",
    overwrite: bool = False,
) -> None:
    """Before the first prediction: no file of a ``SaveCased`` may replace another.

    Args:
        data: Items with ``case`` and the file of ``image``.
        folder: Where the files go.
        suffix: Ending of the files' names, such as ``.nii.gz``; it says the format.
        overwrite: They may replace files that are there; an image that is read, never.

    Raises:
        InputError: Naming the first file that is in the way, or if the suffix cannot be written.
    """
    refuse_suffix(suffix)
    items = list(data)
    outputs = [Path(folder) / f"{item['case']}{suffix}" for item in items]
    inputs = [Path(str(item["image"])) for item in items]
    refuse_existing(outputs, overwrite=overwrite, inputs=inputs)
