"""One image segmented by a trained network: its logits, and how much they agree with the mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose
from torch import Tensor, nn

from gemini_monai.inference.segmentation import loaded
from gemini_monai.inference.windows import window_inferer
from gemini_monai.transforms import InputSpec


@torch.no_grad()
def with_logits(
    network: nn.Module,
    item: Mapping[str, Any],
    *,
    spec: InputSpec,
    preprocessing: Compose,
    device: torch.device | str = "cpu",
) -> dict[str, Any]:
    """An item by its preprocessing, with ``pred``, logits (K, *S) on the network's grid.

    Args:
        network: A trained segmenter.
        item: With the file of ``image``, and ``case``.
        spec: How images were brought to the network in training.
        preprocessing: Of that spec, for images alone.
        device: Where the network is.

    Raises:
        InputError: If the image is not one that the network takes.
    """
    found = loaded(preprocessing, dict(item))
    batch = found["image"].as_tensor()[None].to(device, torch.float32)
    logits = torch.as_tensor(window_inferer(spec)(batch, network))[0].float().cpu()
    # the way back begins there
    return found | {"pred": MetaTensor(logits, affine=found["image"].affine)}


def agreement_of(logits: Tensor, *, overlapping: bool) -> float:
    """Mean over structures of the soft Dice of a network's probabilities and the mask they make.

    1 where every voxel is certain, lower the more of a mask is uncertain, or is left out though it
    is likely; 0 where nothing is found. It is no estimate of Dice: certain mistakes agree, too.

    Args:
        logits: (K, *S), background first where structures exclude one another.
        overlapping: Structures have channels of their own.
    """
    logits = logits.as_subclass(Tensor).flatten(1).double()
    if overlapping:
        likely, mask = logits.sigmoid(), logits > 0
    else:
        likely = logits.softmax(dim=0)[1:]
        classes = torch.arange(1, len(logits), device=logits.device)
        mask = logits.argmax(dim=0) == classes[:, None]
    sizes = mask.sum(dim=1)
    dice = 2 * (likely * mask).sum(dim=1) / (likely.sum(dim=1) + sizes)
    return float(dice[sizes > 0].mean()) if bool((sizes > 0).any()) else 0.0
