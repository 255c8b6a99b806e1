"""The grid, run by Snakemake: on this machine, or wherever its executors reach."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from gemini_monai.benchmark.grid import Question, as_json
from gemini_monai.errors import InputError
from gemini_monai.files import write_json

GRID = "grid.json"
SNAKEFILE = Path(__file__).with_name("Snakefile")


def run_grid(question: Question, *, cores: int = 1, more: Sequence[str] = ()) -> bool:
    """Make every run that is not there yet; those that fail do not stop the others.

    Args:
        question: What is to be compared.
        cores: Runs at a time on this machine, one thread each.
        more: Options of Snakemake, such as ``--executor slurm --jobs 20`` or ``--dry-run``.

    Returns:
        Whether all went well.

    Raises:
        InputError: If Snakemake is not installed.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise InputError(
            "benchmark: needs the package snakemake: pip install 'gemini_monai[benchmark]'"
        )
    output = question.output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    content = {"here": str(Path.cwd()), "runs": as_json(question.runs())}
    write_json(output / GRID, content)
    words = ["--snakefile", str(SNAKEFILE), "--configfile", str(output / GRID)]
    words += ["--directory", str(output), "--keep-going", "--rerun-incomplete"]
    command = [sys.executable, "-m", "snakemake", *words, "--cores", str(cores), *more]
    return subprocess.run(command, check=False).returncode == 0
