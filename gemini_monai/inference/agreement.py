"""How much a network's probabilities agree with the mask that they make."""

from __future__ import annotations

import torch
from torch import Tensor

from gemini_monai.base.devices import in_double


def agreement_of(logits: Tensor, *, overlapping: bool) -> float:
    """Mean over structures of the soft Dice of a network's probabilities and the mask they make.

    1 where every voxel is certain, lower the more of a mask is uncertain, or is left out though it
    is likely; 0 where nothing is found. It is no estimate of Dice: certain mistakes agree, too.

    Args:
        logits: (K, *S), background first where structures exclude one another.
        overlapping: Structures have channels of their own.
    """
    logits = in_double(logits.as_subclass(Tensor).flatten(1))
    if overlapping:
        likely, mask = logits.sigmoid(), logits > 0
    else:
        likely = logits.softmax(dim=0)[1:]
        classes = torch.arange(1, len(logits), device=logits.device)
        mask = logits.argmax(dim=0) == classes[:, None]
    sizes = mask.sum(dim=1)
    dice = 2 * (likely * mask).sum(dim=1) / (likely.sum(dim=1) + sizes)
    return float(dice[sizes > 0].mean()) if bool((sizes > 0).any()) else 0.0
