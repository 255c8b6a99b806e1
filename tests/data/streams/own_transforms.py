"""Random transforms that MONAI does not have, as somebody writes them for her own images."""

from __future__ import annotations

import numpy as np
import torch
from monai.transforms import GaussianSmooth
from monai.transforms.transform import RandomizableTransform

from gemini_monai.geometry.warp import identity_grid, sample


class Own(RandomizableTransform):
    """A change of ``image`` by draws of its own."""

    def __init__(self, prob=1.0):
        super().__init__(prob)

    def __call__(self, item):
        self.randomize(None)
        if not self._do_transform:
            return item
        return item | {
            "image": self.changed(torch.as_tensor(item["image"]).as_subclass(torch.Tensor))
        }


class Noise(Own):
    def changed(self, image):
        return image + torch.as_tensor(self.R.normal(0, 0.1, image.shape), dtype=image.dtype)


class GlobalNoise(Own):
    def changed(self, image):
        return image + 0.1 * torch.randn_like(image)


class Curve(Own):
    def changed(self, image):
        return image.clamp(0) ** self.R.uniform(0.5, 2)


class Standardized(Own):
    def changed(self, image):
        return (image - image.mean()) / image.std()


class Bias(Own):
    def changed(self, image):
        ramp = identity_grid(image.shape[1:])[0] / image.shape[1]
        return image * (1 + self.R.uniform(-0.5, 0.5) * ramp)


class Negative(Own):
    def changed(self, image):
        return 1 - image


class Hole(Own):
    def changed(self, image):
        starts = [self.R.randint(0, side - 8) for side in image.shape[1:]]
        image = image.clone()
        image[(slice(None), *[slice(start, start + 8) for start in starts])] = 0
        return image


class Blur(Own):
    def changed(self, image):
        return torch.as_tensor(GaussianSmooth(1.0)(image)).as_subclass(torch.Tensor)


class Elastic(Own):
    def changed(self, image):
        grid = identity_grid(image.shape[1:])
        shift = [2 * self.R.uniform(0.5, 1) * np.sin(own / 6 + self.R.uniform(6)) for own in grid]
        return sample(image[None], (grid + torch.stack(shift[::-1]).float())[None])[0]


class Flip(Own):
    def changed(self, image):
        return image.flip(1)


class Roll(Own):
    def changed(self, image):
        return image.roll(int(self.R.randint(1, 5)), dims=1)


class GlobalRoll(Own):
    def changed(self, image):
        return image.roll(int(torch.randint(1, 9, ())), dims=1)


class NoisyFlip(Own):
    def changed(self, image):
        return Noise.changed(self, image.flip(1))


class CurvedElastic(Elastic):
    def changed(self, image):
        return Curve.changed(self, super().changed(image))


class Several(Own):
    def __call__(self, item):
        return [item, item]


class Log(Own):
    def changed(self, image):
        return image.log()


STILL = (Noise, GlobalNoise, Curve, Standardized, Bias, Negative, Hole, Blur)
MOVING = (Elastic, Flip, Roll)
BOTH = (NoisyFlip, CurvedElastic)
