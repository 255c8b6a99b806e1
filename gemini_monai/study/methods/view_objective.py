"""What methods share that compare two views of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from gemini_monai.base.errors import InputError
from gemini_monai.geometry.types import Image
from gemini_monai.networks import DenseNetwork
from gemini_monai.objectives import Batch, Objective
from gemini_monai.objectives.teacher import Teacher, rising_momentum
from gemini_monai.study.methods.key_queue import KeyQueue


class ViewObjective(Objective):
    """Compares two random views of each image; abstract."""

    reads: tuple[str, ...] = ("view_a", "view_b")
    several: bool = False
    """Whether images are normalized over, or told from one another: one is not enough then."""

    def views(self, batch: Batch) -> tuple[Image, Image]:
        """``view_a`` and ``view_b``, (B, C, *S) each.

        Raises:
            InputError: Naming the knob, if there is one image where several are needed.
        """
        if self.several and len(batch["view_a"]) < 2:
            raise InputError(
                "unlabeled_images: this method needs 2 or more images an iteration, got 1"
            )
        return batch["view_a"], batch["view_b"]


class TaughtViewObjective(ViewObjective):
    """Compares a view with what a moving average makes of the other; abstract.

    The average is of the network and of ``averaged_head``, which ``bind`` of a method makes before
    it calls this one's. Keys that ``forward`` leaves in ``newest`` are queued after the step.

    Args:
        momentum: Share of the average that stays at a step, from 0 to 1: the greatest, or the first
            where it rises.
    """

    rises: bool = False
    """Whether the momentum grows from ``momentum`` to 1 in the course of training by half a cosine;
    else it warms up to ``momentum``, as of ``Teacher``."""
    newest: Sequence[tuple[KeyQueue, Tensor]] = ()
    """Queues, and the keys (P, K) of this step that are for them."""
    projector: nn.Module

    def __init__(self, momentum: float) -> None:
        super().__init__()
        self.momentum = momentum

    @property
    def averaged_head(self) -> nn.Module:
        """What is averaged beside the network."""
        return self.projector

    def bind(self, network: DenseNetwork) -> None:
        """Copy what is averaged; no gradient reaches the copies."""
        self.teacher = Teacher(self._student(network), self.momentum, warm_up=not self.rises)

    def averages(self) -> tuple[DenseNetwork, nn.Module]:
        """Those of the network and of the head."""
        network, head = self.teacher.module.children()
        return cast(DenseNetwork, network), head

    def after_step(self, network: DenseNetwork, *, progress: float = 1.0) -> None:
        """Let the average follow, and the newest keys take the place of the oldest."""
        if self.rises:
            self.teacher.momentum = rising_momentum(self.momentum, progress)
        self.teacher.update_parameters(self._student(network))
        for queue, keys in self.newest:
            queue.push(keys)

    def _student(self, network: DenseNetwork) -> nn.ModuleList:
        return nn.ModuleList([network, self.averaged_head])
