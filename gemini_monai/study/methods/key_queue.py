"""Keys of earlier images, from which a query's own key is to be told."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, distributed, nn

from gemini_monai.objectives import full_precision


class KeyQueue(nn.Module):
    """InfoNCE of queries against their keys and a queue of others (He et al., CVPR 2020).

    ``-log(exp(q k+ / t) / (exp(q k+ / t) + sum over the queue of exp(q k / t)))``, all of length 1.
    The queue begins with random directions.

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
