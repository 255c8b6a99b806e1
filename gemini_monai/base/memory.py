"""What arrays would take, compared with the memory that is there, before they are made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.system import free_memory

GIB = 2**30


def refuse_too_large(
    shape: Sequence[float], *, voxel_bytes: float, what: str, change: str, device: Any = "cpu"
) -> None:
    """Stop before arrays are made that memory cannot hold.

    Args:
        shape: Voxels along each axis, as they follow from a file or a setting.
        voxel_bytes: What a voxel takes in all arrays that are held at one time, at least.
        what: Whose size it is, such as a file or a key.
        change: What makes it smaller, in words.
        device: Where the arrays would be.

    Raises:
        InputError: Naming what was asked, what is there, and what to change.
    """
    refuse_too_many_bytes(
        math.prod(shape) * voxel_bytes,
        what=f"{what}: {' x '.join(map(_rounded, shape))} voxels",
        change=change,
        device=device,
    )


def refuse_too_many_bytes(needed: float, *, what: str, change: str, device: Any = "cpu") -> None:
    """The same for arrays of several shapes.

    Args:
        needed: What they take, at least; infinity and NaN are too much.
        what: What they are, for the message.
        change: What makes them smaller, in words.
        device: Where they would be.

    Raises:
        InputError: As ``refuse_too_large``.
    """
    there = available(device)
    if not needed <= there:
        raise InputError(
            f"{what} take {_rounded(needed / GIB)} GiB of memory or more, {there / GIB:.1f} GiB "
            f"are there; {change}"
        )


def _rounded(value: float) -> str:
    exact = math.isfinite(value) and value >= 100 and value < 1e6
    return f"{value:.0f}" if exact else f"{value:.3g}"


def available(device: Any = "cpu") -> float:
    """Bytes that can be had.

    Of a GPU what is free or kept by PyTorch for later; of an Apple one, whose memory is that of the
    machine, no more than Metal recommends. Else what can be had on the machine, and never more than
    the limit of a container leaves.

    Args:
        device: A device, or its name.
    """
    if "cuda" in str(device):
        return _of_gpu(device)
    return min(_of_metal(), free_memory()) if "mps" in str(device) else free_memory()


def _of_gpu(device: Any) -> float:
    import torch  # takes seconds, which a room so low does not ask of all above it

    free = torch.cuda.mem_get_info(device)[0]
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return float(free + kept)


def _of_metal() -> float:
    import torch

    return float(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
