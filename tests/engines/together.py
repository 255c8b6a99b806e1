"""Run by ``test_pulse.py``: trains in several processes, one of which stops, dies, or hangs."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta

import torch
from torch.nn.parallel import DistributedDataParallel

from gemini_monai.base.errors import install_hook
from gemini_monai.engines import ObjectiveTrainer
from gemini_monai.engines.processes import join_processes, process_rank, wait_for_others
from tests.handlers.batches import loader, small_learner

FAULTS = {
    "stops": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "dies": lambda: os._exit(9),
    "hangs": lambda: time.sleep(600),
    "works": lambda: None,
}


class _Faulty:
    """Batches, before the third of which something happens."""

    def __init__(self, batches, fault):
        self.batches, self.fault = batches, fault

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        for number, batch in enumerate(self.batches):
            if number == 2:
                self.fault()
            yield batch


def main(rank: str, where: str, kind: str, patience: str) -> None:
    torch.set_num_threads(1)
    join_processes(timedelta(seconds=float(patience)))
    install_hook()  # after PyTorch's own, as in a run
    fault = FAULTS[kind if process_rank() == int(rank) else "works"]
    if where == "waiting":
        fault()
        wait_for_others()
    else:
        learner = small_learner()
        ObjectiveTrainer(
            device="cpu",
            max_epochs=1,
            epoch_length=4,
            train_data_loader=_Faulty(loader(4), fault),
            learner=DistributedDataParallel(learner, find_unused_parameters=True),
            optimizer=torch.optim.SGD(learner.trainable(), 0.1),
        ).run()
    wait_for_others()
    print("to the end", flush=True)
    os._exit(0)  # a reducer that outlives its process group aborts the process


if __name__ == "__main__":
    main(*sys.argv[1:])
