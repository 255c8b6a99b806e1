"""From files to arrays of a network's kind, with errors that name the file."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.transform import MapTransform

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.labels import IGNORED
from gemini_monai.images import has_voxel_size, is_picture, read, read_label, source_of
from gemini_monai.images.png_and_jpeg import COLORS
from gemini_monai.transforms.scale import refuse_not_finite

MASK = (0, 1, 255)
"""Values of a binary mask."""


class LoadScand(MapTransform):
    """MONAI's image loading, refusing in one line what a network could not use.

    ``image`` is read as it is; one in memory (``image_in_memory``) is taken as it is. Any other key
    is a label: one file becomes the place of each value among ``label_values``, exactly; several
    files are binary masks, of zeros and of ones or 255s, and become zeros and ones. The value
    ``ignore`` becomes ``IGNORED`` in both.

    Args:
        keys: Keys whose values are a file, or a list of files that are channels of one image, or
            of ``image`` a MetaTensor.
        spatial_dims: Axes that every image must have.
        in_channels: Channels that ``image`` must have.
        in_millimeters: ``image`` must say a voxel size, which a PNG does not.
        label_values: Values that a label may have, ascending; ``None`` to keep them as they are.
        ignore: Value of voxels that do not count; ``None`` for none.
        allow_missing_keys: Pass over keys that an item does not have.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        spatial_dims: int,
        in_channels: int,
        in_millimeters: bool = False,
        label_values: Sequence[int] | None = None,
        ignore: int | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.spatial_dims = spatial_dims
        self.in_channels = in_channels
        self.in_millimeters = in_millimeters
        self.label_values = None if label_values is None else sorted(label_values)
        self.ignore = ignore

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with images (C, *S) for files.

        Raises:
            InputError: If a file is missing, unreadable, not finite, of other axes or channels or
                without the voxel size that it needs, a label has a value that was not declared, or
                is of another shape than its image.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            loaded = self._image(item[key]) if key == "image" else self._label(item[key])
            self._refuse_axes(loaded, file=_file(item[key]))
            if key != "image" and isinstance(image := item.get("image"), MetaTensor):
                _refuse_shape(loaded, image, file=_file(item[key]))
            item[key] = loaded
        return item

    def _image(self, given: Any) -> MetaTensor:
        image = given if isinstance(given, MetaTensor) else read(given)
        file = _file(given)
        if self.in_millimeters and not has_voxel_size(image):
            raise InputError(
                f"{file}: says no voxel size, such as a PNG, but the configuration is for images "
                "in mm (spacing); store it as NIfTI with its voxel size"
                + "; of an array, give spacing"
                * (given is image)
            )
        if len(image) == 1 and is_picture(file) and self.in_channels == COLORS:
            image = image.repeat(COLORS, *[1] * (image.ndim - 1))  # gray among colored ones
        if len(image) != self.in_channels:
            raise InputError(
                f"{file}: {len(image)} channel(s), the configuration is for "
                f"{self.in_channels} (in_channels)"
            )
        refuse_not_finite(image)
        return image

    def _label(self, files: Any) -> MetaTensor:
        label = read_label(files, ignore=self.ignore)
        if isinstance(files, (list, tuple)):
            self._refuse_values(label, MASK, file=files[0])
            label_array = (label > 0).to(torch.float32)
        elif len(label) != 1:
            raise InputError(f"{files}: {len(label)} channels, expected a label map of one")
        elif self.label_values is None:
            label_array = label.to(torch.float32)
        else:
            self._refuse_values(label, self.label_values, file=files)
            places = np.searchsorted(self.label_values, label.numpy())
            label_array = MetaTensor(torch.as_tensor(places, dtype=torch.float32)).copy_meta_from(
                label
            )
        return (
            label_array
            if self.ignore is None
            else label_array.masked_fill(label == self.ignore, IGNORED)
        )

    def _refuse_values(self, label: MetaTensor, known: Sequence[int], *, file: Any) -> None:
        unknown = np.setdiff1d(label.numpy(), known)
        unknown = unknown if self.ignore is None else unknown[unknown != self.ignore]
        if len(unknown):
            raise InputError(
                f"{file}: label value {unknown[0]} was not there when the data were prepared, "
                f"which found {_some(known)}; prepare again"
            )

    def _refuse_axes(self, image: MetaTensor, *, file: Any) -> None:
        shape = tuple(image.shape[1:])
        if len(shape) != self.spatial_dims:
            on_edge = sum(size > 1 for size in shape) == self.spatial_dims < len(shape)
            raise InputError(
                f"{file}: a {len(shape)}-D image of shape {shape}, the configuration is for "
                f"{self.spatial_dims}-D (spatial_dims)"
                + "; a slice is stored with its axis of one voxel last"
                * on_edge
            )


def _refuse_shape(label: MetaTensor, image: MetaTensor, *, file: Any) -> None:
    if label.shape[1:] != image.shape[1:]:
        raise InputError(
            f"{file}: label of shape {tuple(label.shape[1:])}, its image has "
            f"{tuple(image.shape[1:])}"
        )


def _file(given: Any) -> Any:
    """What messages name: a file, the first of several, or where an image in memory is from."""
    if isinstance(given, MetaTensor):
        return source_of(given)
    return given[0] if isinstance(given, (list, tuple)) else given


def _some(values: Sequence[int], *, most: int = 10) -> str:
    shown = ", ".join(str(value) for value in values[:most])
    return f"{shown}, ..." if len(values) > most else shown
