"""Probabilities on the image's own grid: of every class, or of every structure that may overlap."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose
from monai.transforms.post.dictionary import Invertd
from monai.transforms.transform import MapTransform

from gemini_monai.base.devices import has_double
from gemini_monai.images import file_shape, write_image
from gemini_monai.transforms.input import InputSpec
from gemini_monai.transforms.output import probabilities_file

PROBABILITIES = "probabilities"
"""Key of probabilities, (K, *S), float32."""
NEVER = -30.0
"""Logit of what cannot be: a probability of 1e-13."""


class OwnGridd(MapTransform):
    """``pred`` back on its image's own grid; what no network saw is background, or no structure.

    Where an image was cropped, MONAI's way back leaves logits of 0, which would say that every
    class is as likely as any other.

    Args:
        preprocessing: What is undone.
        spec: Whether structures have channels of their own, and what may crop.
    """

    def __init__(self, preprocessing: Compose, spec: InputSpec) -> None:
        super().__init__("pred")
        undo: dict[str, Any] = {"orig_keys": "image", "nearest_interp": False}
        self.invert = Invertd("pred", transform=preprocessing, **undo)
        self.overlapping = spec.overlapping
        self.crops = bool(spec.foreground or spec.before or spec.after)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with ``pred`` (K, *S), logits, on the image's own grid."""
        item = dict(data)
        if not has_double(item["pred"].device):  # in which MONAI samples
            item["pred"] = item["pred"].cpu()
        if not self.crops:
            return dict(self.invert(item))
        pred = item["pred"]
        item["pred"] = torch.cat([pred, torch.ones_like(pred[:1])])
        item = dict(self.invert(item))
        found, seen = item["pred"][:-1], item["pred"][-1:].as_tensor()
        outside = seen == 0  # what is partly seen keeps what was said of it
        found = found.masked_fill(outside, NEVER)
        if not self.overlapping:
            found[:1] = found[:1].masked_fill(outside, 0.0)
        item["pred"] = found
        return item


class Probabilitiesd(MapTransform):
    """``probabilities`` from the logits ``pred``, written as one file a case.

    A softmax of classes that exclude one another: background is the first channel, and channels add
    up to 1. A sigmoid of structures that may overlap, which have no background.

    Args:
        overlapping: Whether structures have channels of their own.
        folder: Where ``<case>_probabilities<suffix>`` goes; ``None`` for nowhere.
        suffix: ``.nii.gz``, ``.nii``, ``.nrrd`` or ``.mha``.
    """

    def __init__(
        self, *, overlapping: bool, folder: str | Path | None = None, suffix: str = ".nii.gz"
    ) -> None:
        super().__init__("pred")
        self.overlapping = overlapping
        self.folder = folder
        self.suffix = suffix

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with ``probabilities`` (K, *S), float32; ``pred`` (K, *S) stays.

        Raises:
            InputError: If the file cannot be written.
        """
        item = dict(data)
        logits = item["pred"].float()
        found = logits.sigmoid() if self.overlapping else logits.softmax(0)
        item[PROBABILITIES] = MetaTensor(found).copy_meta_from(item["pred"])
        if self.folder is not None:
            write_image(
                probabilities_file(self.folder, str(item["case"]), self.suffix),
                found.cpu().numpy().astype(np.float32),
                affine=item["pred"].affine.cpu(),
                shape=file_shape(item.get("image")),
            )
        return item
