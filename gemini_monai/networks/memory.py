"""What a training keeps of a forward pass, and what it computes again on its way back."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from gemini_monai.base.errors import InputError

AMOUNTS = ("normal", "low")


class Block(nn.Sequential):
    """Layers without random numbers, such as dropout's, one after the other.

    Attributes:
        recomputed: Whether results between the layers are computed again on the way back, not kept.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.recomputed = False

    def forward(self, image: Tensor) -> Tensor:
        """The last layer's result."""
        if self.recomputed and not torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self._again(image)
        for layer in self:
            image = layer(image)
        return image

    @torch.jit.unused
    def _again(self, image: Tensor) -> Tensor:
        found: Tensor = checkpoint(
            super().forward, image, use_reentrant=False, preserve_rng_state=False
        )
        return found


def one_at_a_time(function: Callable[..., Tensor], *batches: Tensor) -> Tensor:
    """``function`` of batches, computed for one image of each at a time, and again on the way back.

    Gradients are the same; of what ``function`` computes, no more than one image's is there at any
    time.

    Args:
        function: Of tensors (1, ...), which treats the images of a batch each by itself.
        batches: (B, ...) each.
    """
    parts = zip(*(batch.split(1) for batch in batches), strict=True)
    return torch.cat([checkpoint(function, *part, use_reentrant=False) for part in parts])


def set_memory(network: nn.Module, amount: str) -> None:
    """Let a ``Gemini`` keep all for the backward pass, or as little as it can.

    Args:
        network: Changed in place; its weights and their names stay.
        amount: ``"normal"``, or ``"low"``: features of one image and the field of one pair at a
            time, computed again in the backward pass, and in there block by block. Losses and
            gradients are equal; an iteration takes up to twice as long.

    Raises:
        InputError: If images of a batch depend on each other, by batch normalization.
        ValueError: If the amount is neither.
    """
    if amount not in AMOUNTS:
        raise ValueError(f"memory must be one of {AMOUNTS}, got {amount!r}")
    low = amount == "low"
    for name, module in network.named_modules():
        if low and isinstance(module, _BatchNorm):
            raise InputError(
                f"memory: low computes one image at a time, and {name} ({type(module).__name__}) "
                "needs those of a batch together"
            )
        if isinstance(module, Block):
            module.recomputed = low
        if hasattr(module, "image_by_image"):
            module.image_by_image = low
