"""Trainings in which two processes must come to what one does with the images of both."""

from __future__ import annotations

import torch
from torch.utils.data import Dataset

from tests.bundles.contract import CASES
from tests.bundles.runs import paths, workflow

EXACT = [case for case in CASES if case.overlay is None]
"""Both bundles and fine-tuning, in 2-D and 3-D."""
SEPARATE = {
    "train#handlers": [],
    "epochs": 1,
    "epoch_length": 3,
    "optimizer": {
        "_target_": "torch.optim.SGD",  # Adam's first steps are signs, and double rounding
        "params": "$@learner.trainable()",
        "lr": 0.001,
    },
}
PAIRED = {"pairing": "separate", "contrast_weight": 0.0}
"""No ring across processes, and no places that each draws for itself."""
UNPASTED = {
    "pairs_interval": 1,
    "objectives": {"homeomorphism": "@homeomorphism", "segmentation": "@segmentation"},
}
"""No box that each draws for itself."""


def exact_trainer(case, datasets, folder, *overlays, rank=None):
    """The trainer of a case, three steps of SGD."""
    more = SEPARATE | (PAIRED if case.base == "train" else {})
    if case.base == "train":
        more |= {"restoration_weight": 1.0} if "mip" in case.bundle.name else UNPASTED
    places = paths(datasets[case.spatial_dims], folder / f"{case}_exact")
    overrides = case.overrides() | case.quick() | more
    flow = workflow(*case.files, *overlays, bundle=case.bundle, **places, **overrides)
    if rank is not None:
        flow.parser["train#dataset#rank"] = rank
    flow.initialize()
    return flow.parser.get_parsed_content("train#trainer")


class Doubled(Dataset):
    """Batches of two processes as one."""

    def __init__(self, *datasets):
        self.datasets = datasets

    def __len__(self):
        return len(self.datasets[0])

    def __getitem__(self, index):
        first, second = (dataset[index] for dataset in self.datasets)
        return {key: torch.cat([value, second[key]]) for key, value in first.items()}


def doubled_state(case, datasets, folder):
    """Weights of one process that had the images of both."""
    trainer, other = (exact_trainer(case, datasets, folder, rank=rank) for rank in (0, 1))
    both = Doubled(trainer.data_loader.dataset, other.data_loader.dataset)
    trainer.state.dataloader = trainer.data_loader = torch.utils.data.DataLoader(
        both, batch_size=None
    )
    trainer.run()
    return trainer.learner.state_dict()
