"""Runs of the shipped configurations, small enough for a test."""

from __future__ import annotations

import os
import subprocess

from monai.bundle import ConfigWorkflow

from tests.conftest import ROOT
from tests.preloaded import interpreter

BUNDLE = ROOT / "bundles" / "gemini_semi"
MIP = ROOT / "bundles" / "gemini_mip"
CONFIGS = BUNDLE / "configs"
SMALL = {
    "epochs": 2,
    "epoch_length": 2,
    "channels": [4, 8],
    "registration_pairs": 4,
    "amp": False,  # which by default is another one on another processor
}
PAIRED = SMALL | {"pairs_interval": 1}
"""Of GEMINI-Semi, with pairs in every iteration, so that the run can register."""
FINE = {key: value for key, value in SMALL.items() if key != "registration_pairs"}


def files(*names, bundle=BUNDLE):
    return [str(bundle / "configs" / f"{name}.json") for name in names]


def paths(dataset, folder):
    """Overrides that name a ``dataset.json`` and a run folder."""
    return {"dataset_dir": str(dataset.parent), "datalist": str(dataset), "output_dir": str(folder)}


def workflow(*names, kind="train", bundle=BUNDLE, **overrides):
    """A ``ConfigWorkflow`` of configurations by name; GEMINI-Semi trains pairs, too."""
    if names[0] == "train" and bundle == BUNDLE:
        overrides = {"pairs_interval": 1} | overrides
    return ConfigWorkflow(
        config_file=files(*names, bundle=bundle),
        meta_file=str(bundle / "configs" / "metadata.json"),
        logging_file=str(bundle / "configs" / "logging.conf"),
        workflow_type=kind,
        bundle_root=str(bundle),
        **overrides,
    )


def run(*names, kind="train", bundle=BUNDLE, **overrides):
    """Initialize, check properties, run."""
    flow = workflow(*names, kind=kind, bundle=bundle, **overrides)
    flow.initialize()
    assert flow.check_properties() == []
    flow.run()
    return flow


def command(*arguments, cwd=ROOT, module="monai.bundle", python=None):
    """``python -m monai.bundle ...`` in a process of its own, of a preloaded ``python``."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [python or interpreter(), "-m", module, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def overrides_of(values):
    """``{"epochs": 2}`` as ``--epochs 2``."""
    return [part for key, value in values.items() for part in (f"--{key}", str(value))]
