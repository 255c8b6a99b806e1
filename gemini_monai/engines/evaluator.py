"""A MONAI evaluator of a segmenter, with what is the same in validation, test and inference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from monai.engines.evaluator import SupervisedEvaluator
from monai.inferers.inferer import Inferer
from monai.transforms.transform import Transform
from torch import nn

from gemini_monai.engines.precision import autocast_options
from gemini_monai.engines.reasons import leave_reason_to_caller


class SegmentationEvaluator(SupervisedEvaluator):
    """MONAI's ``SupervisedEvaluator``, by whose best score a checkpoint is chosen.

    Under autocast it computes in ``autocast_options`` of its device. A score that is a number is
    better than one that is none, as of an epoch in which no structure was found.

    Args:
        device: Where the network is.
        val_data_loader: Yields images, and labels where they are scored.
        network: From images to logits.
        inferer: How it is applied to an image.
        postprocessing: From logits to what is scored or written.
        key_val_metric: One metric by its name; ``None`` for no score.
        val_handlers: Objects with ``attach(engine)``.
        amp: Mixed precision for the network.
        options: Any other argument of ``SupervisedEvaluator``.
    """

    def __init__(
        self,
        *,
        device: torch.device | str,
        val_data_loader: Iterable[Any],
        network: nn.Module,
        inferer: Inferer | None = None,
        postprocessing: Transform | None = None,
        key_val_metric: dict[str, Any] | None = None,
        val_handlers: list[Any] | None = None,
        amp: bool = False,
        **options: Any,
    ) -> None:
        known: dict[str, Any] = {
            "amp_kwargs": autocast_options(device),
            "metric_cmp_fn": lambda now, best: now > best or best != best,
        }
        super().__init__(
            device=device,
            val_data_loader=val_data_loader,
            network=network,
            inferer=inferer,
            postprocessing=postprocessing,
            key_val_metric=key_val_metric,
            val_handlers=val_handlers,
            amp=amp,
            **(known | options),
        )
        leave_reason_to_caller(self)
