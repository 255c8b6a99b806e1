"""Several trained runs that segment together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor
from tqdm import tqdm

from gemini_monai.inference.averages import ProbabilityMean
from gemini_monai.inference.segmentation import Item, Segmenter
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.runs.alike import agreed, refuse_unlike


class Ensemble(Segmenter):
    """The mean of the probabilities of several runs, on each image's own grid.

    Each run sees the image by its own steps, sizes and intensities. Open it with ``Ensemble.open``.
    All networks are held at once, one image at a time. Largest components and closed holes are
    those of the structures that all runs name.

    Args:
        runs: Of the same structures, at least one.
    """

    def __init__(self, runs: Sequence[TrainedRun]) -> None:
        self.runs = list(runs)
        whole: dict[str, Any] = agreed([vars(run.spec) for run in runs])
        self.spec = replace(runs[0].spec, **whole)

    @classmethod
    def open(
        cls, folders: Sequence[str | Path], *, device: torch.device | str | None = None
    ) -> Ensemble:
        """Read run folders; nothing of them is run.

        Args:
            folders: What trainings left, or unpacked bundles with weights.
            device: Where the networks go; by default a GPU where there is one.

        Raises:
            InputError: As ``TrainedRun.open`` and ``refuse_unlike``.
        """
        refuse_unlike(folders)
        return cls([TrainedRun.open(folder, device=device) for folder in folders])

    @property
    def method(self) -> str:
        """What made its label maps: the methods of its runs."""
        names = dict.fromkeys(str(run.record.get("method", "")) for run in self.runs)
        return f"{' + '.join(names)}, {len(self.runs)} runs"

    def on_own_grid(
        self, image: str | Path | MetaTensor, *, flips: bool = False, **windows: Any
    ) -> Item:
        """As of ``Segmenter``; ``image`` is as the last run saw it."""
        mean = ProbabilityMean(overlapping=self.spec.overlapping)
        for run in self.runs:
            item = run.on_own_grid(image, flips=flips, **windows)
            mean.add(item["pred"])
        return item | {"pred": mean.logits()}


def segment_files(
    segmenter: Segmenter,
    data: Iterable[Mapping[str, str]],
    *,
    postprocessing: Callable[[Item], Item],
    flips: bool = False,
    **windows: Any,
) -> None:
    """Segment files one by one.

    Args:
        segmenter: A run, or several.
        data: Items with ``image``, a file, and ``case``.
        postprocessing: From logits on the image's own grid to what is written.
        flips: As of ``Segmenter.on_own_grid``.
        windows: Arguments of ``window_inferer``.

    Raises:
        InputError: If an image cannot be read, is not one that a run takes, or a file cannot be
            written.
    """
    for entry in tqdm(list(data), desc="segment"):
        item = segmenter.on_own_grid(entry["image"], flips=flips, **windows)
        postprocessing(item | {"case": entry["case"]})
