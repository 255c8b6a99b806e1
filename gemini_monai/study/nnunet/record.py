"""What a run of nnU-Net leaves beside its scores: record, losses, and the last checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gemini_monai.base.files import write_json
from gemini_monai.base.system import link_or_copy
from gemini_monai.base.tables import write_table
from gemini_monai.data import Cohort
from gemini_monai.handlers import data_facts, peak_memory_mib, process_facts
from gemini_monai.runs import MARK, RunFolder, files_to_write
from gemini_monai.study.nnunet.training import Trained, checkpoint_of, clock_name
from gemini_monai.study.nnunet.wanted import Wanted

METHOD = "nnunet"


def write_record(
    run: RunFolder,
    cohort: Cohort,
    *,
    wanted: Wanted,
    trained: Trained,
    times: Mapping[str, float],
) -> None:
    """Write ``run.json``, ``history.csv``, and nnU-Net's final checkpoint as ``models/last.pt``.

    Args:
        run: The folder, which this process holds.
        cohort: What was trained on.
        wanted: What was asked.
        trained: What came of it.
        times: Seconds of what came before the training, by name.
    """
    trainer, schedule = trained.trainer, trained.schedule
    run.last.parent.mkdir(exist_ok=True)
    link_or_copy(checkpoint_of(trainer), run.last)
    losses = trainer.logger.get_value("train_losses", None)
    rows = [
        {"iteration": epoch * schedule.epoch_length, "loss": float(loss)}
        for epoch, loss in enumerate(losses, 1)
    ]
    write_table(run.history, rows)
    facts: dict[str, Any] = {
        "method": METHOD,
        "bundle": METHOD,
        "task": "segmentation",
        "registers": False,
        "compare": [],
        "dataset": data_facts(cohort),
        "seed": wanted.seed,
        "settings": _settings(cohort, wanted, trainer) | schedule._asdict(),
        "parameters": sum(own.numel() for own in trainer.network.parameters()),
        "iterations": schedule.epochs * schedule.epoch_length,
        "optimizer_steps": trained.optimizer_steps,
        "skipped_steps": {},
        "seconds": round(trained.seconds, 1),
        "cpu_seconds": round(trained.cpu_seconds, 1),
        "started": trained.started.isoformat(timespec="seconds"),
        "peak_memory_mib": round(peak_memory_mib(trainer.device)),
        "device": str(trainer.device),
        "processes": 1,
        "files": files_to_write(run.path),
    }
    content = MARK | facts | process_facts("nnunetv2") | dict(times)
    write_json(run.record, json.loads(json.dumps(content, default=str)))


def _settings(cohort: Cohort, wanted: Wanted, trainer: Any) -> dict[str, Any]:
    """What was asked, and what nnU-Net planned."""
    spec, planned = cohort.input_spec(), trainer.configuration_manager
    asked = {name: value for name, value in asdict(wanted).items() if name != "seed"}
    asked["configuration"] = trainer.configuration_name
    seen: dict[str, Any] = {
        name: getattr(spec, name)
        for name in ("spatial_dims", "in_channels", "out_channels", "spacing", "structures")
    }
    return (
        seen
        | asked
        | {
            "clock": clock_name(trainer.device),
            "trainer": type(trainer).__name__,
            "patch_size": [int(size) for size in planned.patch_size],
            "batch_size": int(planned.batch_size),
            "learning_rate": trainer.initial_lr,
            "normalization": list(planned.normalization_schemes),
            "checkpoint": "last",
            "labels": sorted(str(entry["case"]) for entry in cohort.labeled),
        }
    )
