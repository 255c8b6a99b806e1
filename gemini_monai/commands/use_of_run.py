"""What a run is used for, by the installed configurations: segment, register, evaluate, probe.

A run may be anybody's, so its record is read and what it has of configurations is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.trust import (
    as_path,
    refuse_code_of_run,
    refuse_imports_from,
    shipped_configuration,
)
from gemini_monai.commands.monai_call import Call
from gemini_monai.commands.monai_run import BUNDLES, data_set


def segment(run: str, images: str, out: str, overlay: list[str], overrides: list[str]) -> None:
    """``segment RUN IMAGES OUT``.

    Raises:
        InputError: If the run is not there, or would run something.
    """
    file = shipped_configuration(str(_record(run).get("bundle")), "inference")
    options = ["--run_dir", as_path(run), "--dataset_dir", as_path(images)]
    Call(None, [file], [*options, "--output_dir", as_path(out), *overrides], overlay).start()


def register(
    run: str, moving: str, fixed: str, out: str, overlay: list[str], overrides: list[str]
) -> None:
    """``register RUN MOVING FIXED OUT``.

    Raises:
        InputError: If the run is not there, or would run something.
    """
    _record(run)
    file = shipped_configuration(BUNDLES["semi"], "register")
    options = ["--run_dir", as_path(run), "--moving", as_path(moving), "--fixed", as_path(fixed)]
    Call(None, [file], [*options, "--output_dir", as_path(out), *overrides], overlay).start()


def evaluate(run: str, out: str | None, overlay: list[str], overrides: list[str]) -> None:
    """``evaluate RUN [OUT]``, with the settings that the run recorded.

    Raises:
        InputError: If the run is not there, was no training of a segmenter, would run something,
            or names no data set.
    """
    record = _record(run)
    if record.get("task") != "segmentation":
        raise InputError(
            f"{run}: a run for {record.get('task')}, which has no segmentation to score; fine-tune "
            "it first (gemini finetune DST --pretrained RUN)"
        )
    bundle = str(record.get("bundle"))
    base = "finetune" if bundle == BUNDLES["mip"] else "train"
    files = [shipped_configuration(bundle, name) for name in (base, "evaluate", "recorded")]
    options = ["--run_dir", as_path(run), "--output_dir", as_path(out or run)]
    options += _data_of(record, run, overrides)
    Call(None, files, [*options, *overrides], overlay).start()


def probe(run: str, dst: str, overlay: list[str], overrides: list[str]) -> None:
    """``probe RUN DST``.

    Raises:
        InputError: If the run or the data set is not there, or the run would run something.
    """
    _record(run)
    data_set(dst)
    file = shipped_configuration(BUNDLES["mip"], "probe")
    options = ["--run_dir", as_path(run), "--dataset_dir", as_path(dst), *overrides]
    Call(None, [file], options, overlay).start()


def _data_of(record: Mapping[str, Any], run: str, overrides: Sequence[str]) -> list[str]:
    """The data set that a run was trained on, unless another one is given."""
    given = {word.removeprefix("--").partition("=")[0] for word in overrides}
    if given & {"datalist", "dataset_dir"}:
        return []
    data = record.get("dataset")
    path = data.get("path") if isinstance(data, Mapping) else None
    if not isinstance(path, str):
        raise InputError(
            f"{run}: its record names no data set, as that of an archive does not; give --datalist "
            "DST/dataset.json"
        )
    return ["--datalist", path]


def _record(run: str) -> dict[str, Any]:
    from gemini_monai.runs import recover_for_reading

    path = Path(run) / "run.json"
    if not Path(run).is_dir():
        raise InputError(f"{run}: no such run folder")
    if not path.is_file():
        raise InputError(f"{run}: not a run folder, {path} is missing")
    refuse_imports_from(run)
    recover_for_reading(run)
    record: dict[str, Any] = read_json(path, dict)
    refuse_code_of_run(record, str(path))
    return record
