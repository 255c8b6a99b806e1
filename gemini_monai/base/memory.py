"""What arrays would take, compared with the memory that is there, before they are made."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError

GIB = 2**30
CGROUPS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)
"""Files of a container's limit, its use, and the part of that which can be let go; two versions."""


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
        InputError: Naming what was asked, what is there, and what to change. Where it is not known
            what is there, never.
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
    if there is not None and not needed <= there:
        raise InputError(
            f"{what} take {_rounded(needed / GIB)} GiB of memory or more, {there / GIB:.1f} GiB "
            f"are there; {change}"
        )


def _rounded(value: float) -> str:
    exact = math.isfinite(value) and value >= 100 and value < 1e6
    return f"{value:.0f}" if exact else f"{value:.3g}"


def available(device: Any = "cpu") -> float | None:
    """Bytes that can be had; ``None`` where nothing tells.

    Of a GPU what is free or kept by PyTorch for later. Else what can be had by ``psutil``, or all
    of the machine where that is not installed; never more than the limit of a container leaves.

    Args:
        device: A device, or its name.
    """
    if "cuda" in str(device):
        return _of_gpu(device)
    known = [_of_machine(), *(_of_container(*files) for files in CGROUPS)]
    return min((value for value in known if value is not None), default=None)


def _of_gpu(device: Any) -> float:
    import torch  # takes seconds, which a room so low does not ask of all above it

    free = torch.cuda.mem_get_info(device)[0]
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return float(free + kept)


def _of_machine() -> float | None:
    if find_spec("psutil") is not None:
        return float(import_module("psutil").virtual_memory().available)
    if not hasattr(os, "sysconf"):
        return None
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _of_container(
    limit: str, used: str, reclaimable: str, *, root: Path = Path("/sys/fs/cgroup")
) -> float | None:
    """What its limit leaves; ``None`` without one."""
    try:
        most, now = ((root / name).read_text().strip() for name in (limit, used))
        rows = [line.split() for line in _stat(root / limit).read_text().splitlines()]
    except OSError:
        return None
    if not (most.isdigit() and now.isdigit()):
        return None
    kept = next((int(row[1]) for row in rows if row[0] == reclaimable), 0)
    return float(max(0, int(most) - int(now) + kept))


def _stat(limit: Path) -> Path:
    return limit.with_name("memory.stat")
