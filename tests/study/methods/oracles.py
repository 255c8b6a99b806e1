"""Equations that several methods share, in plain loops."""

from __future__ import annotations

import torch

from gemini_monai.geometry.warp import sample


def dice_loss(first, second):
    """Mean over images and classes of 1 - (2 sum pq + 1) / (sum p^2 + sum q^2 + 1)."""
    losses = []
    for b in range(first.shape[0]):
        for c in range(first.shape[1]):
            p, q = first[b, c].flatten().tolist(), second[b, c].flatten().tolist()
            overlap = 2 * sum(x * y for x, y in zip(p, q, strict=True)) + 1
            losses.append(1 - overlap / (sum(x * x for x in p) + sum(y * y for y in q) + 1))
    return sum(losses) / len(losses)


def one_hot(label):
    """Three classes (B, 3, *S)."""
    return torch.stack([(label[:, 0] == c).double() for c in range(3)], dim=1)


def there_and_back(first, second):
    """Mean squared way of a voxel that goes by ``second`` and, from there, by ``first``."""
    squares = []
    for b in range(len(first)):
        for x in range(first.shape[2]):
            for y in range(first.shape[3]):
                there = second[b, :, x, y]
                place = (torch.tensor([x, y]) + there).reshape(1, 2, 1, 1)
                back = sample(first[b : b + 1], place)[0, :, 0, 0]
                squares.append((there + back).square().sum().item())
    return sum(squares) / len(squares)


def soft_cross_entropy(logits, wanted, weights=None):
    """Mean over voxels of minus the sum over classes of wanted shares times log probabilities."""
    total, count = 0.0, 0
    for b in range(logits.shape[0]):
        for x in range(logits.shape[2]):
            for y in range(logits.shape[3]):
                shares = logits[b, :, x, y].log_softmax(0) * wanted[b, :, x, y]
                total -= float(shares.sum()) * (
                    1 if weights is None else float(weights[b, 0, x, y])
                )
                count += 1
    return total / count
