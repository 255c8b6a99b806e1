"""A trained nnU-Net on the test images: its prediction, our scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine
from monai.data.meta_tensor import MetaTensor
from torch import Tensor

from gemini_monai.handlers import SegmentationScores
from gemini_monai.study.nnunet.raw_data_set import as_loaded, for_nnunet, from_nnunet, has_regions
from gemini_monai.transforms import InputSpec, postprocessing, preprocessing

TINY = 1e-7
"""Least probability, so that its logarithm is finite."""


def score_tests(
    trainer: Any,
    tests: Sequence[Mapping[str, Any]],
    *,
    spec: InputSpec,
    folder: Path,
    tolerance: float | None = None,
) -> None:
    """Segment test images on their own grids, and score them as any run is.

    Args:
        trainer: nnU-Net's, with the weights to be tested.
        tests: Entries of a cohort with labels, which are read for the scores alone.
        spec: What the numbers of the labels mean.
        folder: Where tables and predictions go, ``test`` of the run.
        tolerance: As of ``SegmentationScores``.

    Raises:
        InputError: If a file cannot be read.
    """
    spec, predictor = as_loaded(spec), predictor_of(trainer)
    load = preprocessing(spec, native_label=True)
    predictions, label = folder / "predictions", "native_label"
    decide = postprocessing(
        spec, folder=predictions, method="nnU-Net", label=label, calibration=True
    )

    def step(engine: Engine, entry: Mapping[str, Any]) -> list[Any]:
        item = load(dict(entry))
        engine.state.batch = [item]
        logits = predicted_logits(predictor, item["image"], spec)
        return [decide(item | {"pred": logits})]

    engine = Engine(step)
    scores = SegmentationScores(
        folder, spec=spec, label_key=label, predictions=predictions, tolerance=tolerance
    )
    scores.attach(engine)
    engine.run(tests)


def predictor_of(trainer: Any) -> Any:
    """nnU-Net's sliding window, mirrored along the axes that it was trained with."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    trainer.set_deep_supervision_enabled(False)
    network = getattr(trainer.network, "_orig_mod", trainer.network)  # of torch.compile
    predictor = nnUNetPredictor(device=trainer.device, allow_tqdm=False)
    predictor.manual_initialization(
        network,
        trainer.plans_manager,
        trainer.configuration_manager,
        [network.state_dict()],
        trainer.dataset_json,
        type(trainer).__name__,
        trainer.inference_allowed_mirroring_axes,
    )
    return predictor


def predicted_logits(predictor: Any, image: MetaTensor, spec: InputSpec) -> Tensor:
    """Logits as a network of ours gives them, (K, *S), of nnU-Net's probabilities.

    Args:
        predictor: As of ``predictor_of``.
        image: As its file has it, (C, *S).
        spec: What the channels mean.
    """
    values, spacing = for_nnunet(image)
    _, found = predictor.predict_single_npy_array(values, {"spacing": spacing}, None, None, True)
    probabilities = from_nnunet(found, spatial_dims=image.ndim - 1)
    logits = logits_of(probabilities, spec)
    return MetaTensor(logits).copy_meta_from(image)


def logits_of(probabilities: Tensor, spec: InputSpec) -> Tensor:
    """What has these probabilities by softmax, or by a sigmoid each where structures overlap.

    Args:
        probabilities: (K, *S) of regions, or of classes with the background first.
        spec: What the channels mean.
    """
    if not spec.overlapping:
        return probabilities.clamp_min(TINY).log()
    own = probabilities if has_regions(spec) else probabilities[1:]
    return torch.logit(own, eps=TINY)
