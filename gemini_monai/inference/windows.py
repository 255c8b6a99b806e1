"""Prediction of whole images, window by window or slice by slice."""

from __future__ import annotations

from monai.inferers.inferer import Inferer, SliceInferer, SlidingWindowInferer

from gemini_monai.transforms import InputSpec


def window_inferer(spec: InputSpec, *, overlap: float = 0.25, sw_batch_size: int = 1) -> Inferer:
    """MONAI's sliding windows of the size that the network was trained on.

    Args:
        spec: That size, and whether volumes are seen slice by slice.
        overlap: Share of a window that it shares with the next.
        sw_batch_size: Windows, or slices, at a time.
    """
    size, options = list(spec.spatial_size), {"overlap": overlap, "sw_batch_size": sw_batch_size}
    if spec.slices:
        return SliceInferer(spatial_dim=2, roi_size=size[:2], **options)
    return SlidingWindowInferer(roi_size=size, **options)
