"""Label maps that a network or its average made, and how sure it was."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from gemini_monai.geometry.types import Logits, Mask
from gemini_monai.objectives import full_precision
from gemini_monai.study.methods.boxes import cut_mixed


class PseudoLabel(NamedTuple):
    """What is taken for a label."""

    label: Tensor
    """Class indices, (B, 1, *S)."""
    certainty: Tensor
    """Probability of that class, (B, 1, *S), from 0 to 1."""

    def mixed(self, inside: Mask) -> PseudoLabel:
        """Of images with boxes of the next one, (B, 1, *S)."""
        return PseudoLabel(cut_mixed(self.label, inside), cut_mixed(self.certainty, inside))


def pseudo_label(logits: Logits) -> PseudoLabel:
    """The likeliest class of logits (B, K, *S) at each voxel."""
    certainty, label = full_precision(logits.detach()).softmax(dim=1).max(dim=1, keepdim=True)
    return PseudoLabel(label, certainty)


def batch_dice_loss(probability: Tensor, label: Tensor, part: Mask, *, smooth: float) -> Tensor:
    """Mean over classes of one minus Dice with squared denominators, each over the whole batch.

    Args:
        probability: (B, K, *S), from 0 to 1.
        label: Class indices, (B, 1, *S).
        part: Which voxels count, (B, 1, *S).
        smooth: Added above and below.
    """
    probability = probability * part
    wanted = torch.zeros_like(probability).scatter_(1, label, 1.0) * part
    axes = [0, *range(2, probability.dim())]
    overlap = 2 * (probability * wanted).sum(axes) + smooth
    dice = overlap / (probability.square().sum(axes) + wanted.sum(axes) + smooth)
    return 1 - dice.mean()


def batch_error(logits: Logits, label: Tensor, part: Mask, *, smooth: float) -> Tensor:
    """Cross-entropy over a part of the voxels, and ``batch_dice_loss``; their sum.

    Args:
        logits: (B, K, *S).
        label: Class indices, (B, 1, *S).
        part: Which voxels count, (B, 1, *S).
        smooth: As of ``batch_dice_loss``.
    """
    crossed = F.cross_entropy(logits, label[:, 0], reduction="none")[:, None] * part
    dice = batch_dice_loss(logits.softmax(dim=1), label, part, smooth=smooth)
    return crossed.sum() / part.sum().clamp(min=1) + dice


def confident_dice_loss(
    logits: Logits, guess: PseudoLabel, *, threshold: float, smooth: float = 1e-5
) -> Tensor:
    """``batch_dice_loss`` over voxels whose label is sure.

    Args:
        logits: (B, K, *S).
        guess: What they are to be.
        threshold: Least certainty that counts.
        smooth: As of ``batch_dice_loss``.
    """
    probability = full_precision(logits).softmax(dim=1)
    sure = guess.certainty >= threshold
    return batch_dice_loss(probability, guess.label, sure, smooth=smooth)
