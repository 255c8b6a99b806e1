"""Stop the build of an image whose PyTorch is not of its device: ``check_torch.py cpu|cuda``."""

from __future__ import annotations

import sys

import torch


def problem(device: str, cuda: str | None) -> str | None:
    """What is wrong, if anything is.

    Args:
        device: ``cpu`` or ``cuda``.
        cuda: Version of CUDA that PyTorch was built for, ``None`` for none.
    """
    if device not in ("cpu", "cuda"):
        return f"error: DEVICE is '{device}', expected cpu or cuda"
    if (cuda is not None) == (device == "cuda"):
        return None
    found = f"for CUDA {cuda}" if cuda else "without CUDA"
    return f"error: DEVICE is {device}, and PyTorch was built {found}; give another TORCH_INDEX"


if __name__ == "__main__":
    sys.exit(problem(sys.argv[1], torch.version.cuda))
