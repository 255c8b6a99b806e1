"""Run by ``torch.distributed.run``: trains every case in two processes and compares them."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from tests.bundles.contract import CASES
from tests.bundles.runs import paths, workflow


def main(datasets: str, output: str, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    known = {int(dims): Path(path) for dims, path in json.loads(datasets).items()}
    found = {}
    for case in CASES:
        places = paths(known[case.spatial_dims], Path(folder) / str(case))
        found[str(case)] = _together(case, places)
    if dist.get_rank() == 0:
        Path(output).write_text(json.dumps(found))
    gc.collect()  # a reducer that outlives its process group aborts the process
    dist.barrier()
    dist.destroy_process_group()


def _together(case, places):
    distributed = {
        "_target_": "torch.nn.parallel.DistributedDataParallel",
        "module": "@learner",
        "find_unused_parameters": True,
    }
    parts = {
        "train#dataset#rank": dist.get_rank(),
        "train#handlers": [],
        "train#trainer#learner": distributed,
    }
    flow = workflow(*case.files, bundle=case.bundle, **places, **case.overrides())
    for key, value in parts.items():
        flow.parser[key] = value
    flow.initialize()
    trainer, learner = (flow.parser.get_parsed_content(k) for k in ("train#trainer", "learner"))
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    batch = next(iter(trainer.data_loader))
    trainer.run()
    after = learner.state_dict()
    return {
        "other_images": not all(_same(value) for value in batch.values()),
        "equal_at_the_end": all(_same(value) for value in after.values()),
        "moved": any(not torch.equal(value, before[name]) for name, value in after.items()),
    }


def _same(value):
    """Whether all processes hold these numbers, bit for bit."""
    others = [torch.empty_like(value) for _ in range(dist.get_world_size())]
    dist.all_gather(others, value.contiguous())
    return all(torch.equal(other, value) for other in others)


if __name__ == "__main__":
    main(*sys.argv[1:])
