"""Packages that come with an extra: imported where they are used, or refused with what brings them.

What is named are the packages, because ``gemini_monai[...]`` is found by pip only beside a clone or
a wheel.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from gemini_monai.base.errors import InputError

EXTRAS: dict[str, tuple[str, ...]] = {
    "ants": ("antspyx", "itk>=5.3"),
    "benchmark": ("snakemake",),
    "dicom": ("highdicom>=0.28", "itk-io>=5.3", "pydicom"),
    "embed": ("scikit-learn",),
    "formats": ("itk-io>=5.3",),
    "hub": ("huggingface_hub", "requests", "safetensors"),
    "itk": ("itk>=5.3",),
    "onnx": ("onnx", "onnxscript"),
    "tensorrt": ("torch_tensorrt",),
    "nnunet": ("dynamic_network_architectures>=0.4.4,<0.5", "nnunetv2>=2.8,<2.9"),
}
"""Requirements of each extra that something is refused without, as in ``setup.cfg``."""


def optional(module: str, *, extra: str, purpose: str) -> Any:
    """Import a module that an extra brings.

    Args:
        module: Its full name.
        extra: One of ``EXTRAS``.
        purpose: What needs it, the first words of the message.

    Raises:
        InputError: If it is not installed, with the command that brings it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise _missing(extra, purpose) from error


def refuse_without(module: str, *, extra: str, purpose: str) -> None:
    """Stop where a module is not installed, without importing it.

    Args:
        module: As of ``optional``.
        extra: As of ``optional``.
        purpose: As of ``optional``.

    Raises:
        InputError: As ``optional``.
    """
    if not is_there(module):
        raise _missing(extra, purpose)


def is_there(module: str) -> bool:
    """Whether a module is installed; the packages that it lies in are imported.

    Args:
        module: Its full name.
    """
    parts = module.split(".")
    names = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    try:
        return all(find_spec(name) is not None for name in names)
    except ImportError:  # of a package that is there and broken
        return False


def command_for(extra: str) -> str:
    """What installs an extra, wherever one is and in any shell."""
    words = [f'"{word}"' if set(word) & set("<>") else word for word in EXTRAS[extra]]
    return f"pip install {' '.join(words)}"


def _missing(extra: str, purpose: str) -> InputError:
    return InputError(f"{purpose} needs what the extra '{extra}' brings: {command_for(extra)}")
