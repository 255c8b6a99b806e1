"""Knobs whose best values depend on where a training runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise

import torch

from gemini_monai.base.memory import refuse_too_large, refuse_too_many_bytes
from gemini_monai.base.system import processors, starts_by_fork
from gemini_monai.engines import on_gpu

MOST_WORKERS = 8
"""Processes that load, at most; each holds a batch or two in memory."""
MOST_IMPORTING = 4
"""The same where each imports PyTorch and MONAI anew: 400 MiB and 8 processor seconds measured."""


def loading_workers(device: torch.device | str, *, transforms_on: torch.device | str) -> int:
    """Processes that load: none beside a CPU's training, which has its cores; else some.

    Args:
        device: Where the network is.
        transforms_on: Where random transforms are computed; on a GPU it is this process alone.
    """
    if not on_gpu(device) or on_gpu(transforms_on):
        return 0
    most = MOST_WORKERS if starts_by_fork() else MOST_IMPORTING
    trainings = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return max(0, min(most, processors() // trainings - 1))


def refuse_too_large_network(
    spatial_size: Sequence[int],
    *,
    in_channels: int,
    channels: Sequence[int],
    device: torch.device | str,
) -> None:
    """Stop at a network that a device cannot hold, or an image that it cannot see there.

    Args:
        spatial_size: Voxels that it sees.
        in_channels: Of an image.
        channels: Features of its levels, of the first of which two are held; none where the network
            is another.
        device: Where the network is.

    Raises:
        InputError: Naming the knob.
    """
    cells = 3 ** len(spatial_size)  # of a convolution; weight, gradient, and two means of Adam
    refuse_too_many_bytes(
        4 * 4 * cells * sum(a * b for a, b in pairwise(channels)),
        what=f"key 'channels': weights of {list(channels)} features",
        change="give fewer",
        device=device,
    )
    refuse_too_large(
        spatial_size,
        voxel_bytes=4 * (in_channels + 2 * sum(channels[:1])),
        what="key 'spatial_size'",
        change="give a smaller one, or fewer --channels",
        device=device,
    )


def choose_convolutions(device: torch.device | str) -> None:
    """Let cuDNN time its algorithms once for each size, which is worth it as sizes are fixed.

    So two runs on a GPU may differ in rounding, as they do anyway: sampling there adds up its
    gradients in any order.

    Args:
        device: Where the network is; on a CPU nothing changes.
    """
    if on_gpu(device):
        torch.backends.cudnn.deterministic = False
        torch.backends.cudnn.benchmark = True
