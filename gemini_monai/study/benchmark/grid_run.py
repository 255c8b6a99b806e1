"""One run of a grid, as a command that can be typed by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NOT_RUN = "not run"
PROGRAM = "gemini"
"""First word of a command that is typed in an activated environment."""


@dataclass(frozen=True)
class GridRun:
    """One cell of the grid.

    Attributes:
        name: Of its folder and its log.
        command: As it would be typed.
        done: The file that it writes last.
        after: Names of those that must be done before.
        data: Name of the data set that it is tested on; empty for a pre-training.
        method: Its method.
        labels: Labeled images that it has; 0 for a pre-training.
        draw: Seed of the choice of labeled images; of a pre-training, its seed.
        seed: Of weights and batches.
        also: A command that comes after it, which tests the other checkpoint; empty for none.
    """

    name: str
    command: str
    done: str
    after: tuple[str, ...]
    data: str
    method: str
    labels: int
    draw: int
    seed: int
    also: str = ""

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return Path(self.done).parent

    @property
    def other_test(self) -> Path:
        """Where the checkpoint is tested that the run itself does not test."""
        return other_test(self.folder)

    @property
    def is_done(self) -> bool:
        """Whether it came to its end."""
        return Path(self.done).is_file()

    @property
    def folders(self) -> list[Path]:
        """Its run folder, and those of the runs that it starts from."""
        return [self.folder, *(self.folder.parent / name for name in self.after)]

    @property
    def last_words(self) -> str:
        """Why it is not done: the last line of its log, or of one that it waits for in vain."""
        missing = [
            folder for folder in self.folders if not (folder / Path(self.done).name).is_file()
        ]
        logs = [folder.parent / "logs" / f"{folder.name}.txt" for folder in missing]
        return next((line for line in map(_last_line, logs) if line), NOT_RUN)


def other_test(folder: Path) -> Path:
    """Folder of the test of a run's last checkpoint; beside it, as a run replaces its own tests."""
    return folder.with_name(f"{folder.name}.last")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    said = [line.strip() for text in lines for line in text.split("\r") if line.strip()]
    return said[-1] if said else ""
