"""One GEMINI-Semi iteration computed the way the published code does, to time ours against.

Written from the description of that code, on our modules and weights: a backbone call per image, a
deformer call per direction, box sums by convolution with ones, a warp and a cosine for each of the
four paths of the semantic term, masks by warping ones, activations not in place, the plain Adam.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.warp import warp
from gemini_monai.losses import SmoothnessLoss
from gemini_monai.networks import Gemini

WINDOW = 9


def homeomorphism_loss(network: Gemini, image_a: Tensor, image_b: Tensor) -> Tensor:
    """``0.4 smoothness + 0.8 semantic + visual``, both directions."""
    features_a, features_b = network.features(image_a), network.features(image_b)
    ddf_ab = network.deformer(features_a, features_b)
    ddf_ba = network.deformer(features_b, features_a)
    return _direction(image_a, image_b, features_a, features_b, ddf_ab) + _direction(
        image_b, image_a, features_b, features_a, ddf_ba
    )


def _direction(
    moving: Tensor, fixed: Tensor, moving_features: Tensor, fixed_features: Tensor, ddf: Tensor
) -> Tensor:
    mask = warp(torch.ones_like(moving[:, :1]), ddf, mode="nearest").detach()
    voxels = mask.sum() + 1e-5 if mask.ndim == 4 else (mask + 1e-6).sum()
    visual = 1 - (_correlation(warp(moving, ddf), fixed) * mask).sum() / voxels
    to_field = _cosine(warp(moving_features.detach(), ddf), fixed_features.detach(), mask)
    to_features = _cosine(warp(moving_features, ddf.detach()), fixed_features, mask)
    semantic = (1 - to_field) + 0.1 * (1 - to_features)
    return 0.4 * SmoothnessLoss()(ddf) + 0.8 * semantic + visual


def _cosine(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    return (F.cosine_similarity(a, b, dim=1)[:, None] * mask).sum() / mask.sum()


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Equation 6 with one convolution per sum."""
    axes = a.ndim - 2
    convolve = F.conv2d if axes == 2 else F.conv3d
    ones = torch.ones(1, 1, *[WINDOW] * axes, dtype=a.dtype, device=a.device)
    sum_a, sum_b, sum_aa, sum_bb, sum_ab = (
        convolve(x, ones, padding=WINDOW // 2) for x in (a, b, a * a, b * b, a * b)
    )
    size = WINDOW**axes
    cross = sum_ab - sum_a * sum_b / size
    variances = (sum_aa - sum_a**2 / size) * (sum_bb - sum_b**2 / size)
    return cross**2 / (variances + 1e-5)


def segmentation_loss(network: Gemini, image: Tensor, label: Tensor) -> Tensor:
    """``100 (Dice + cross-entropy)`` on one-hot labels."""
    probability = network(image).softmax(dim=1)
    target = F.one_hot(label[:, 0], probability.shape[1]).movedim(-1, 1).to(probability)
    axes = tuple(range(2, image.ndim))
    both = (probability * target).sum(axes)
    total = (probability**2).sum(axes) + (target**2).sum(axes)
    dice = 1 - ((2 * both + 1) / (total + 1)).mean()
    return 100 * (dice - (target * (probability + 1e-6).log()).mean())
