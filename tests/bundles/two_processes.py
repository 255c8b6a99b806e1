"""Run by ``torch.distributed.run``: trains in two processes by the shipped overlay; compares."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from gemini_monai.engines.processes import is_first_process, wait_for_others
from tests.bundles.contract import CASES
from tests.bundles.doubled import EXACT, exact_trainer
from tests.bundles.runs import SMALL, paths, workflow

TOGETHER = [
    case
    for case in CASES
    if case.overlay is None
    or (
        case.overlay.startswith("method_")
        and case.spatial_dims == 2
        and not case.twin
        and case.owns
    )
]
"""Trainings without an overlay, and methods that own something which has to stay equal."""


def main(datasets: str, output: str, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    known = {int(dims): Path(path) for dims, path in json.loads(datasets).items()}
    found = {}
    for case in TOGETHER:
        places = paths(known[case.spatial_dims], Path(folder) / str(case))
        found[str(case)] = _together(case, places)
    for case in EXACT:
        trainer = exact_trainer(case, known, Path(folder), "multi_gpu_train")
        trainer.run()
        if dist.get_rank() == 0:
            state = trainer.learner.module.state_dict()
            torch.save(state, Path(folder) / f"{case}.pt")
    found["skipped"] = _with_a_bad_image(known, Path(folder))
    score(known[2], Path(folder), "together", "multi_gpu_evaluate")
    if dist.get_rank() == 0:
        Path(output).write_text(json.dumps(found))
    gc.collect()  # a reducer that outlives its process group aborts the process
    dist.barrier()
    dist.destroy_process_group()


def score(dataset, folder, name, *overlays):
    """Scores of an untrained network, in ``folder/name/test``."""
    weights = {"weights": str(folder / "initial.pt"), "spatial_size": [32, 32]}
    options = paths(dataset, folder / name) | SMALL | weights
    flow = workflow("train", "evaluate", *overlays, **options)
    flow.initialize()
    if is_first_process():
        torch.save(flow.parser.get_parsed_content("network").state_dict(), folder / "initial.pt")
    wait_for_others()
    flow.run()


def _together(case, places):
    changes = case.overrides() | case.quick() | {"train#handlers": [], "epoch_length": 1}
    flow = workflow(*case.files, "multi_gpu_train", bundle=case.bundle, **places, **changes)
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


def _with_a_bad_image(known, folder):
    """Steps left out, and whether weights stay equal, when one process alone meets a NaN."""
    trainer = exact_trainer(EXACT[0], known, folder / "bad", "multi_gpu_train")
    dataset, rank = trainer.data_loader.dataset, dist.get_rank()
    draw = type(dataset).__getitem__

    class Bad(type(dataset)):
        def __getitem__(self, index):
            batch = draw(self, index)
            if rank == 1 and index == 2:
                batch["image"] = batch["image"] * float("nan")
            return batch

    dataset.__class__ = Bad
    trainer.run()
    return {
        "steps": trainer.state.skipped_steps,
        "equal_at_the_end": all(_same(v) for v in trainer.learner.module.state_dict().values()),
    }


def _same(value):
    """Whether all processes hold these numbers, bit for bit."""
    others = [torch.empty_like(value) for _ in range(dist.get_world_size())]
    dist.all_gather(others, value.contiguous())
    return all(torch.equal(other, value) for other in others)


if __name__ == "__main__":
    main(*sys.argv[1:])
