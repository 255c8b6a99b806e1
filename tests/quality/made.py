"""Images of one bright blob, and a network that finds it by its brightness."""

from __future__ import annotations

import numpy as np
import torch

from gemini_monai.data import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.inference import TrainedRun
from tests.data.prepare.made import save
from tests.inference.networks import PerVoxel

SIZE = {2: (24, 20), 3: (12, 12, 10)}


class Bright(PerVoxel):
    """Dense features are the image."""

    def features(self, image):
        return image


def blob(number, *, dims=2):
    """An image and its label; a corner blob off the center, over a slope along the first axis."""
    shape = SIZE[dims]
    rng = np.random.default_rng(number)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"))
    column = (-1, *[1] * dims)
    center = np.array(shape).reshape(column) * 0.38 + rng.normal(0, 0.4, dims).reshape(column)
    label = (np.sqrt(((grid - center) ** 2).sum(0)) < 3.4 + rng.random()).astype(np.uint8)
    slope = 20 * grid[0] / shape[0]
    image = 50 + 80 * label + slope + rng.normal(0, 2 + 6 * (number % 4), shape)
    return np.clip(image, 0, 255).astype(np.uint8), label


def cohort(folder, *, images=30, labels=9, dims=2):
    """Prepared, of as many images, the first of which have labels."""
    for number in range(images):
        image, label = blob(number, dims=dims)
        save(folder / "scans" / "images" / f"c{number:02}.nii.gz", image)
        if number < labels:
            save(folder / "scans" / "labels" / f"c{number:02}.nii.gz", label)
    wanted = Wanted(labeled=3, validation=labels - 4, test=1, spatial_size=list(SIZE[dims]))
    prepare_folder(folder / "scans", folder / "data", wanted=wanted.check())
    return read_cohort(folder / "data" / "dataset.json")


def run_of(folder, found):
    """A run whose network needs no training."""
    spec = found.input_spec(intensity={"kind": "range", "lower": 0, "upper": 255})
    record = {"settings": spec.settings(), "method": "supervised", "task": "segmentation"}
    network = Bright((40.0, 0.38)).eval()
    return TrainedRun(folder, record=record, network=network)


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array[None])).float()
