"""Segmentation of images by one network or several, as a script asks for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose
from torch import nn

from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.images import case_of, has_voxel_size, image_in_memory, source_of
from gemini_monai.images.names import suffix_of
from gemini_monai.inference.flips import with_flips
from gemini_monai.inference.windows import window_inferer
from gemini_monai.transforms import InputSpec, postprocessing, preprocessing, to_own_grid
from gemini_monai.transforms.probabilities import PROBABILITIES
from gemini_monai.transforms.structure_volumes import Row, volume_rows

Item = dict[str, Any]
"""Of a case, by key: ``case``, ``image`` and ``pred`` among them."""


class Segmentation(NamedTuple):
    """What an image holds, on the image's own grid; affines are the image's."""

    label: MetaTensor
    """(1, *S) of label values, uint8 or larger; (structures, *S) of zeros and ones where structures
    overlap."""
    probabilities: MetaTensor
    """(classes, *S), background first, adding up to 1; (structures, *S) where they overlap. Before
    anything is decided, or components left out."""
    volumes: list[Row]
    """Rows of ``volume_rows``."""


class Segmenter(ABC):
    """What segments images: a run, or several."""

    spec: InputSpec
    """What labels mean, and what is done with what the network says."""

    @abstractmethod
    def on_own_grid(
        self, image: str | Path | MetaTensor, *, flips: bool = False, **windows: Any
    ) -> Item:
        """``image`` (C, *S), as it was seen, and ``pred`` (K, *S), logits on the image's own grid.

        Args:
            image: File, or folder of a DICOM series, or an enhanced DICOM file; or what
                ``image_in_memory`` gives.
            flips: Whether the mean over mirror images is predicted, see ``FlippedInferer``.
            windows: Arguments of ``window_inferer``.

        Raises:
            InputError: If the run is no segmenter, or the image is not one that it takes.
        """

    @property
    def structures(self) -> dict[int, str]:
        """Name of each value of a label map; of each channel where structures overlap."""
        values = range(len(self.spec.structures)) if self.spec.overlapping else self._values()[1:]
        return dict(zip(values, self.spec.structures, strict=True))

    def segment(
        self,
        image: Any,
        *,
        affine: Any = None,
        spacing: Sequence[float] | None = None,
        flips: bool = False,
    ) -> MetaTensor:
        """Label map of an image on the image's own grid.

        Args:
            image: File, or folder of a DICOM series, or an enhanced DICOM file. Or an image in
                memory: of nibabel, a MetaTensor, or an array or tensor with its affine or spacing.
            affine: Of an array or tensor (*S) or (C, *S): voxel to RAS+ mm.
            spacing: Or its voxel size in mm; the axes then run to the right, to the front and up.
            flips: As of ``on_own_grid``.

        Returns:
            (1, *S) of label values, uint8 or larger; (structures, *S) of zeros and ones where
            structures overlap. Its affine is the image's.

        Raises:
            InputError: If the run is no segmenter, or the image is not one that it takes.
        """
        return self.predict(image, affine=affine, spacing=spacing, flips=flips).label

    def predict(
        self,
        image: Any,
        *,
        affine: Any = None,
        spacing: Sequence[float] | None = None,
        flips: bool = False,
    ) -> Segmentation:
        """Label map, probabilities and volumes of an image.

        Args:
            image: As of ``segment``.
            affine: Likewise.
            spacing: Likewise.
            flips: As of ``on_own_grid``.

        Raises:
            InputError: As ``segment``.
        """
        given, case = self._given(image, affine=affine, spacing=spacing)
        found = postprocessing(self.spec, probabilities=True)(self.on_own_grid(given, flips=flips))
        label, sized = found["pred"], has_voxel_size(found["image"])
        rows = volume_rows(label, case=case, spec=self.spec, sized=sized)
        if not self.spec.overlapping:
            values = torch.tensor(self._values(), dtype=torch.int32)
            label = MetaTensor(values[label.as_tensor().long()], affine=label.affine)
        return Segmentation(label, found[PROBABILITIES], rows)

    def _given(self, image: Any, **grid: Any) -> tuple[str | Path | MetaTensor, str]:
        """A file, or an image in memory as a file would be read; and its case."""
        if not isinstance(image, (str, Path)):
            held = image_in_memory(image, spatial_dims=self.spec.spatial_dims, **grid)
            source = Path(source_of(held))
            return held, source.name.removesuffix(suffix_of(source) or "")
        said = [name for name, own in grid.items() if own is not None]
        if said:
            raise InputError(f"{image}: a file says its own grid; {said[0]} is for arrays")
        return image, case_of(Path(image))

    def _values(self) -> list[int]:
        return sorted(self.spec.label_values)


@torch.no_grad()
def with_logits(
    network: nn.Module,
    item: Mapping[str, Any],
    *,
    spec: InputSpec,
    before: Compose,
    device: torch.device | str = "cpu",
    flips: bool = False,
    **windows: Any,
) -> Item:
    """An item by its preprocessing, with ``pred``, logits (K, *S) on the network's grid.

    Args:
        network: From images to logits.
        item: With ``image``, a file or one in memory, and ``case``.
        spec: How the network sees images.
        before: The preprocessing of that spec, for images alone.
        device: Where the network is.
        flips: As of ``Segmenter.on_own_grid``.
        windows: Arguments of ``window_inferer``.

    Raises:
        InputError: If the image is not one that it takes.
    """
    found = loaded(before, dict(item))
    batch = found["image"].as_tensor()[None].to(device, torch.float32)
    inferer = window_inferer(spec, **windows)
    inferer = with_flips(inferer, spec) if flips else inferer
    logits = torch.as_tensor(inferer(batch, network))[0].float().cpu()
    # the way back begins there
    return found | {"pred": MetaTensor(logits, affine=found["image"].affine)}


def predicted(
    network: nn.Module, image: str | Path | MetaTensor, *, spec: InputSpec, **options: Any
) -> Item:
    """What a network says of an image, as ``Segmenter.on_own_grid``.

    Args:
        network: From images to logits.
        image: As of ``Segmenter.on_own_grid``.
        spec: How the network sees images.
        options: Of ``with_logits``.

    Raises:
        InputError: If the image is not one that it takes.
    """
    before = preprocessing(spec, keys=["image"])
    given = image if isinstance(image, MetaTensor) else str(image)
    item = {"image": given, "case": source_of(image) or str(image)}
    item = with_logits(network, item, spec=spec, before=before, **options)
    return dict(to_own_grid(spec, before)(item))


def loaded(before: Any, item: dict[str, Any]) -> Item:
    """An item by its preprocessing.

    Args:
        before: The steps.
        item: With files.

    Raises:
        InputError: Of MONAI's errors the one that names the file.
    """
    try:
        found: Item = before(item)
    except Exception as error:
        cause = input_error_in(error)
        if cause is None:
            raise
        raise cause from None
    return found
