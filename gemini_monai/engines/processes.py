"""Processes that train one network together, started by ``torchrun``, each with its own images."""

from __future__ import annotations

import os
from datetime import timedelta

import torch
import torch.distributed as dist

from gemini_monai.errors import InputError

PATIENCE = timedelta(days=2)
"""How long the others wait while the first process tests; torchrun ends them all if one fails."""
OVERLAY = "multi_gpu_train.json"
"""The overlay of a bundle that lets several processes train together."""


def process_count() -> int:
    """Processes that train together; 1 for one alone."""
    return dist.get_world_size() if _joined() else 1


def process_rank() -> int:
    """Which of them this is, from 0."""
    return dist.get_rank() if _joined() else 0


def is_first_process() -> bool:
    """Whether this is the one that writes and tests."""
    return process_rank() == 0


def refuse_unjoined() -> None:
    """Stop processes that were started to train together by a configuration that would not.

    Raises:
        InputError: In each of several processes.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count > 1 and not _joined():
        raise InputError(
            f"WORLD_SIZE is {count}, but by this configuration each process would train the same "
            f"network alone; for training, put {OVERLAY} last in --config_file, for anything else "
            "start one process"
        )


def join_processes() -> None:
    """Join the processes that ``torchrun`` started: NCCL between GPUs, gloo otherwise.

    Raises:
        InputError: If this process was not started so, or there are fewer GPUs than processes.
    """
    if _joined():
        return
    if "WORLD_SIZE" not in os.environ:
        raise InputError(
            f"{OVERLAY} is for several processes; start them by torchrun --nproc_per_node=GPUS -m "
            "monai.bundle run ..."
        )
    device = process_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=PATIENCE)


def process_device() -> torch.device:
    """The GPU of this process, by its place on its machine; the CPU where there is none.

    Raises:
        InputError: If there are GPUs, but fewer than processes.
    """
    place, there = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if not there:
        return torch.device("cpu")
    if place >= there:
        raise InputError(f"process {place} of this machine has no GPU: there are {there}")
    return torch.device("cuda", place)


def wait_for_others() -> None:
    """Return when every process has come here."""
    if _joined():
        dist.all_reduce(torch.zeros(1))  # on the CPU: a barrier of NCCL would keep the GPU busy


def all_agree(value: bool, *, device: torch.device) -> bool:
    """Whether it is so in every process."""
    if not _joined():
        return value
    flag = torch.tensor(float(value), device=device)
    dist.all_reduce(flag, op=dist.ReduceOp.MIN)
    return bool(flag)


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()
