"""Bytes of the tensors that are there at one time: memory without what an allocator adds to it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class LiveTensors(TorchDispatchMode):
    """Counts what operations allocate, from when it is until nothing refers to it.

    Storage counts once, whatever views it has; what operations use inside does not count.

    Args:
        held: Tensors that are there already.

    Attributes:
        peak: The most bytes at one time so far.
    """

    def __init__(self, held: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self._live: dict[int, int] = {}
        self.peak = 0
        for tensor in held:
            self._count(tensor)

    def __torch_dispatch__(
        self,
        function: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Compute, then count the results."""
        found = function(*args, **(kwargs or {}))
        for value in found if isinstance(found, (tuple, list)) else (found,):
            if isinstance(value, Tensor):
                self._count(value)
        self.peak = max(self.peak, sum(self._live.values()))
        return found

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._live:
            self._live[key] = storage.nbytes()
            weakref.finalize(storage, self._live.pop, key, None)


def held_by(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Weights and moments."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    states = [value for state in optimizer.state.values() for value in state.values()]
    return [*weights, *(value for value in states if isinstance(value, Tensor))]
