"""What Linux, macOS and Windows each do in a way of their own: the only file that asks which it is.

A name that one of the three lacks, or that means something else there, stands here alone, beside
what takes its place. ``tests/base/test_portable.py`` holds the rest of the package to that.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import psutil

WINDOWS = sys.platform == "win32"
MACOS = sys.platform == "darwin"
STATUS = Path("/proc/self/status")
CONTAINER = Path("/sys/fs/cgroup")
CGROUPS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)
"""Files of a container's limit, its use, and the part of that which can be let go; two versions."""
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts to rename a file that another program has open."""
RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever suffix they have."""
PLAIN = re.compile(r"[\w%+=:./\\-]+")
"""Words that neither PowerShell nor Windows' own command line reads as more than text."""


def flush(path: Path) -> None:
    """Have a file on the disk, and not in the operating system's memory alone."""
    with path.open("r+b") as file:  # Windows flushes only what is open for writing
        os.fsync(file.fileno())


def replace(source: Path, target: Path) -> None:
    """Rename a file, or a folder whose target is not there; a file at the target goes.

    Windows refuses while anybody has either of them open, as virus scanners have for a moment. It
    is asked again for a second and a half.

    Raises:
        OSError: If it stays refused.
    """
    for pause in PAUSES if WINDOWS else ():
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    source.replace(target)


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Give a large file a second name, or copy it where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def cannot_be_written(name: str) -> bool:
    """Whether this system has no file of a name, which has neither ``/`` nor a backslash."""
    if not WINDOWS:
        return False
    return (
        any(c in '<>:"|?*' for c in name) or name[-1:] in (".", " ") or bool(RESERVED.match(name))
    )


def is_running(process: int) -> bool:
    """Whether there is a process of that number; on Windows signal 0 would not ask, but stop it."""
    try:
        return psutil.pid_exists(process)
    except OverflowError:
        return False


def processors() -> int:
    """Processors that this process may use."""
    process = psutil.Process()
    allowed = process.cpu_affinity() if hasattr(process, "cpu_affinity") else None  # not on macOS
    return len(allowed or ()) or os.cpu_count() or 1


def starts_by_fork() -> bool:
    """Whether worker processes share what this one has in memory, instead of importing it anew."""
    chosen = multiprocessing.get_start_method(allow_none=True)  # not to be fixed by a question
    return (chosen or multiprocessing.get_all_start_methods()[0]) == "fork"


def peak_memory() -> int:
    """Most bytes of this process at any time; what it has where nothing tells."""
    memory = psutil.Process().memory_info()
    of_windows: int = getattr(memory, "peak_wset", 0)
    return of_windows or _peak_of_status() or _peak_of_usage() or int(memory.rss)


def _peak_of_status() -> int:
    """Linux'; what ``getrusage`` says there may be of the process that started this one."""
    try:
        found = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text(encoding="utf-8"))
    except OSError:
        return 0
    return 1024 * int(found[1]) if found else 0


def _peak_of_usage() -> int:
    try:
        resource = import_module("resource")
    except ImportError:
        return 0
    most = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return most if MACOS else 1024 * most


def free_memory() -> float:
    """Bytes that can be had, no more than the limit of a container leaves."""
    known = [_of_container(*files) for files in CGROUPS]
    there = float(psutil.virtual_memory().available)
    return min([there, *(value for value in known if value is not None)])


def _of_container(limit: str, used: str, reclaimable: str) -> float | None:
    """What its limit leaves; ``None`` without one."""
    try:
        most, now = ((CONTAINER / name).read_text().strip() for name in (limit, used))
        stat = (CONTAINER / limit).with_name("memory.stat").read_text()
    except OSError:
        return None
    if not (most.isdigit() and now.isdigit()):
        return None
    rows = [line.split() for line in stat.splitlines()]
    kept = next((int(row[1]) for row in rows if row[0] == reclaimable), 0)
    return float(max(0, int(most) - int(now) + kept))


def child_environment() -> dict[str, str]:
    """Variables for a Python that is started from here; those that are set stay.

    On Windows its texts are UTF-8, also those that MONAI opens without naming an encoding. On macOS
    PyTorch computes on the CPU what it cannot on the GPU, instead of stopping.
    """
    wanted = {"PYTHONUTF8": "1"} if WINDOWS else {}
    wanted |= {"PYTORCH_ENABLE_MPS_FALLBACK": "1"} if MACOS else {}
    return wanted | dict(os.environ)


def become(words: Sequence[str]) -> NoReturn:
    """Let Python run something in the place of this process, whose exit code is then its own.

    Windows' exec ends this process at once and leaves the other one behind the prompt, so there it
    is waited for.

    Args:
        words: After ``python``.
    """
    command = [sys.executable, *words]
    if not WINDOWS:
        os.execve(sys.executable, command, child_environment())
    with subprocess.Popen(command, env=child_environment()) as child:
        while child.poll() is None:
            try:
                child.wait()
            except KeyboardInterrupt:  # which the other process got too, and ends by itself
                continue
    sys.exit(child.returncode)


def windows_command_line(words: Sequence[str]) -> str:
    """Words as a person types them into PowerShell or Windows' own shell."""
    return " ".join(
        word if PLAIN.fullmatch(word) else '"' + word.replace('"', '\\"') + '"' for word in words
    )


def tolerate_any_text() -> None:
    """Let standard output write a text that its encoding lacks as an escape, instead of stopping.

    Into a pipe or file Windows writes a code page of 256 characters.
    """
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if WINDOWS and reconfigure is not None:
        reconfigure(errors="backslashreplace")
