"""Is the correspondence being learned? Agreement, folding and collapse on a fixed batch."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import torch
from einops import rearrange
from ignite.engine import Engine, Events
from monai.metrics.embedding_collapse import EmbeddingCollapseMetric
from torch import Tensor
from tqdm import tqdm

from gemini_monai.geometry.types import Image
from gemini_monai.geometry.warp import inbounds_mask, warp
from gemini_monai.handlers.rows import rows_until, write_rows
from gemini_monai.inference.registration_scores import RegistrationScores
from gemini_monai.losses import VisualSimilarityLoss
from gemini_monai.metrics import folding_percent, inverse_error
from gemini_monai.networks import DenseNetwork
from gemini_monai.networks.gemini import Correspondence
from gemini_monai.runs import MATCHING, pairs_match

POINTS = 512


class CorrespondenceMonitor:
    """Handler that writes ``monitor.csv``, and a line in the terminal: every epoch, same images.

    ``inbounds_percent``: voxels whose partner lies inside the other image. ``folding_percent``:
    voxels where the field folds. ``similarity_before`` and ``similarity_after``: squared local
    correlation of the pairs (equation 6), unmoved and warped, at places with a partner.
    ``displacement``: mean length of the field in voxels. ``inverse_error``: how far there and back
    again ends from where it began, in voxels. ``feature_std``: standard deviation over points of
    unit features, as a share of that of directions spread evenly (Chen and He, CVPR 2021): 0 when
    all are alike. ``collapse``: MONAI's ``EmbeddingCollapseMetric`` of those features, 1 when they
    use one direction only. ``dice_before`` and ``dice_after``, with ``labeled``: of the labels of
    its pairs, unmoved and warped. The log says what to try where features are nearly alike, or
    pairs do not match when training is half done.

    Args:
        folder: The run folder.
        network: A ``Gemini``.
        images: Two images or more, (B, C, *S); each is paired with the next.
        pairs: Whether the network learns correspondence; without, its field says nothing.
        labeled: Pairs of validation images that registration is scored on, too; ``None`` for none.
        alarm: How near, from 0 (always) to 1 (never): warn when ``collapse``, or 1 minus
            ``feature_std``, is above.
        seed: Seed of the choice of points that features are taken at; the same ones every epoch.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        network: DenseNetwork,
        images: Tensor,
        pairs: bool = True,
        labeled: RegistrationScores | None = None,
        alarm: float = 0.9,
        seed: int = 0,
    ) -> None:
        self.path = Path(folder) / "monitor.csv"
        self.network = network
        self.images = images
        self.pairs = pairs
        self.labeled = labeled
        self.alarm = alarm
        self.seed = seed
        self.rows: list[dict[str, float]] = []

    def attach(self, engine: Engine) -> None:
        """Follow a trainer."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._watch)

    def _start(self, engine: Engine) -> None:
        iteration = engine.state.iteration
        last = iteration if self.path.exists() else None
        self.rows = rows_until(self.path, iteration, last=last)

    def _watch(self, engine: Engine) -> None:
        if getattr(engine.state, "rank", 0) != 0:
            return
        row = {"iteration": engine.state.iteration, **self.look(engine.state.device)}
        self.rows.append(row)
        write_rows(self.path, self.rows)
        shown = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in row.items())
        tqdm.write(shown)
        self._warn(engine, row)

    def _warn(self, engine: Engine, row: dict[str, float]) -> None:
        log, total = logging.getLogger(__name__), engine.state.max_epochs or 0
        if 2 * engine.state.epoch >= total and pairs_match(row) is False:
            log.warning(
                "iteration %d: pairs do not match: warping raises their similarity from %.2f to "
                "%.2f, and of fields %.1f voxels long there and back again misses by %.1f. "
                "Agreement of features across such pairs may be no help: train longer, pair more "
                "similar images (groups), or align them first",
                engine.state.iteration,
                *(row[name] for name in MATCHING),
            )
        if max(row["collapse"], 1 - row["feature_std"]) > self.alarm:
            log.warning(
                "iteration %d: features are nearly alike everywhere (spread %.2f of 1, collapse "
                "%.2f of 1), so they tell no point from another. Raise the weight of the other "
                "objective, lower 'positive' or start it later (positive_start), or lower the "
                "learning rate",
                engine.state.iteration,
                row["feature_std"],
                row["collapse"],
            )

    @torch.no_grad()
    def look(self, device: torch.device | str) -> dict[str, float]:
        """The numbers of a row for the network as it is."""
        training = self.network.training
        self.network.eval()
        pair: Correspondence = self.network.correspond(self.images.to(device))
        points = self._points(pair.features_a)
        found = {
            **(_matching(self.images.to(device), pair) if self.pairs else {}),
            "feature_std": float(points.std(dim=0).mean()) * points.shape[1] ** 0.5,
            "collapse": _collapse(points),
            **(self.labeled.means() if self.labeled is not None else {}),
        }
        self.network.train(training)
        return found

    def _points(self, features: Tensor) -> Tensor:
        """Unit features (points, K) at fixed random places."""
        rows = rearrange(features.float(), "b k ... -> (b ...) k")
        generator = torch.Generator().manual_seed(self.seed)
        chosen = torch.randperm(len(rows), generator=generator)[:POINTS]
        return torch.nn.functional.normalize(rows[chosen.to(rows.device)], dim=1)


def _matching(images: Image, pair: Correspondence) -> dict[str, float]:
    """How well a ring of images is registered by its fields."""
    mask, following = inbounds_mask(pair.ddf_ab), images.roll(-1, dims=0)
    loss = VisualSimilarityLoss()
    return {
        "inbounds_percent": 100 * float(mask.float().mean()),
        "folding_percent": float(folding_percent(pair.ddf_ab).mean()),
        "similarity_before": 1 - float(loss(images, following, mask)),
        "similarity_after": 1 - float(loss(warp(images, pair.ddf_ab), following, mask)),
        "displacement": float(pair.ddf_ab.norm(dim=1).mean()),
        "inverse_error": float(inverse_error(pair.ddf_ab, pair.ddf_ba).mean()),
    }


def _collapse(points: Tensor) -> float:
    """NaN of features that are not finite, which the checkpoint then says."""
    if not bool(torch.isfinite(points).all()):
        return math.nan
    return float(EmbeddingCollapseMetric()(points.cpu())["aggregate"])
