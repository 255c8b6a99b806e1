"""The grid, run by Snakemake: on this machine, or wherever its executors reach."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import refuse_without
from gemini_monai.base.files import write_json
from gemini_monai.study.benchmark.grid_run import PROGRAM, GridRun

GRID = "grid.json"
SNAKEFILE = Path(__file__).with_name("Snakefile")
LOCK = ".benchmark.lock"


def refuse_without_engine() -> None:
    """Stop where Snakemake is not installed.

    Raises:
        InputError: Saying what installs it.
    """
    refuse_without("snakemake", extra="benchmark", purpose="a comparison of systems")


def run_grid(
    runs: Sequence[GridRun], *, output: Path, cores: int = 1, more: Sequence[str] = ()
) -> bool:
    """Make every run that is not there yet; those that fail do not stop the others.

    Args:
        runs: Of the grid; one that is there twice is made once.
        output: Folder of the runs.
        cores: Runs at a time on this machine, one thread each.
        more: Options of Snakemake, such as ``--executor slurm --jobs 20`` or ``--dry-run``.

    Returns:
        Whether all went well.

    Raises:
        InputError: If Snakemake is not installed, or another benchmark is running in the folder.
    """
    refuse_without_engine()
    output = output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    words = ["--snakefile", str(SNAKEFILE), "--configfile", str(output / GRID)]
    words += ["--directory", str(output), "--keep-going", "--rerun-incomplete"]
    words += ["--rerun-triggers", "mtime"]  # settings, data and version are in a run's name
    words += ["--nolock"]  # Snakemake's lock outlives a killed grid, which is to go on
    command = [sys.executable, "-m", "snakemake", *words, "--cores", str(cores), *more]
    cells = [asdict(run) | {"command": _commands(run)} for run in dict.fromkeys(runs)]
    content = {"here": str(Path.cwd()), "runs": cells}
    with _alone(output):
        write_json(output / GRID, content)
        return subprocess.run(command, check=False).returncode == 0


def _commands(run: GridRun) -> str:
    """What a run takes, one after the other."""
    return " && ".join(_by_this_python(command) for command in (run.command, run.also) if command)


def _by_this_python(command: str) -> str:
    """A command in this environment, which need not be activated where it is run."""
    program, *words = shlex.split(command)
    python = [sys.executable, "-m", "gemini_monai"]
    return shlex.join([*(python if program == PROGRAM else [program]), *words])


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """No other benchmark is in the folder; the end of the process, too, lets others in."""
    lock = FileLock(output / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(
            f"{output}: another benchmark is running there; wait for its end, or give another "
            "--output"
        ) from error
    try:
        yield
    finally:
        lock.release()
