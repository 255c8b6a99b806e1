"""Keys of earlier images, from which a query's own key is to be told."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import einsum
from torch import Tensor, distributed, nn

from gemini_monai.objectives import full_precision


class KeyQueue(nn.Module):
    """InfoNCE of queries against their keys and a queue of others (He et al., CVPR 2020).

    ``-log(exp(q k+ / t) / (exp(q k+ / t) + sum over the queue of exp(q k / t)))``, all of length 1.
    The queue begins with random directions, as in github.com/facebookresearch/moco, 4397a04.

    Args:
        length: Keys that are kept.
        width: Of a key.
        temperature: ``t``, above 0.

    Raises:
        ValueError: If ``temperature`` is not above 0 or no key is kept.
    """

    keys: Tensor

    def __init__(self, length: int, width: int, *, temperature: float) -> None:
        super().__init__()
        if length < 1 or not temperature > 0:
            raise ValueError(
                f"expected 1 key or more and a temperature above 0, got {length} and {temperature}"
            )
        self.temperature = temperature
        self.register_buffer("keys", F.normalize(torch.randn(length, width), dim=1))

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        """Return a scalar, 0 or more.

        Args:
            query: (P, K), of any length.
            key: (P, K), the partner of each.
        """
        with torch.autocast(query.device.type, enabled=False):
            query, key = unit(query), unit(key)
            own = (query * key).sum(dim=1, keepdim=True)
            scores = torch.cat([own, query @ self.keys.to(query.dtype).T], dim=1)
            first = torch.zeros(len(scores), dtype=torch.long, device=scores.device)
            return F.cross_entropy(scores / self.temperature, first)

    def of_sets(self, query: Tensor, key: Tensor, pairs: Tensor) -> Tensor:
        """Likewise for places that have several keys or none; scalar, 0 or more.

        A place's loss is the mean over its keys ``j`` of ``-log(exp(q k_j / t) / (sum over its keys
        + sum over the queue))``; then the mean over places that have any, and over images.

        Args:
            query: Of the places of each image, (B, P, K), of any length.
            key: Of those of the other view, (B, Q, K).
            pairs: Which keys a place has, (B, P, Q).
        """
        with torch.autocast(query.device.type, enabled=False):
            query, key = unit(query), unit(key)
            own = einsum(query, key, "b i k, b j k -> b i j") / self.temperature
            others = query @ self.keys.to(query.dtype).T / self.temperature
            known = own.masked_fill(~pairs, -torch.inf)
            whole = torch.cat([known, others], dim=2).logsumexp(dim=2, keepdim=True)
            error = ((whole - own) * pairs).sum(dim=2) / pairs.sum(dim=2).clamp(min=1)
            return (error.sum(dim=1) / pairs.any(dim=2).sum(dim=1).clamp(min=1)).mean()

    @torch.no_grad()
    def push(self, keys: Tensor) -> None:
        """Let the newest keys (P, K), of all processes, take the place of the oldest."""
        newest = torch.cat([unit(_of_all_processes(keys)).to(self.keys.dtype), self.keys])
        self.keys.copy_(newest[: len(self.keys)])


def _of_all_processes(keys: Tensor) -> Tensor:
    """Those of every process that trains with this one, so that their queues stay equal."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return keys
    found: list[Tensor | None] = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, keys.cpu())
    return torch.cat([own.to(keys.device) for own in found if own is not None])


def unit(features: Tensor) -> Tensor:
    """Vectors along the last axis at length 1."""
    return F.normalize(full_precision(features), dim=-1)
