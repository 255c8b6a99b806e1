"""All that is known of a grid at a time, however far it has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gemini_monai.report.read import RunContents
from gemini_monai.study.benchmark.grid import Question
from gemini_monai.study.benchmark.results import Row, read_finished, rows
from gemini_monai.study.benchmark.run import Run
from gemini_monai.study.benchmark.tuning import Trial


@dataclass(frozen=True)
class Outcome:
    """What tables and page are made from.

    Attributes:
        question: What was compared, with the overrides that were chosen.
        trials: Of the tuning; none without it.
        finished: What came out of the runs that are done.
        rows: One per system, data set and number of labels.
    """

    question: Question
    trials: tuple[Trial, ...]
    finished: Mapping[Run, RunContents]
    rows: tuple[Row, ...]

    def table(self, data: str, labels: int) -> list[Row]:
        """Rows of a data set with a number of labels, the baseline first."""
        return [row for row in self.rows if (row.data, row.labels) == (data, labels)]

    def seeds(self, data: str, labels: int) -> dict[str, list[RunContents]]:
        """Finished runs of each system on a data set with a number of labels, first seed first."""
        found: dict[str, list[RunContents]] = {arm: [] for arm in self.question.arms}
        for run, contents in self.finished.items():
            if (run.data, run.labels) == (data, labels):
                found[run.method].append(contents)
        return {arm: own for arm, own in found.items() if own}


def read_outcome(question: Question, trials: Sequence[Trial] = ()) -> Outcome:
    """What a grid has come to.

    Args:
        question: What was compared.
        trials: Of its tuning.

    Raises:
        InputError: If a file that a finished run left cannot be understood.
    """
    finished = read_finished(question)
    return Outcome(question, tuple(trials), finished, tuple(rows(question, finished)))
