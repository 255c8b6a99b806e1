"""``python -m monai.bundle run`` as a function of what a person types: train, segment, ..."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.bundles import bundle_root, command_line_overrides
from gemini_monai.errors import InputError
from gemini_monai.files import read_json

BUNDLES = {"semi": "gemini_semi", "mip": "gemini_mip"}


def train(
    bundle: str, dst: str | None, method: str | None, overlay: list[str], overrides: list[str]
) -> None:
    """``train semi|mip [DST]``.

    Raises:
        InputError: If the data set or an overlay is not there.
    """
    root = Path(bundle_root(BUNDLES[bundle]))
    files = [root / "configs" / "train.json"]
    data, options = _data_set(root, dst, kind="dataset")
    if method is not None:
        data = [*data, Path(method_overlay(root, method))]
    _run("training", [*files, *data], [*options, *overrides], overlays=overlay)


def finetune(dst: str | None, pretrained: str, overlay: list[str], overrides: list[str]) -> None:
    """``finetune [DST] --pretrained RUN``.

    Raises:
        InputError: If the data set or an overlay is not there.
    """
    root = Path(bundle_root(BUNDLES["mip"]))
    files = [root / "configs" / "finetune.json"]
    data, options = _data_set(root, dst, kind="finetune")
    options = [*options, "--pretrained", pretrained, *overrides]
    _run("training", [*files, *data], options, overlays=overlay)


def cost(
    what: str, dst: str | None, method: str | None, overlay: list[str], overrides: list[str]
) -> None:
    """``cost semi|mip|finetune [DST]``.

    Raises:
        InputError: If the data set or an overlay is not there, or fine-tuning is given a method.
    """
    tuned = what == "finetune"
    root = Path(bundle_root(BUNDLES["mip" if tuned else what]))
    data, options = _data_set(root, dst, kind="finetune" if tuned else "dataset")
    if method is not None:
        if tuned:
            raise InputError(f"--method: fine-tuning has one way to train, got '{method}'")
        data = [*data, Path(method_overlay(root, method))]
    files = [root / "configs" / ("finetune.json" if tuned else "train.json"), *data]
    start = ["--pretrained", "none"] if tuned else []
    _run("costing", files, [*options, *start, *overrides], overlays=overlay)


def segment(run: str, images: str, out: str, overlay: list[str], overrides: list[str]) -> None:
    """``segment RUN IMAGES OUT``.

    Raises:
        InputError: If the run is not there.
    """
    files, options = _use_of(run, "inference")
    options += ["--dataset_dir", images, "--output_dir", out]
    _run(None, files, [*options, *overrides], overlays=overlay)


def register(
    run: str, moving: str, fixed: str, out: str, overlay: list[str], overrides: list[str]
) -> None:
    """``register RUN MOVING FIXED OUT``.

    Raises:
        InputError: If the run is not there.
    """
    files, options = _use_of(run, "register")
    options += ["--moving", moving, "--fixed", fixed, "--output_dir", out]
    _run(None, files, [*options, *overrides], overlays=overlay)


def evaluate(run: str, out: str | None, overrides: list[str]) -> None:
    """``evaluate RUN [OUT]``, by the configuration that the run has kept.

    Raises:
        InputError: If the run is not there, or was no training of a segmenter.
    """
    record, kept = _record(run), Path(run) / "config.json"
    if record.get("task") != "segmentation":
        raise InputError(
            f"{run}: a run for {record.get('task')}, which has no segmentation to score; fine-tune "
            "it first (gemini finetune DST --pretrained RUN)"
        )
    if not kept.is_file():
        raise InputError(f"{kept}: no such file; the run of an earlier version cannot be evaluated")
    root = Path(bundle_root(str(record.get("bundle"))))
    weights = Path(run) / "models" / "model.pt"
    options = ["--output_dir", out or run, "--weights", str(weights), "--overwrite", "False"]
    _run(None, [kept, root / "configs" / "evaluate.json"], [*options, *overrides])


def probe(run: str, dst: str, overlay: list[str], overrides: list[str]) -> None:
    """``probe RUN DST``.

    Raises:
        InputError: If the run or the data set is not there.
    """
    _record(run)
    _data_set(Path(bundle_root(BUNDLES["mip"])), dst, kind="dataset")
    file = Path(bundle_root(BUNDLES["mip"])) / "configs" / "probe.json"
    options = ["--run_dir", run, "--dataset_dir", dst, *overrides]
    _run(None, [file], options, overlays=overlay)


def _use_of(run: str, name: str) -> tuple[list[Path], list[str]]:
    """The configuration that uses a run, and what tells it the run."""
    own = Path(run) / "configs" / f"{name}.json"  # of a bundle that was downloaded with weights
    if own.is_file():
        return [own], []
    bundle = str(_record(run).get("bundle")) if name == "inference" else BUNDLES["semi"]
    return [Path(bundle_root(bundle)) / "configs" / f"{name}.json"], ["--run_dir", run]


def _record(run: str) -> dict[str, Any]:
    path = Path(run) / "run.json"
    if not Path(run).is_dir():
        raise InputError(f"{run}: no such run folder")
    if not path.is_file():
        raise InputError(f"{run}: not a run folder, {path} is missing")
    record: dict[str, Any] = read_json(path, dict)
    return record


def _data_set(root: Path, dst: str | None, *, kind: str) -> tuple[list[Path], list[str]]:
    """The overlay for a prepared data set, and what tells it the folder."""
    if dst is None:
        return [], []
    path = Path(dst) / "dataset.json"
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; prepare the data first, such as 'gemini prepare folder SRC DST'"
        )
    content = read_json(path, dict)
    overlay = root / "configs" / f"{kind}_{_key(content)}.json"
    options = ["--dataset_dir", dst]
    if overlay.is_file():
        files = [overlay]
    else:
        files = [] if content.get("phantom") else [root / "configs" / "dataset_folder.json"]
    return files, [*options, "--datalist", str(path)] if content.get("phantom") else options


def _key(content: Mapping[str, Any]) -> str:
    """What an overlay of a data set is named by."""
    source = content.get("source", "folder")
    name = content.get("name") if source in ("decathlon", "phantom") else source
    return re.sub(r"\W+", "_", str(name)).lower()


def method_overlay(root: Path, name: str, *, option: str = "--method") -> str:
    """File of a method.

    Args:
        root: The bundle.
        name: The method's.
        option: What it was given by.

    Raises:
        InputError: If the bundle has none of that name; those that it has are named.
    """
    known = {p.stem.removeprefix("method_"): p for p in (root / "configs").glob("method_*.json")}
    if name not in known:
        raise InputError(f"{option}: expected one of {', '.join(sorted(known))}, got '{name}'")
    return str(known[name])


def _run(
    name: str | None,
    files: Sequence[str | Path],
    options: Sequence[str],
    *,
    overlays: Sequence[str] = (),
) -> None:
    """Print the command of MONAI, and become it; overlays are a person's own, and come last."""
    files = [*files, *overlays]
    for file in files:
        if not Path(file).is_file():
            raise InputError(f"{file}: no such configuration file")
    overrides = command_line_overrides(options)
    if overlays or any("#" in key or "::" in key for key in overrides):
        _refuse_unread(files, overrides)
    paths = [_short(file) for file in files]
    config = paths[0] if len(paths) == 1 else str(paths).replace(" ", "")
    words = ["-m", "monai.bundle", "run", *([name] if name else []), "--config_file", config]
    print(f"python {shlex.join([*words, *options])}", flush=True)
    os.execv(sys.executable, [sys.executable, *words, *options])


def _refuse_unread(files: Sequence[str | Path], overrides: Mapping[str, Any]) -> None:
    """What MONAI reads before any code of ours, and would end in a traceback.

    Takes the seconds that PyTorch and MONAI need.

    Raises:
        InputError: Naming the file that is no configuration, or the key and the nearest one.
    """
    from gemini_monai.configuration import check_configuration

    check_configuration([str(file) for file in files], **overrides)


def _short(file: str | Path) -> str:
    path = Path(file).absolute()
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
