"""Run folders as a training leaves them, without a training."""

from __future__ import annotations

import json
from pathlib import Path

from gemini_monai.base.tables import write_table
from gemini_monai.runs import RunFolder, close_run, files_to_write, open_run
from gemini_monai.runs.lock import HOLDER, LOCK

PREDICTIONS = ("a.nii.gz", "b.nii.gz")
WRITTEN = (
    *("config.json", "history.csv", "report.html", "models/model.pt", "models/last.pt"),
    *("test/segmentation.json", "examples/pairs/first.npz"),
)
EARLY = {
    "method": "GEMINI",
    "bundle": "gemini_semi",
    "task": "segmentation",
    "settings": {"spatial_dims": 2},
    "iterations": 4,
}
"""What records said before they listed files."""


def write_files(folder, *, content="x"):
    """What a run writes, two rows of scores for each prediction among it."""
    for name in (*WRITTEN, *(f"test/predictions/{name}" for name in PREDICTIONS)):
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content} {name}")
    names = [str(Path(folder) / "test" / "predictions" / name) for name in PREDICTIONS]
    rows = [{"case": name[0], "prediction": name} for name in names for _ in range(2)]
    write_table(Path(folder) / "test" / "segmentation.csv", rows)


def finished_run(folder, *, early=False, content="x", **record):
    """A run that came to its end."""
    open_run(folder, predictions=PREDICTIONS)
    write_files(folder, content=content)
    run = RunFolder(folder)
    _say(run, EARLY)
    close_run(folder)
    known = json.loads(run.record.read_text())
    run.record.write_text(json.dumps(EARLY if early else known))
    _say(run, record)
    return run


def _say(run, more):
    run.record.write_text(json.dumps(json.loads(run.record.read_text()) | more))


def started_run(folder, **options):
    """A run that was opened, and has written all but a checkpoint."""
    open_run(folder, predictions=PREDICTIONS, **options)
    _say(RunFolder(folder), {"files": files_to_write(folder)})
    for name in ("history.csv", "probe.csv", "models/model.pt"):
        (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
        (Path(folder) / name).write_text("new")


def bytes_of(folder, *, but=(LOCK, HOLDER)):
    """Content by name of every file, also of hidden ones."""
    paths = [path for path in Path(folder).rglob("*") if path.is_file() and path.name not in but]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}
