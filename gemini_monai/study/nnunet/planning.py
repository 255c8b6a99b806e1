"""nnU-Net's own planning and preprocessing, in a folder of the run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.study.nnunet.raw_data_set import NAME


@contextmanager
def with_variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Let nnU-Net read variables of the environment, for a time.

    Args:
        variables: Values by name.
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def folders_in(folder: Path) -> dict[str, str]:
    """Variables by which nnU-Net finds raw data, preprocessed data and results, in one folder."""
    return {f"nnUNet_{name}": str(folder / name) for name in ("raw", "preprocessed", "results")}


def plan(planner: str, configuration: str) -> dict[str, Any]:
    """Fingerprint, plans and preprocessed cases of the raw data set.

    Args:
        planner: Class of nnU-Net that plans.
        configuration: Of the plans, that is preprocessed.

    Returns:
        The plans.

    Raises:
        InputError: If nnU-Net has no such planner, or the plans no such configuration.
    """
    from nnunetv2.experiment_planning import plan_and_preprocess_api as api
    from nnunetv2.paths import nnUNet_preprocessed

    number = int(NAME[len("Dataset") :].partition("_")[0])
    processes, quiet = min(8, os.cpu_count() or 1), {"show_progress_bar": False}
    _refuse_unknown(planner)
    api.extract_fingerprints(
        [number], num_processes=processes, check_dataset_integrity=True, **quiet
    )
    identifier = api.plan_experiments([number], planner)
    plans = read_json(Path(nnUNet_preprocessed) / NAME / f"{identifier}.json", dict)
    if configuration not in plans["configurations"]:
        known = ", ".join(plans["configurations"])
        raise InputError(f"--configuration: nnU-Net planned {known}, got '{configuration}'")
    api.preprocess([number], identifier, (configuration,), num_processes=(processes,), **quiet)
    return plans


def _refuse_unknown(planner: str) -> None:
    import nnunetv2
    from nnunetv2.utilities.find_class_by_name import recursive_find_python_class

    folder = str(Path(nnunetv2.__path__[0]) / "experiment_planning")
    module = "nnunetv2.experiment_planning"
    if recursive_find_python_class(folder, planner, current_module=module) is None:
        raise InputError(f"--planner: nnU-Net has no '{planner}'; its default is ExperimentPlanner")
