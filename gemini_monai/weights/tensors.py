"""Tensors in files: PyTorch's format, or safetensors where the name ends so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import optional
from gemini_monai.base.files import replacing, write_tensors

SAFE = ".safetensors"
"""Suffix of files that hold tensors and text, and cannot hold code."""
NUMBERS = ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar", "numpy.dtype")
"""What nnU-Net's checkpoints name beside their weights: scores, as numbers of NumPy."""


def read_tensors(path: Path) -> dict[Any, Any]:
    """What a weights file holds, read without running anything in it.

    Of a safetensors file that ``write_state`` wrote this is what it was given; of another one, the
    tensors by name. Numbers of NumPy beside the weights are passed over.

    Raises:
        InputError: If it is missing, damaged, holds an object that is not read, or is no mapping.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such weights file; train first or give another path")
    try:
        saved = _read_safe(path) if path.suffix == SAFE else _read_torch(path)
    except Exception as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a readable weights file: {_reason(error)}") from error
    if not isinstance(saved, Mapping):
        raise InputError(f"{path}: holds a {type(saved).__name__}, expected weights by name")
    return dict(saved)


def write_state(path: Path, state: Mapping[str, Tensor], *, card: str) -> None:
    """Write weights with a card beside them, whole or not at all.

    ``{"state_dict": ..., "card": ...}`` as PyTorch does; or, where the name ends in
    ``.safetensors``, the tensors with the card as metadata. The same content is the same bytes.

    Args:
        path: The file.
        state: Tensors by name.
        card: JSON text.

    Raises:
        InputError: If it cannot be written, or safetensors is not installed.
    """
    if path.suffix != SAFE:
        write_tensors(path, {"state_dict": dict(state), "card": card})
        return
    content = safe_bytes(state, card=card)
    with replacing(path) as part:
        part.write_bytes(content)


def safe_bytes(state: Mapping[str, Tensor], *, card: str) -> bytes:
    """The content of a safetensors file with a card.

    Raises:
        InputError: If safetensors is not installed.
    """
    save = _safetensors().torch.save
    own = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    content: bytes = save(own, metadata={"card": card})
    return content


class _Skipped:
    """Stands for a number of NumPy; nothing of NumPy is run to read a file."""

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, _: Any) -> None: ...


def _read_torch(path: Path) -> Any:
    with torch.serialization.safe_globals([(_Skipped, name) for name in NUMBERS]):
        return torch.load(path, map_location="cpu", weights_only=True)


def _read_safe(path: Path) -> dict[str, Any]:
    with _safetensors().safe_open(path, framework="pt", device="cpu") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, no mapping
        card = (file.metadata() or {}).get("card")
    return state if card is None else {"state_dict": state, "card": card}


def _safetensors() -> Any:
    optional("safetensors.torch", extra="hub", purpose="a .safetensors file")
    return optional("safetensors", extra="hub", purpose="a .safetensors file")


def _reason(error: Exception) -> str:
    """What is in the way, without PyTorch's advice to run code that may be in the file."""
    text = str(error)
    found = re.search(r"(?:GLOBAL|class) '?([a-zA-Z_]\w*\.[\w.]*\w)", text)
    if found:
        return (
            f"it holds an object of {found[1]} beside its weights, which is not read because "
            "reading it could run code; save the state dict alone"
        )
    if isinstance(error, OSError):
        return str(error.strerror)
    return "it is damaged, or of another format"
