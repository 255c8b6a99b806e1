"""Prediction of whole images, window by window or slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from monai.inferers.inferer import Inferer, SliceInferer, SlidingWindowInferer
from torch import Tensor

from gemini_monai.base.memory import refuse_too_large
from gemini_monai.transforms import InputSpec


def window_inferer(spec: InputSpec, *, overlap: float = 0.25, sw_batch_size: int = 1) -> Inferer:
    """MONAI's sliding windows of the size that the network was trained on.

    An image whose predictions memory cannot hold is refused before the first window.

    Args:
        spec: That size, what the network gives out, and whether volumes are seen slice by slice.
        overlap: Share of a window that it shares with the next.
        sw_batch_size: Windows, or slices, at a time.
    """
    size, options = list(spec.spatial_size), {"overlap": overlap, "sw_batch_size": sw_batch_size}
    inferer: Inferer
    if spec.slices:
        inferer = SliceInferer(spatial_dim=2, roi_size=size[:2], **options)
    else:
        inferer = SlidingWindowInferer(roi_size=size, **options)
    return RoomyInferer(inferer, channels=spec.out_channels, window=size)


class RoomyInferer(Inferer):
    """An inferer that stops before it begins where memory cannot hold what it gives out.

    Args:
        inferer: Of whole images.
        channels: That it gives out.
        window: Voxels that images are padded to, at least.
        held: How many of what it gives out it holds at a time.
    """

    def __init__(
        self, inferer: Inferer, *, channels: int, window: Sequence[int], held: int = 1
    ) -> None:
        self.inferer = inferer
        self.channels = channels
        self.window = window
        self.held = held

    def __call__(
        self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Predictions (B, channels, *S) of images (B, C, *S).

        Raises:
            InputError: If memory cannot hold them.
        """
        refuse_too_large(
            [max(sides) for sides in zip(inputs.shape[2:], self.window, strict=True)],
            voxel_bytes=4 * len(inputs) * (self.held * self.channels + 1),  # 1: windows that saw it
            what=f"predictions of {self.channels} channels",
            change="give a larger --spacing or smaller --spatial_size, or crop the image",
            device=inputs.device,
        )
        return self.inferer(inputs, network, *args, **kwargs)
