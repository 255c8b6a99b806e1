"""What Models Genesis restores and nothing else does: texture shuffled in windows of many sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from monai.transforms.transform import RandomizableTransform
from torch import Tensor


class RandWindowShuffle(RandomizableTransform):
    """Shuffle what the image has inside many windows of random sides (Zhou et al., MedIA 2021).

    Each window takes the voxels of the image as it was, so that no voxel goes farther than a
    window, and where windows overlap the last one is seen. Numbers and sizes are those of
    ``local_pixel_shuffling`` of github.com/MrGiovanni/ModelsGenesis, 12f7feb.

    Args:
        prob: Probability of any change.
        boxes: How many windows.
        side: Greatest side of a window as a share of the image's; each side is from 1 voxel to
            that, drawn evenly.
    """

    def __init__(self, prob: float = 0.5, *, boxes: int = 10_000, side: float = 1 / 10) -> None:
        super().__init__(prob)
        self.boxes, self.side = boxes, side

    def __call__(self, image: Tensor) -> Tensor:
        """A changed copy of (C, *S); the channels of a voxel stay together."""
        self.randomize(None)
        if not self._do_transform:
            return image
        places = torch.as_tensor(self._places(image.shape[1:])).to(image.device)
        return image.flatten(1)[:, places.flatten()].reshape(image.shape)

    def _places(self, shape: Sequence[int]) -> np.ndarray:
        """Number of the voxel that each voxel comes to show, (*S)."""
        own = np.arange(np.prod(shape)).reshape(shape)
        places = own.copy()
        for window in self._windows(shape):
            inside = own[window]
            places[window] = self.R.permutation(inside.ravel()).reshape(inside.shape)
        return places

    def _windows(self, shape: Sequence[int]) -> Iterator[tuple[slice, ...]]:
        greatest = [max(1, int(self.side * axis + 1e-6)) for axis in shape]
        sides = np.stack([self.R.randint(1, side + 1, self.boxes) for side in greatest], axis=1)
        room = np.array(shape) - sides + 1
        starts = (self.R.uniform(size=room.shape) * room).astype(int)
        for first, last in zip(starts, starts + sides, strict=True):
            yield tuple(map(slice, first, last))
