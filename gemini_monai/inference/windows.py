"""Prediction of whole images, window by window or slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from monai.inferers.inferer import Inferer, SliceInferer, SlidingWindowInferer
from torch import Tensor

from gemini_monai.base.memory import refuse_too_large
from gemini_monai.transforms import InputSpec

VOXELS = 2_000_000
"""Of windows that are seen at a time, where these are small."""
MOST = 4
"""Windows that are seen at a time; more bring nothing."""


def window_inferer(
    spec: InputSpec, *, overlap: float = 0.25, sw_batch_size: int | None = None
) -> Inferer:
    """MONAI's sliding windows of the size that the network was trained on.

    An image whose predictions memory cannot hold is refused before the first window. Windows of one
    value, such as air, are computed once.

    Args:
        spec: That size, what the network gives out, and whether volumes are seen slice by slice.
        overlap: Share of a window that it shares with the next.
        sw_batch_size: Windows, or slices, at a time; ``None`` for ``windows_at_a_time``.
    """
    size = list(spec.spatial_size)
    seen = size[: spec.network_dims]
    count = windows_at_a_time(seen) if sw_batch_size is None else sw_batch_size
    options = {"overlap": overlap, "sw_batch_size": count}
    inferer: Inferer
    if spec.slices:
        inferer = SliceInferer(spatial_dim=2, roi_size=seen, **options)
    else:
        inferer = SlidingWindowInferer(roi_size=size, **options)
    return RoomyInferer(SparingInferer(inferer), channels=spec.out_channels, window=size)


def windows_at_a_time(window: Sequence[int]) -> int:
    """How many windows are computed together: several where they are small.

    PyTorch leaves oneDNN for a single small volume, and convolves it up to four times as slowly.
    Large ones are quick alone, and would take memory.

    Args:
        window: Voxels along each axis.
    """
    return max(1, min(MOST, VOXELS // prod(window)))


class SparingInferer(Inferer):
    """An inferer whose network sees a window of one value once, however many there are.

    Args:
        inferer: Of whole images, window by window.
    """

    def __init__(self, inferer: Inferer) -> None:
        self.inferer = inferer

    def __call__(
        self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Predictions (B, K, *S) of images (B, C, *S)."""
        return self.inferer(inputs, _Remembering(network), *args, **kwargs)


class _Remembering:
    """A network and its answers to windows of one value, by that value."""

    def __init__(self, network: Callable[..., Any]) -> None:
        self.network = network
        self.answers: dict[tuple[float, ...], Tensor] = {}

    def __call__(self, windows: Tensor, *args: Any, **kwargs: Any) -> Any:
        flat = windows.flatten(2)
        first = flat[:, :, 0]
        plain = (flat == first[:, :, None]).flatten(1).all(dim=1)
        if args or kwargs or not bool(plain.any()):
            return self.network(windows, *args, **kwargs)
        rest = iter(self.network(windows[~plain])) if not bool(plain.all()) else iter(())
        pairs = zip(plain.tolist(), windows, first.tolist(), strict=True)
        return torch.stack(
            [self._answer(window, value) if same else next(rest) for same, window, value in pairs]
        )

    def _answer(self, window: Tensor, value: Sequence[float]) -> Tensor:
        key = tuple(value)
        if key not in self.answers:
            self.answers[key] = self.network(window[None])[0]
        return self.answers[key]


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
