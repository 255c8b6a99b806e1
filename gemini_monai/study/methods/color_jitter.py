"""Images in other brightness and contrast, and blurred."""

from __future__ import annotations

import torch
from monai.networks.layers.convutils import gaussian_1d
from monai.networks.layers.simplelayers import separable_filtering

from gemini_monai.geometry.types import Image


def color_jittered(
    image: Image, *, strength: float = 0.5, chance: float = 0.8, blurred: float = 0.5
) -> Image:
    """A copy of (B, C, *S), each image changed on its own.

    Brightness, then the distance from the mean, is multiplied by up to 1 plus or minus
    ``strength``, each result cut to the range that the image had; then a Gaussian of standard
    deviation 0.1 to 2 voxels, which repeats the border outside. What torchvision's ``ColorJitter``
    and a blur do to a gray image, in one of their orders.

    Args:
        image: In [0, 1].
        strength: Of brightness and of contrast.
        chance: Of brightness and contrast.
        blurred: Chance of the blur.
    """
    return torch.stack([_changed(own, strength, chance, blurred) for own in image])


def _changed(image: Image, strength: float, chance: float, blurred: float) -> Image:
    """Of one image (C, *S)."""
    least, most = image.amin(), image.amax()
    if torch.rand(()) < chance:
        brightness, contrast = (1 + strength * (2 * torch.rand(2) - 1)).tolist()
        image = (brightness * image).clamp(least, most)
        mean = image.mean()
        image = (mean + contrast * (image - mean)).clamp(least, most)
    if torch.rand(()) < blurred:
        kernel = gaussian_1d(torch.empty(()).uniform_(0.1, 2.0), normalize=True).to(image)
        axes = image.dim() - 1
        image = separable_filtering(image[None], [kernel] * axes, mode="replicate")[0]
    return image
