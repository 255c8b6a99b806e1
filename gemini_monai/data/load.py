"""Reading images, with errors that name the file."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.io.array import LoadImage
from monai.transforms.transform import MapTransform

from gemini_monai.errors import InputError

PICTURES = (".png", ".jpg", ".jpeg")
COLOURS = 3


def read(path: str | Path | Sequence[str | Path]) -> MetaTensor:
    """An image (C, *S) as MONAI reads it; several files are channels of one image.

    A PNG or JPEG that says the same grey in every colour has one channel, and none for opacity
    where all is opaque: some hundred images of ChestX-ray8 are stored so.

    Raises:
        InputError: If a file is missing or cannot be read.
    """
    files = [path] if isinstance(path, (str, Path)) else list(path)
    for file in files:
        if not Path(file).exists():
            raise InputError(f"{file}: no such file")
    try:
        source = files[0] if len(files) == 1 else files
        image = LoadImage(image_only=True, ensure_channel_first=True)(source)
        return _without_copies(image) if is_picture(path) else image
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{files[0]}: cannot be read as an image: {reason}") from error


def is_picture(file: Any) -> bool:
    """Whether a file is a PNG or JPEG."""
    return isinstance(file, (str, Path)) and str(file).lower().endswith(PICTURES)


def _without_copies(image: MetaTensor) -> MetaTensor:
    """A picture (C, X, Y) of grey or colours, with or without opacity, in as few channels."""
    if len(image) in (2, 4) and bool((image[-1] == 255).all()):
        image = image[:-1]
    is_grey = len(image) == COLOURS and bool((image == image[:1]).all())
    return image[:1] if is_grey else image


class LoadScand(MapTransform):
    """MONAI's image loading, refusing in one line what a network could not use.

    Several files are binary masks, of zeros and of ones or 255s, and become zeros and ones.

    Args:
        keys: Of files, or of lists of files that are channels of one image.
        spatial_dims: Axes that every image must have.
        in_channels: Channels that ``image`` must have; other keys may have any.
        allow_missing_keys: Pass over keys that an item does not have.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        spatial_dims: int,
        in_channels: int,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.spatial_dims = spatial_dims
        self.in_channels = in_channels

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with images (C, *S) for files.

        Raises:
            InputError: If a file is missing, unreadable, not finite, or of other axes or channels.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            image = read(item[key])
            is_grey = key == "image" and len(image) == 1 and is_picture(item[key])
            if is_grey and self.in_channels == COLOURS:  # among images that have colours
                image = image.repeat(COLOURS, *[1] * self.spatial_dims)
            self._check(image, file=item[key], is_image=key == "image")
            item[key] = (image > 0).to(image.dtype) if isinstance(item[key], list) else image
        return item

    def _check(self, image: MetaTensor, *, file: Any, is_image: bool) -> None:
        if image.ndim - 1 != self.spatial_dims:
            raise InputError(
                f"{file}: a {image.ndim - 1}-D image of shape {tuple(image.shape[1:])}, the "
                f"configuration is for {self.spatial_dims}-D (spatial_dims)"
            )
        if is_image and image.shape[0] != self.in_channels:
            raise InputError(
                f"{file}: {image.shape[0]} channel(s), the configuration is for "
                f"{self.in_channels} (in_channels)"
            )
        if not torch.isfinite(image.as_tensor()).all():
            raise InputError(f"{file}: holds values that are not finite (NaN or infinity)")
