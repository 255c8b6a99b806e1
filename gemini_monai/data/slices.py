"""Slices of volumes as images of their own, for 2-D networks on 3-D data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch.utils.data import Dataset


class SliceDataset(Dataset[dict[str, Any]]):
    """Item ``i`` is one slice of one volume, across the last axis; all slices of all volumes.

    What the paper fine-tunes 2-D networks on for KiPA22 and CANDI. Prediction slice by slice is
    MONAI's ``SliceInferer(spatial_dim=2)``.

    Args:
        volumes: Items with ``image`` (C, X, Y, Z) and, for some uses, ``label``.
        keys: What is sliced; other keys are left out.
    """

    def __init__(
        self, volumes: Sequence[Mapping[str, Any]], *, keys: Sequence[str] = ("image", "label")
    ) -> None:
        self.volumes = volumes
        self.keys = tuple(keys)
        depths = [volumes[number]["image"].shape[-1] for number in range(len(volumes))]
        self.places = [(number, z) for number, depth in enumerate(depths) for z in range(depth)]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> dict[str, Any]:
        number, z = self.places[index]
        volume = self.volumes[number]
        return {key: volume[key][..., z] for key in self.keys if key in volume}
