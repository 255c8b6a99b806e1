"""The arithmetic of a network under autocast."""

from __future__ import annotations

from typing import Any

import torch


def on_gpu(device: torch.device | str) -> bool:
    """Whether it is a GPU that CUDA knows.

    Args:
        device: As a configuration has it, a device or its name.
    """
    return torch.device(device).type == "cuda"


def autocast_options(device: torch.device | str) -> dict[str, Any]:
    """Arguments of ``torch.autocast``: bfloat16, or float16 on a GPU that has no bfloat16.

    bfloat16 has the range of float32, so no gradient has to be scaled.

    Args:
        device: Where the network is.
    """
    half = on_gpu(device) and not torch.cuda.is_bf16_supported(including_emulation=False)
    return {"dtype": torch.float16 if half else torch.bfloat16}
