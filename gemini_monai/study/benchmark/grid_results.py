"""All that is known of a grid at a time, however far it has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from gemini_monai.report.read import RunContents
from gemini_monai.study.benchmark.finished import Tests, declared, read_tests
from gemini_monai.study.benchmark.grid import GridSpec
from gemini_monai.study.benchmark.grid_run import GridRun
from gemini_monai.study.benchmark.result_rows import ResultRow, result_rows
from gemini_monai.study.benchmark.tuning import Trial


@dataclass(frozen=True)
class GridResults:
    """What tables and page are made from.

    Attributes:
        spec: What was compared, with the overrides that were chosen.
        trials: Of the tuning; none without it.
        tests: What came out of the runs that are done, by the checkpoint that was tested.
        rows: One per system, data set and number of labels.
    """

    spec: GridSpec
    trials: tuple[Trial, ...]
    tests: Mapping[GridRun, Tests]
    rows: tuple[ResultRow, ...]

    @cached_property
    def finished(self) -> dict[GridRun, RunContents]:
        """The runs with the scores of the checkpoint that the tables are of."""
        return declared(self.spec, self.tests)

    def table(self, data: str, labels: int) -> list[ResultRow]:
        """Rows of a data set with a number of labels, the baseline first."""
        return [row for row in self.rows if (row.data, row.labels) == (data, labels)]

    def seeds(self, data: str, labels: int) -> dict[str, list[RunContents]]:
        """Finished runs of each system on a data set with a number of labels, first seed first."""
        by_arm: dict[str, list[RunContents]] = {arm: [] for arm in self.spec.arms}
        for run, contents in self.finished.items():
            if (run.data, run.labels) == (data, labels):
                by_arm[run.method].append(contents)
        return {arm: runs for arm, runs in by_arm.items() if runs}


def read_grid_results(spec: GridSpec, trials: Sequence[Trial] = ()) -> GridResults:
    """What a grid has come to.

    Args:
        spec: What was compared.
        trials: Of its tuning.

    Raises:
        InputError: If a file that a finished run left cannot be understood.
    """
    tests = read_tests(spec)
    return GridResults(spec, tuple(trials), tests, tuple(result_rows(spec, tests)))
