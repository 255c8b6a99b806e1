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


def bfloat16_pays(device: torch.device | str) -> bool:
    """Whether a network trains faster in bfloat16: on a GPU, or a processor that multiplies it.

    Others have to emulate it and take longer.

    Args:
        device: As of ``on_gpu``.
    """
    if torch.device(device).type != "cpu":
        return on_gpu(device)
    known = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # PyTorch has no public names
    return any(getattr(torch.cpu, name, _no)() for name in known)


def _no() -> bool:
    return False


def autocast_options(device: torch.device | str) -> dict[str, Any]:
    """Arguments of ``torch.autocast``: bfloat16, or float16 on a GPU that has no bfloat16.

    bfloat16 has the range of float32, so no gradient has to be scaled.

    Args:
        device: Where the network is.
    """
    half = on_gpu(device) and not torch.cuda.is_bf16_supported(including_emulation=False)
    return {"dtype": torch.float16 if half else torch.bfloat16}
