"""Signs of life of processes that train together: one that stopped is named, and nobody waits."""

from __future__ import annotations

import atexit
import os
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple, Protocol

from gemini_monai.base.errors import InputError, show_error

BEAT = 10.0
"""Seconds between two signs of life, at most."""
BEATS = 10
"""Signs of life within the patience, at least."""
DONE = "done"
AGAIN = "start all of them again, with --resume True"


class Store(Protocol):
    """What is used of PyTorch's store of keys and values."""

    def set(self, key: str, value: str) -> None:
        """Keep a value."""

    def multi_get(self, keys: list[str]) -> list[bytes]:
        """The values of keys; waits until all are there."""


class Sign(NamedTuple):
    """What a process says of itself."""

    beat: int
    """How often it did."""
    steps: int
    """Steps together with the others that it came to."""
    where: str
    """Process and machine."""

    @classmethod
    def read(cls, text: str) -> Sign:
        """From what ``str`` made.

        Raises:
            ValueError: If it is something else.
        """
        beat, steps, where = text.split(" ", 2)
        return cls(int(beat), int(steps), where)

    def __str__(self) -> str:
        return f"{self.beat} {self.steps} {self.where}"


Signs = Mapping[int, Sign]
"""By the rank of the process that gave it."""


class Pulse:
    """Threads that tell the others that this process lives, and end it when one of them does not.

    A process that is stopped, or whose machine is gone, leaves the others waiting in whatever they
    do together. They end then, each with a line that names it and exit code 1. Time in which this
    process was stopped itself does not count.

    Args:
        store: A connection of its own to what all processes share.
        rank: Of this process.
        count: Of processes.
        patience: Without a sign of life.
    """

    def __init__(self, store: Store, *, rank: int, count: int, patience: timedelta) -> None:
        self.rank = rank
        self.others = [other for other in range(count) if other != rank]
        self.patience = patience
        self.steps = 0
        self.interval = min(BEAT, patience.total_seconds() / BEATS)
        self._store = store
        self._where = f"process {os.getpid()} on {socket.gethostname()}"
        self._last = {other: Sign(0, 0, "not heard of yet") for other in self.others}
        self._ended = threading.Event()
        # Two: where the one that keeps the signs is stopped, an exchange does not come to its end.
        self._threads = [
            threading.Thread(target=live, name="signs of life", daemon=True)
            for live in (self._exchange, self._watch)
        ]

    def start(self) -> None:
        """Begin, when all processes are there."""
        for thread in self._threads:
            thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Say that this process comes to its end, which is no reason for others to."""
        self._ended.set()
        for thread in self._threads:
            thread.join(1.0)

    def behind(self) -> str:
        """Which processes have not come to the step that this one waits in; empty if all have."""
        before = self._last
        self._ended.wait(3 * self.interval)
        now = self._last
        silent = {rank: sign for rank, sign in now.items() if sign == before.get(rank)}
        late = {rank: sign for rank, sign in now.items() if sign.steps < self.steps}
        return _named(silent or late)

    def _exchange(self) -> None:
        """Give a sign, take those of the others, again and again; the last one says the end."""
        beat = 0
        with suppress(RuntimeError):  # who keeps the signs is gone, which the other thread tells
            while not self._ended.is_set():
                beat += 1
                self._store.set(_key(self.rank), str(Sign(beat, self.steps, self._where)))
                texts = self._store.multi_get([_key(other) for other in self.others])
                signs = zip(self.others, map(bytes.decode, texts), strict=True)
                self._last = {k: Sign.read(text) for k, text in signs if text != DONE}
                self._ended.wait(self.interval)
            self._store.set(_key(self.rank), DONE)

    def _watch(self) -> None:
        silence, before = Counter[int](), self._last
        while not self._ended.wait(self.interval):
            now = self._last
            silence = Counter({k: silence[k] + 1 for k in now if now[k] == before.get(k)})
            before = now
            patience = self.patience.total_seconds()
            gone = {k: now[k] for k, count in silence.items() if count * self.interval > patience}
            if gone:
                self._end(gone)

    def _end(self, gone: Signs) -> None:
        if 0 in gone and len(gone) == len(self.others):
            gone = {0: gone[0]}  # it keeps the signs of all, or torchrun on its machine
        error = InputError(
            f"{_named(gone)} gave no sign of life for {minutes(self.patience)}: it was stopped, or "
            f"its machine is gone, so rank {self.rank} ends too; {AGAIN}"
        )
        os._exit(show_error(error))


def minutes(time: timedelta) -> str:
    """A time in words."""
    return f"{time.total_seconds() / 60:g} minutes"


def _key(rank: int) -> str:
    return f"gemini_monai/signs/{rank}"


def _named(signs: Signs) -> str:
    return ", ".join(f"rank {rank} ({sign.where})" for rank, sign in sorted(signs.items()))
