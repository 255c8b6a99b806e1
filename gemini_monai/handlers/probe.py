"""What the features of a backbone know while it is pre-trained."""

from __future__ import annotations

from pathlib import Path

from ignite.engine import Engine, Events
from tqdm import tqdm

from gemini_monai.handlers.rows import rows_until, write_rows
from gemini_monai.inference.probe import Probe
from gemini_monai.networks import Gemini


class ProbeCurve:
    """Handler that writes ``probe.csv``, and a line in the terminal: scores of frozen features.

    The first row is of iteration 0, the network as it was initialized: the line to be above. The
    last is of the end.

    Args:
        folder: The run folder.
        probe: What scores the features; sees labeled and validation images, never a test image.
        network: What is pre-trained.
        interval: Epochs between two rows.
    """

    def __init__(
        self, folder: str | Path, *, probe: Probe, network: Gemini, interval: int = 1
    ) -> None:
        self.path = Path(folder) / "probe.csv"
        self.probe = probe
        self.network = network
        self.interval = interval
        self.rows: list[dict[str, float]] = []

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval), self._look)
        engine.add_event_handler(Events.COMPLETED, self._end)

    def _start(self, engine: Engine) -> None:
        if not self.rows:
            self.rows = rows_until(self.path, engine.state.iteration)
        if engine.state.iteration == 0:
            self._look(engine)

    def _end(self, engine: Engine) -> None:
        if self.rows and self.rows[-1]["iteration"] < engine.state.iteration:
            self._look(engine)

    def _look(self, engine: Engine) -> None:
        if getattr(engine.state, "rank", 0) != 0:
            return
        scores = self.probe.look(self.network, engine.state.device)
        self.rows.append({"iteration": engine.state.iteration, **scores})
        write_rows(self.path, self.rows)
        shown = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in scores.items())
        tqdm.write(f"probe at iteration {engine.state.iteration}: {shown}")
