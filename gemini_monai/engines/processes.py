"""Processes that train one network together, started by ``torchrun``, each with its own images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist

from gemini_monai.base.errors import InputError
from gemini_monai.engines.pulse import AGAIN, Pulse, Store, minutes

T = TypeVar("T")
PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others in a step, and for a sign of life from them."""
LONGEST = timedelta(days=2)
"""How long the others wait while the first process tests, as long as it gives signs of life."""
OVERLAY = "multi_gpu_train.json"
"""The overlay of a bundle that lets several processes train together."""
OVERLAY_OF_SCORES = "multi_gpu_evaluate.json"
"""The same, to score a run together."""


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
            f"network alone; for training, put {OVERLAY} last in --config_file, for scores "
            f"{OVERLAY_OF_SCORES}, for anything else start one process"
        )


_pulse: Pulse | None = None
_waiting: dist.ProcessGroup | None = None
"""The group that waits for the first process; by gloo, with a patience of its own."""


def join_processes(patience: timedelta = PATIENCE) -> None:
    """Join the processes that ``torchrun`` started: NCCL between GPUs, gloo otherwise.

    Args:
        patience: After which the others end and name a process that does not come to a step, or
            gives no sign of life.

    Raises:
        InputError: If this process was not started so, or there are fewer GPUs than processes.
    """
    global _pulse, _waiting
    if _joined():
        return
    if "WORLD_SIZE" not in os.environ:
        raise InputError(
            "this configuration is for several processes; start them by torchrun "
            "--nproc_per_node=GPUS -m monai.bundle run ..."
        )
    device = process_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=patience)
    _pulse = Pulse(_store(patience), rank=dist.get_rank(), count=process_count(), patience=patience)
    _pulse.start()  # before the group below, whose patience lets nobody out for days
    _waiting = dist.new_group(backend="gloo", timeout=max(LONGEST, patience))


def _store(patience: timedelta) -> Store:
    """A connection of its own to the store by which the processes found each other."""
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store: Store = dist.TCPStore(  # type: ignore[attr-defined]
        host, port, is_master=False, wait_for_workers=False, timeout=patience
    )
    return store


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
    """Return when every process has come here.

    Raises:
        InputError: As ``naming_who_is_behind``.
    """
    if _joined():
        with naming_who_is_behind():  # on the CPU: a barrier of NCCL would keep the GPU busy
            dist.all_reduce(torch.zeros(1), group=_waiting)


def all_agree(value: bool) -> bool:
    """Whether it is so in every process.

    Raises:
        InputError: As ``naming_who_is_behind``.
    """
    if not _joined():
        return value
    flag = torch.tensor(float(value))  # on the CPU, where a wait ends with an error of Python's
    with naming_who_is_behind():
        dist.all_reduce(flag, op=dist.ReduceOp.MIN)
    return bool(flag)


def gathered(rows: Sequence[T]) -> list[list[T]]:
    """What every process has, by rank; processes may come to this hours apart.

    Args:
        rows: Of this process; plain data.

    Raises:
        InputError: As ``naming_who_is_behind``.
    """
    if not _joined():
        return [list(rows)]
    found: list[list[T]] = [[] for _ in range(process_count())]
    with naming_who_is_behind():
        dist.all_gather_object(found, list(rows), group=_waiting)
    return found


def share_of(items: Sequence[T]) -> list[T]:
    """The items that this process has to do, every so many-th of them.

    Args:
        items: The same in every process.

    Raises:
        InputError: If there are fewer than processes.
    """
    if len(items) < process_count():
        raise InputError(
            f"{process_count()} processes, but {len(items)} test case(s); start as many as there "
            "are cases at most"
        )
    return list(items[process_rank() :: process_count()])


@contextmanager
def naming_who_is_behind() -> Iterator[None]:
    """A step that processes do together.

    Raises:
        InputError: Naming the process that did not come to it in time, or is gone.
    """
    if _pulse is not None:
        _pulse.steps += 1
    try:
        yield
    except RuntimeError as error:
        if _pulse is None or not _is_of_processes(error):
            raise
        raise InputError(_told(_pulse, error)) from error


def _told(pulse: Pulse, error: RuntimeError) -> str:
    who = pulse.behind()
    if who:
        why = f"did not come in {minutes(pulse.patience)}, or is gone"
    else:
        who, why = "a connection", f"failed ({' '.join(str(error).split())[:200]})"
    return f"rank {pulse.rank} waited for the others: {who} {why}; {AGAIN}"


def _is_of_processes(error: RuntimeError) -> bool:
    return isinstance(error, dist.DistError) or "gloo" in str(error)


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()
