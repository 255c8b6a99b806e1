"""Commands that stand for ``python -m monai.bundle run``: train, finetune, segment, ..."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.bundles import bundle_root
from gemini_monai.errors import InputError
from gemini_monai.files import read_json

BUNDLES = {"semi": "gemini_semi", "mip": "gemini_mip"}
CHOICES = {
    "update": "alternating or summed",
    "pairing": "ring or separate",
    "group_choice": "uniform or proportional",
    "align": "itk or ants",
}
"""Words that a knob takes, for those that take one of a few."""
PLAIN = (int, float, bool, str, list, type(None))
SHOWN = "any of them as --name value, nested ones as --train#trainer#amp True"
OVERRIDES = "every key of the configuration is an option: --output_dir OUT, --device cpu, ..."


def add_commands(commands: Any) -> None:
    """Add ``train``, ``finetune``, ``segment``, ``register`` and ``evaluate``."""
    _add_train(commands)
    _add_finetune(commands)
    _add(commands, "segment", segment, "Label maps for images, with a trained run.", _segment)
    _add(commands, "register", register, "Warp an image onto another, with a run.", _register)
    _add(commands, "evaluate", evaluate, "Score a trained run on its test cases again.", _evaluate)


def _add(
    commands: Any,
    name: str,
    function: Callable[..., None],
    text: str,
    fill: Callable[[argparse.ArgumentParser], None],
    *,
    more: Callable[[], str] | None = None,
    **known: Any,
) -> None:
    parser = commands.add_parser(name, help=text, description=text, epilog=OVERRIDES, more=more)
    fill(parser)
    parser.set_defaults(function=function, **known)


def _add_train(commands: Any) -> None:
    text = "Train: semi for a segmenter from few labels, mip for a backbone without any."
    parser = commands.add_parser("train", help=text, description=text)
    bundles = parser.add_subparsers(title="what", metavar="{semi,mip}", required=True)
    for name, what in (
        ("semi", "GEMINI-Semi: a segmenter from a few labeled and many unlabeled images."),
        ("mip", "GEMINI-MIP: pre-train a backbone on unlabeled images."),
    ):

        def more(name: str = name) -> str:
            return _knobs(BUNDLES[name], "train")

        _add(bundles, name, train, what, _train, more=more, bundle=name)


def _train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dst",
        nargs="?",
        metavar="DST",
        help="a prepared data set; the built-in phantom if left out",
    )
    parser.add_argument(
        "--method", metavar="NAME", help="overlay method_NAME.json of the bundle (default: GEMINI)"
    )
    _overlay(parser)


def _overlay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--overlay",
        action="append",
        default=[],
        metavar="FILE",
        help="a configuration that changes some keys; may be given several times",
    )


def _add_finetune(commands: Any) -> None:
    text = "Fine-tune a pre-trained backbone on labeled images, or train one from scratch."

    def fill(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "dst", nargs="?", metavar="DST", help="a prepared data set; the phantom if left out"
        )
        parser.add_argument(
            "--pretrained",
            required=True,
            metavar="RUN",
            help="a pre-training run or a weights file; none to train from scratch",
        )
        _overlay(parser)

    def more() -> str:
        return _knobs(BUNDLES["mip"], "finetune")

    _add(commands, "finetune", finetune, text, fill, more=more)


def _segment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run, or of a downloaded bundle")
    parser.add_argument("images", metavar="IMAGES", help="an image, or a folder of images")
    parser.add_argument("out", metavar="OUT", help="folder for the label maps")
    _overlay(parser)


def _register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run that learned correspondence")
    parser.add_argument("moving", metavar="MOVING", help="the image that is warped")
    parser.add_argument("fixed", metavar="FIXED", help="the image that it is warped onto")
    parser.add_argument("out", metavar="OUT", help="folder for field, warped image and label")
    _overlay(parser)


def _evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run")
    parser.add_argument(
        "out", nargs="?", metavar="OUT", help="folder for the scores (default: RUN itself)"
    )


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
        overlay = [_method(root, method), *overlay]
    _run("training", [*files, *data, *overlay], [*options, *overrides])


def finetune(dst: str | None, pretrained: str, overlay: list[str], overrides: list[str]) -> None:
    """``finetune [DST] --pretrained RUN``.

    Raises:
        InputError: If the data set or an overlay is not there.
    """
    root = Path(bundle_root(BUNDLES["mip"]))
    files = [root / "configs" / "finetune.json"]
    data, options = _data_set(root, dst, kind="finetune")
    _run(
        "training",
        [*files, *data, *overlay],
        [*options, "--pretrained", pretrained, *overrides],
    )


def segment(run: str, images: str, out: str, overlay: list[str], overrides: list[str]) -> None:
    """``segment RUN IMAGES OUT``.

    Raises:
        InputError: If the run is not there.
    """
    files, options = _use_of(run, "inference")
    options += ["--dataset_dir", images, "--output_dir", out]
    _run(None, [*files, *overlay], [*options, *overrides])


def register(
    run: str, moving: str, fixed: str, out: str, overlay: list[str], overrides: list[str]
) -> None:
    """``register RUN MOVING FIXED OUT``.

    Raises:
        InputError: If the run is not there.
    """
    files, options = _use_of(run, "register")
    options += ["--moving", moving, "--fixed", fixed, "--output_dir", out]
    _run(None, [*files, *overlay], [*options, *overrides])


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


def _method(root: Path, name: str) -> str:
    known = {p.stem.removeprefix("method_"): p for p in (root / "configs").glob("method_*.json")}
    if name not in known:
        raise InputError(f"--method: expected one of {', '.join(sorted(known))}, got '{name}'")
    return str(known[name])


def _run(name: str | None, files: Sequence[str | Path], options: Sequence[str]) -> None:
    """Print the command of MONAI, and become it."""
    for file in files:
        if not Path(file).is_file():
            raise InputError(f"{file}: no such configuration file")
    paths = [_short(file) for file in files]
    config = paths[0] if len(paths) == 1 else str(paths).replace(" ", "")
    words = ["-m", "monai.bundle", "run", *([name] if name else []), "--config_file", config]
    print(f"python {shlex.join([*words, *options])}", flush=True)
    os.execv(sys.executable, [sys.executable, *words, *options])


def _short(file: str | Path) -> str:
    path = Path(file).absolute()
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _knobs(bundle: str, name: str) -> str:
    """Knobs of a configuration with their defaults, for its help."""
    try:
        path = Path(bundle_root(bundle)) / "configs" / f"{name}.json"
    except InputError:
        return f"knobs: those at the top of {name}.json"
    rows = []
    for key, value in json.loads(path.read_text()).items():
        if key == "cohort":  # the wiring begins
            break
        if key not in ("_desc_", "imports", "method") and isinstance(value, PLAIN):
            shown = value if not isinstance(value, str) else value.removeprefix("$")
            choice = f"  ({CHOICES[key]})" if key in CHOICES else ""
            rows.append(f"  {key:<24}{shown}{choice}")
    return "\n".join([f"knobs and their defaults, {SHOWN}:", *rows])


def innermost(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the command that words name."""
    for word in arguments:
        choices = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        if not choices or word.startswith("-"):
            break
        if word not in choices[0]:
            break
        parser = choices[0][word]
    return parser


def command_of(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> argparse.ArgumentParser | None:
    """The parser of a command that takes keys of a configuration, if the words name one."""
    command = innermost(parser, arguments)
    return command if command.epilog == OVERRIDES else None
