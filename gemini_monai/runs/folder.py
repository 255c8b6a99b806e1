"""A run folder: what lies where in it, and the arms inside."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json, write_json

FILES = (
    "run.json",
    "config.json",
    "history.csv",
    "validation.csv",
    "monitor.csv",
    "probe.csv",
    "report.html",
    "models/last.pt",
    "models/model.pt",
    "test/segmentation.csv",
    "test/segmentation.json",
    "test/registration.csv",
    "test/registration.json",
    "test/pairs/worst.npz",
    "test/pairs/median.npz",
    "test/pairs/best.npz",
    "examples/restoration.npz",
    "examples/pairs/first.npz",
    "examples/pairs/second.npz",
)
"""What a run writes, beside predictions and TensorBoard's events."""
FOLDERS = ("models", "test", "examples", "tensorboard", "probe")
"""Folders of a run that no arm can have the name of."""
PREDICTIONS = "test/predictions"
EVENTS = "tensorboard"


class RunFolder:
    """Where everything of a run lies.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.record = self.path / "run.json"
        self.configuration = self.path / "config.json"
        self.history = self.path / "history.csv"
        self.validation = self.path / "validation.csv"
        self.monitor = self.path / "monitor.csv"
        self.probe = self.path / "probe.csv"
        self.report = self.path / "report.html"
        self.last = self.path / "models" / "last.pt"
        self.model = self.path / "models" / "model.pt"
        self.test = self.path / "test"
        self.examples = self.path / "examples"

    def arms(self) -> list[RunFolder]:
        """Runs that were trained to compare with this one, in its own folder.

        Raises:
            InputError: If ``run.json`` names something else than a folder that lies in this one.
        """
        content = read_json(self.record, dict) if self.record.is_file() else {}
        names = content.get("compare", [])
        if not isinstance(names, list):
            raise InputError(f"{self.record}: key 'compare': expected a list, found {names!r}")
        for name in names:
            if not is_arm_name(name) or (self.path / name).is_symlink():
                raise InputError(
                    f"{self.record}: key 'compare': {name!r} is not the name of a folder in the run"
                )
        arms = [RunFolder(self.path / name) for name in names]
        return [arm for arm in arms if arm.record.is_file()]

    def events(self) -> list[Path]:
        """TensorBoard's files that are there, of any process."""
        return sorted((self.path / EVENTS).glob("events.out.tfevents.*"))

    def events_of_this_process(self) -> list[Path]:
        """TensorBoard's files that this process writes."""
        own = f".{socket.gethostname()}.{os.getpid()}."
        return [path for path in self.events() if own in path.name]


def is_arm_name(name: Any) -> bool:
    """Whether a name is that of a folder directly in another, whatever the folder is."""
    return isinstance(name, str) and Path(name).name == name and name not in ("", "..")


def arm_name(overlay: str) -> str:
    """Folder of an arm, from the name of its method or the file of its overlay."""
    return Path(overlay).stem.removeprefix("method_")


def add_arm(folder: str | Path, name: str) -> None:
    """Let the record of a run name one of its arms, before that is trained."""
    record = RunFolder(folder).record
    content = read_json(record, dict)
    names = dict.fromkeys([*content.get("compare", []), name])
    write_json(record, content | {"compare": list(names)})
