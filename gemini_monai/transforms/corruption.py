"""Corruptions that restoration undoes (equation 11): shuffled, recolored and missing parts.

Images are (C, *S) scaled to [0, 1]; none of these changes its input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from monai.transforms.intensity.array import RandCoarseShuffle
from monai.transforms.transform import RandomizableTransform
from torch import Tensor

Box = tuple[slice, ...]


class RandLocalShuffle(RandomizableTransform):
    """Shuffle the voxels inside many small boxes: local texture goes, shape stays.

    MONAI's ``RandCoarseShuffle`` on a copy, with boxes that grow with the image.

    Args:
        prob: Probability of any change.
        boxes: How many boxes are shuffled, one after the other; they may overlap.
        side: Side of a box along each axis, as a share of the image's side along it, in (0, 1]; at
            least 2 voxels.
    """

    def __init__(self, prob: float = 0.8, *, boxes: int = 1000, side: float = 1 / 30) -> None:
        super().__init__(prob)
        self.boxes = boxes
        self.side = side

    def __call__(self, image: Tensor) -> Tensor:
        """A changed copy of (C, *S)."""
        self.randomize(None)
        if not self._do_transform:
            return image
        size = [max(2, round(self.side * axis)) for axis in image.shape[1:]]
        shuffle = RandCoarseShuffle(self.boxes, size, prob=1.0)
        shuffle.set_random_state(state=self.R)
        return torch.as_tensor(shuffle(image.clone()))


class RandBezierIntensity(RandomizableTransform):
    """Map intensities by a random increasing cubic Bezier curve from (0, 0) to (1, 1).

    Args:
        prob: Probability of any change.
        inverted: Probability, where there is a change, that the curve goes from (0, 1) to (1, 0)
            instead; half in github.com/MrGiovanni/ModelsGenesis, 12f7feb (``pytorch/utils.py``).
        points: How many points of the curve are computed; intensities between two are interpolated
            linearly.
    """

    def __init__(self, prob: float = 0.9, *, inverted: float = 0.0, points: int = 1024) -> None:
        super().__init__(prob)
        self.inverted = inverted
        self.points = points

    def __call__(self, image: Tensor) -> Tensor:
        """A changed copy of (C, *S), within [0, 1] or what the image has beyond it."""
        self.randomize(None)
        if not self._do_transform:
            return image
        x, y = self._curve()
        least, greatest = min(0.0, float(image.min())), max(1.0, float(image.max()))
        span = greatest - least
        mapped = least + span * np.interp((image.cpu().numpy() - least) / span, x, y)
        return torch.as_tensor(mapped, dtype=image.dtype, device=image.device)

    def _curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates of the curve, both ascending, or the second descending."""
        controls = np.vstack([np.zeros(2), self.R.uniform(size=(2, 2)), np.ones(2)])
        t = np.linspace(0, 1, self.points)[:, None]
        weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
        x, y = (weights @ controls).T
        if self.inverted and self.R.uniform() < self.inverted:
            return np.sort(x), np.sort(y)[::-1]
        return np.sort(x), np.sort(y)


class RandInPainting(RandomizableTransform):
    """Replace a few boxes by uniform noise.

    Args:
        prob: Probability of the first box.
        boxes: How many at most.
        again: Probability of each next box.
        sides: Least and greatest side of a box as a share of the image's, an axis at a time.
    """

    def __init__(
        self,
        prob: float = 1.0,
        *,
        boxes: int = 10,
        again: float = 0.95,
        sides: tuple[float, float] = (1 / 20, 1 / 10),
    ) -> None:
        super().__init__(prob)
        self.boxes = boxes
        self.again = again
        self.sides = sides

    def __call__(self, image: Tensor) -> Tensor:
        """A changed copy of (C, *S)."""
        self.randomize(None)
        if not self._do_transform:
            return image
        image = image.clone()
        for box in self._boxes(image.shape[1:]):
            image[box] = self._noise(image[box])
        return image

    def _noise(self, image: Tensor) -> Tensor:
        """Uniform in [0, 1], of the image's shape."""
        return torch.as_tensor(self.R.uniform(size=image.shape)).to(image)

    def _boxes(self, shape: Sequence[int]) -> Iterator[Box]:
        for number in range(self.boxes):
            if number and self.R.uniform() >= self.again:
                break
            yield self._box(shape)

    def _box(self, shape: Sequence[int]) -> Box:
        sides = [max(1, round(axis * self.R.uniform(*self.sides))) for axis in shape]
        starts = [self.R.randint(axis - side + 1) for axis, side in zip(shape, sides, strict=True)]
        place = [slice(start, start + side) for start, side in zip(starts, sides, strict=True)]
        return (slice(None), *place)


class RandOutPainting(RandInPainting):
    """Replace everything but a few large boxes by uniform noise (Zhou et al., MedIA 2021).

    Args:
        prob: Probability of any change.
        boxes: How many at most.
        again: Probability of each next box.
        sides: Least and greatest side of a box as a share of the image's, an axis at a time.
    """

    def __init__(
        self,
        prob: float = 1.0,
        *,
        boxes: int = 5,
        again: float = 0.95,
        sides: tuple[float, float] = (3 / 7, 4 / 7),
    ) -> None:
        super().__init__(prob, boxes=boxes, again=again, sides=sides)

    def __call__(self, image: Tensor) -> Tensor:
        """A changed copy of (C, *S)."""
        self.randomize(None)
        if not self._do_transform:
            return image
        painted = self._noise(image)
        for box in self._boxes(image.shape[1:]):
            painted[box] = image[box]
        return painted
