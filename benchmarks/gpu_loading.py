"""Time to have a batch of GEMINI-MIP on a GPU, by where it is made; of ``benchmarks.gpu``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.loading import seconds_each, workflow, write_images
from gemini_monai.base.system import processors


def loading(*, size: int = 512, pairs: int = 5, count: int = 12) -> Iterator[dict[str, Any]]:
    """Seconds to have a batch of GEMINI-MIP, by where it is made and from what."""
    cores = processors()
    with tempfile.TemporaryDirectory() as folder:
        datalist = write_images(Path(folder), images=16, size=size)
        shared = {"iterations": 8 * count, "pairs": pairs, "unlabeled_images": pairs}
        shared |= {"restoration_weight": 1.0, "device": "cuda"}
        for title, options in (
            ("from files", {"cache_rate": 0.0}),
            ("from memory", {}),
            ("from memory, transforms on the GPU", {"transforms_on": "cuda"}),
        ):
            for workers in (0,) if "transforms_on" in options else (0, 1, 4, 8, cores - 1):
                flow = workflow(datalist, num_workers=workers, **shared, **options)
                batches = flow.parser.get_parsed_content("train#dataloader")
                taken = seconds_each(_on_gpu(batches), count + 4 * workers)
                yield {"from": title, "workers": workers, "milliseconds": round(1000 * taken, 1)}


def _on_gpu(batches: Any) -> Iterator[dict[str, Tensor]]:
    for batch in batches:
        yield {key: value.to("cuda", non_blocking=True) for key, value in batch.items()}
        torch.cuda.synchronize()
