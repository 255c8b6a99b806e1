"""What a run is used for, by the installed configurations: segment, register, landmark, and so on.

A run may be anybody's, so its record is read and what it has of configurations is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gemini_monai.base.bundles import command_line_overrides, literal
from gemini_monai.base.errors import InputError
from gemini_monai.base.presence import (
    refuse_absent_data,
    refuse_absent_folder,
    refuse_absent_run,
    refuse_absent_weights,
)
from gemini_monai.base.trust import as_path, refuse_imports_from, shipped_configuration
from gemini_monai.commands.early import Place, refuse_absent_model
from gemini_monai.commands.monai_call import Call
from gemini_monai.commands.monai_run import BUNDLES, data_set
from gemini_monai.runs import read_record, refuse_other_purpose, refuse_unlike

PLACES: dict[str, Place] = {"weights": refuse_absent_weights}
"""What is read, by key, if it is given."""


def segment(run: str, images: str, out: str, overlay: list[str], overrides: list[str]) -> None:
    """``segment RUN IMAGES OUT``, where RUN may be a list of runs, ``['runs/a','runs/b']``.

    Raises:
        InputError: If a run is not there, is no segmenter, has other structures than another, or
            would run something.
    """
    runs = literal(run)
    several_runs = isinstance(runs, (list, tuple))
    folders = [str(folder) for folder in runs] if several_runs else [run]
    bundles = [str(_record(folder, overrides)["bundle"]) for folder in folders]
    refuse_unlike(folders)
    if several_runs:
        print(
            "no trust numbers of several runs; gemini check RUN IMAGES OUT ... judges their masks"
        )
        file = shipped_configuration(BUNDLES["semi"], "ensemble")
        options = ["--run_dirs", str([as_path(folder) for folder in folders]).replace(" ", "")]
    else:
        file = shipped_configuration(bundles[0], "inference")
        options = ["--run_dir", as_path(run)]
        if "quality" not in command_line_overrides(overrides):
            options += ["--quality", "auto"]
    options += ["--dataset_dir", as_path(images), "--output_dir", as_path(out), *overrides]
    Call(None, [file], options, overlay, PLACES | {"dataset_dir": refuse_absent_folder}).start()


def register(run: str, places: list[str], overlay: list[str], overrides: list[str]) -> None:
    """``register RUN MOVING FIXED OUT``, or ``register RUN OUT --pairs LIST``.

    Raises:
        InputError: If the run is not there, or would run something; or if images are given beside a
            list of pairs, or neither are.
    """
    *images, out = places
    if len(images) != (0 if "pairs" in command_line_overrides(overrides) else 2):
        raise InputError(
            "register: expected RUN MOVING FIXED OUT, or RUN OUT --pairs LIST; got RUN and "
            f"{', '.join(places)}"
        )
    _record(run, overrides)
    refuse_other_purpose(run, registers=True)
    file = shipped_configuration(BUNDLES["semi"], "register")
    named = zip(("--moving", "--fixed"), images, strict=False)
    options = ["--run_dir", as_path(run)]
    options += [word for name, image in named for word in (name, as_path(image))]
    options += ["--output_dir", as_path(out), *overrides]
    Call(None, [file], options, overlay, PLACES).start()


def landmark(
    run: str,
    image: str,
    points: str,
    images: str,
    out: str,
    overlay: list[str],
    overrides: list[str],
) -> None:
    """``landmark RUN IMAGE POINTS IMAGES OUT``.

    Raises:
        InputError: If the run is not there, trained no displacement field, or would run something.
    """
    _record(run, overrides)
    refuse_other_purpose(run, registers=True)
    file = shipped_configuration(BUNDLES["semi"], "landmark")
    options = ["--run_dir", as_path(run), "--image", as_path(image)]
    options += ["--landmarks", as_path(points), "--dataset_dir", as_path(images)]
    options += ["--output_dir", as_path(out), *overrides]
    Call(None, [file], options, overlay, PLACES | {"dataset_dir": refuse_absent_folder}).start()


def propose(run: str, images: str, out: str, overlay: list[str], overrides: list[str]) -> None:
    """``propose RUN DATA_OR_IMAGES OUT``.

    Raises:
        InputError: If the run is not there, is no segmenter, or would run something.
    """
    _record(run, overrides)
    refuse_other_purpose(run, task="segmentation")
    file = shipped_configuration(BUNDLES["semi"], "propose")
    options = ["--run_dir", as_path(run), "--dataset_dir", as_path(images)]
    options += ["--output_dir", as_path(out), *overrides]
    Call(None, [file], options, overlay, PLACES | {"dataset_dir": refuse_absent_folder}).start()


def evaluate(run: str, out: str | None, overlay: list[str], overrides: list[str]) -> None:
    """``evaluate RUN [OUT]``, with the settings that the run recorded.

    Raises:
        InputError: If the run is not there, was no training of a segmenter, would run something,
            or names no data set.
    """
    record = _record(run, overrides)
    if record["task"] != "segmentation":
        raise InputError(
            f"{run}: a run for {record['task']}, which has no segmentation to score; fine-tune "
            "it first (gemini finetune DST --pretrained RUN)"
        )
    bundle = str(record["bundle"])
    base = "finetune" if bundle == BUNDLES["mip"] else "train"
    files = [shipped_configuration(bundle, name) for name in (base, "evaluate", "recorded")]
    data = _data_of(record, run, overrides)
    if out is None and _data_path(record) is None:
        raise InputError(
            f"{run}: weights that were handed on, whose own scores stay; give OUT, a folder for "
            "the new ones"
        )
    options = ["--run_dir", as_path(run), "--output_dir", as_path(out or run), *data]
    places = PLACES | {"datalist": refuse_absent_data, "dataset_dir": data_set}
    Call(None, files, [*options, *overrides], overlay, places).start()


def probe(run: str, dst: str, overlay: list[str], overrides: list[str]) -> None:
    """``probe RUN DST``.

    Raises:
        InputError: If the run or the data set is not there, or the run would run something.
    """
    _record(run, overrides)
    data_set(dst)
    file = shipped_configuration(BUNDLES["mip"], "probe")
    options = ["--run_dir", as_path(run), "--dataset_dir", as_path(dst), *overrides]
    Call(None, [file], options, overlay, PLACES | {"datalist": refuse_absent_data}).start()


def _data_of(record: Mapping[str, Any], run: str, overrides: Sequence[str]) -> list[str]:
    """The data set that a run was trained on, unless another one is given."""
    given = {word.removeprefix("--").partition("=")[0] for word in overrides}
    if given & {"datalist", "dataset_dir"}:
        return []
    path = _data_path(record)
    if path is None:
        name = record.get("dataset", {}).get("name", "a data set")
        raise InputError(
            f"{run}: its record does not say where its data are, as it was handed on; prepare "
            f"{name} (the card says how), and give OUT --datalist DST/dataset.json"
        )
    return ["--datalist", path]


def _data_path(record: Mapping[str, Any]) -> str | None:
    """The ``dataset.json`` that a run recorded; ``None`` of an archive."""
    path = record.get("dataset", {}).get("path")
    return path if isinstance(path, str) else None


def _record(run: str, overrides: Sequence[str]) -> dict[str, Any]:
    """The record of a run that has the weights which are asked for."""
    refuse_absent_run(run)
    refuse_imports_from(run)
    record = read_record(run)
    refuse_absent_model(run, overrides)
    return record
