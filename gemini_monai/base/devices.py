"""Where a network computes by default, and what an Apple GPU lacks.

PyTorch is imported when it is asked, which a room so low does not do of all above it.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FALLBACK = "PYTORCH_ENABLE_MPS_FALLBACK"
"""Variable by which PyTorch computes on the CPU what it cannot on an Apple GPU."""


def best_device() -> torch.device:
    """A GPU of CUDA; else an Apple one, where what it lacks falls back to the CPU; else the CPU.

    PyTorch reads ``FALLBACK`` when it is imported, so that only who starts the process can set it,
    as the ``gemini`` command does. Without it a training would stop at the first operation that is
    not there.
    """
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available() and os.environ.get(FALLBACK) == "1":
        message = "on an Apple GPU, where this was never run by us; '--device cpu' was"
        logging.getLogger(__name__).warning(message)
        return torch.device("mps")
    return torch.device("cpu")


def has_double(device: torch.device | str) -> bool:
    """Whether a device knows float64, which Apple GPUs do not.

    Args:
        device: A device, or its name.
    """
    return not str(device).startswith("mps")


def in_double(values: Tensor) -> Tensor:
    """Values in float64: where they are, or on the CPU where their device has none.

    Args:
        values: Of any shape.
    """
    return (values if has_double(values.device) else values.cpu()).double()


def near(values: Tensor, other: Tensor) -> Tensor:
    """Values on the device of others, in float32 where that has no float64.

    Args:
        values: In float64.
        other: Decides where.
    """
    known = values if has_double(other.device) else values.float()
    return known.to(other.device)
