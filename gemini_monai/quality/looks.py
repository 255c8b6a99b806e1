"""What a network finds in an image, and in the same image seen otherwise."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from monai.transforms.intensity.array import AdjustContrast
from monai.transforms.spatial.array import Zoom
from torch import Tensor

from gemini_monai.geometry.types import Features, Image
from gemini_monai.inference.windows import window_inferer
from gemini_monai.networks import DenseNetwork
from gemini_monai.transforms import InputSpec, whole_label

GAMMA = 0.7
"""Of the view of other intensities."""
ZOOM = 0.9
"""Of the smaller view."""


class Look(NamedTuple):
    """A network's view of one image, on the grid that it sees."""

    probability: Tensor
    """Of each structure, (K, *S), from 0 to 1."""
    found: Tensor
    """The label map that it comes to, as masks of the structures (K, *S)."""
    others: tuple[Tensor, ...]
    """Those of the other views, on the same grid."""
    features: Features
    """Dense features (C, *T), on this grid or on the network's own."""


@torch.no_grad()
def look_at(network: DenseNetwork, image: Image, spec: InputSpec) -> Look:
    """Look at an image three times: as it is, with other intensities, and smaller.

    Args:
        network: Of a run, in evaluation mode.
        image: (1, C, *S) as the network sees it.
        spec: How it does.
    """
    probability = _structures(network, image, spec)
    lighter = _structures(network, _adjusted(image), spec)
    smaller = _zoomed(_structures(network, _zoomed(image, ZOOM), spec), 1 / ZOOM)
    return Look(
        probability=probability[0, spec.out_channels - len(spec.structures) :],
        found=_masks(probability, spec),
        others=(_masks(lighter, spec), _masks(smaller, spec)),
        features=features_in(network, image, spec),
    )


def _structures(network: DenseNetwork, image: Image, spec: InputSpec) -> Tensor:
    """Probabilities (1, classes, *S)."""
    logits = torch.as_tensor(window_inferer(spec)(image, network)).float().cpu()
    return logits.sigmoid() if spec.overlapping else logits.softmax(dim=1)


def _masks(probability: Tensor, spec: InputSpec) -> Tensor:
    """Of the structures of one image, (K, *S), as ``postprocessing`` decides them."""
    if spec.overlapping:
        return whole_label((probability > 0.5).float(), spec)[0]
    label = whole_label(probability.argmax(dim=1, keepdim=True), spec)
    return masks_of(label[0], spec)


def masks_of(label: Tensor, spec: InputSpec) -> Tensor:
    """Zeros and ones (K, *S) of the structures.

    Args:
        label: Class indices (1, *S), or masks (K, *S); what is ignored is in none.
        spec: Which of the two it is.
    """
    if spec.overlapping:
        return (label > 0).float()
    return torch.cat([label == k for k in spec.maps_of(spec.structures)]).float()


@torch.no_grad()
def features_in(network: DenseNetwork, image: Image, spec: InputSpec) -> Features:
    """Dense features (C, *T) of one image, on its grid or brought to the network's own size.

    Args:
        network: As of ``look_at``.
        image: As there.
        spec: As there.
    """
    if spec.slices:
        slices = image[0].movedim(-1, 0)
        return _fitted(network, slices, spec).movedim(0, -1).cpu()
    return _fitted(network, image, spec)[0].cpu()


def _fitted(network: DenseNetwork, images: Image, spec: InputSpec) -> Features:
    size = list(spec.spatial_size[: spec.network_dims])
    if list(images.shape[2:]) != size:
        images = F.interpolate(images, size, mode="bilinear" if len(size) == 2 else "trilinear")
    return network.features(images).float()


def _adjusted(image: Image) -> Image:
    return torch.as_tensor(AdjustContrast(gamma=GAMMA)(image[0]))[None]


def _zoomed(image: Image, zoom: float) -> Image:
    """About its center, on the same grid."""
    mode = "bilinear" if image.ndim == 4 else "trilinear"
    zoomed = Zoom(zoom, mode=mode, padding_mode="edge", align_corners=False)
    return torch.as_tensor(zoomed(image[0]))[None]
