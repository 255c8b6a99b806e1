"""Words and help of the commands that stand for ``python -m monai.bundle run``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from gemini_monai.base.bundles import literal
from gemini_monai.commands.monai_run import BUNDLES, cost, finetune, train
from gemini_monai.commands.use_of_run import (
    evaluate,
    landmark,
    probe,
    propose,
    register,
    segment,
)

OVERRIDES = "every key of the configuration is an option: --output_dir OUT, --device cpu, ..."


def add_commands(commands: Any) -> None:
    """Add the words from ``train`` to ``cost``."""
    _add_train(commands)
    _add_finetune(commands)
    text = "Label maps for images, with a trained run."
    _add(commands, "segment", segment, text, _segment, knobs=_knobs_of("inference"))
    text = "Warp an image onto another, with a run."
    _add(commands, "register", register, text, _register, knobs=_knobs_of("register"))
    text = "Carry points that were placed in one image to others, with a run."
    _add(commands, "landmark", landmark, text, _landmark, knobs=_knobs_of("landmark"))
    text = (
        "Labels of the next scans to correct in 3D Slicer or ITK-SNAP, the least sure ones first."
    )
    _add(commands, "propose", propose, text, _propose, knobs=_knobs_of("propose"))
    _add(commands, "evaluate", evaluate, "Score a trained run on its test cases again.", _evaluate)
    text = "What frozen features know of labels, before fine-tuning; no test image is read."
    _add(commands, "probe", probe, text, _probe, knobs=_knobs_of("probe", "mip"))
    _add_cost(commands)


def _add(
    commands: Any,
    name: str,
    function: Callable[..., None],
    text: str,
    fill: Callable[[argparse.ArgumentParser], None],
    *,
    knobs: tuple[str, str] | None = None,
    **known: Any,
) -> None:
    parser = commands.add_parser(name, help=text, description=text, epilog=OVERRIDES, knobs=knobs)
    fill(parser)
    parser.set_defaults(function=function, **known)


def _knobs_of(name: str, bundle: str = "semi") -> tuple[str, str]:
    """The configuration whose knobs are the last part of a command's help."""
    return BUNDLES[bundle], name


def _add_train(commands: Any) -> None:
    text = "Train: semi for a segmenter from few labels, mip for a backbone without any."
    parser = commands.add_parser("train", help=text, description=text)
    bundles = parser.add_subparsers(title="what", metavar="{semi,mip}", required=True)
    for name, what in (
        ("semi", "GEMINI-Semi: a segmenter from a few labeled and many unlabeled images."),
        ("mip", "GEMINI-MIP: pre-train a backbone on unlabeled images."),
    ):
        _add(bundles, name, train, what, _timed, knobs=_knobs_of("train", name), bundle=name)


def _add_cost(commands: Any) -> None:
    text = "What a training would cost: multiply-adds, memory, hours, disk; nothing is kept."
    parser = commands.add_parser("cost", help=text, description=text)
    kinds = parser.add_subparsers(title="of what", metavar="{semi,mip,finetune}", required=True)
    for name in ("semi", "mip", "finetune"):
        what = f"Of 'gemini {name if name == 'finetune' else f'train {name}'}'."
        _add(kinds, name, cost, what, _train, what=name)


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


def _timed(parser: argparse.ArgumentParser) -> None:
    _train(parser)
    _minutes(parser)


def _minutes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--minutes",
        type=literal,
        metavar="N",
        help="train for as many epochs as N minutes hold on this machine, which is measured first",
    )


def _overlay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--overlay",
        action="append",
        default=[],
        metavar="FILE",
        help="a configuration that changes some keys, or the name of one of the bundle's, such as "
        "recipe_light; may be given several times",
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
        _minutes(parser)
        _overlay(parser)

    _add(commands, "finetune", finetune, text, fill, knobs=_knobs_of("finetune", "mip"))


def _segment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run, or of a downloaded bundle")
    parser.add_argument("images", metavar="IMAGES", help="an image, or a folder of images")
    parser.add_argument("out", metavar="OUT", help="folder for the label maps")
    _overlay(parser)


def _register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run that learned correspondence")
    parser.add_argument(
        "places",
        nargs="+",
        metavar="MOVING FIXED OUT",
        help="the image that is warped, the one that it is warped onto, and a folder for field, "
        "warped image and label; OUT alone with --pairs LIST",
    )
    _overlay(parser)


def _landmark(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run that learned correspondence")
    parser.add_argument("image", metavar="IMAGE", help="the image that the points were placed in")
    parser.add_argument(
        "points", metavar="POINTS", help="file of landmarks: .mrk.json or .fcsv of 3D Slicer, .csv"
    )
    parser.add_argument("images", metavar="IMAGES", help="an image, or a folder of images")
    parser.add_argument("out", metavar="OUT", help="folder for the files of points and their table")
    _overlay(parser)


def _propose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run, or of a downloaded bundle")
    parser.add_argument(
        "images",
        metavar="DATA_OR_IMAGES",
        help="a prepared data set, of which the unlabeled images are meant; or a folder of images",
    )
    parser.add_argument("out", metavar="OUT", help="folder for the proposals and their table")
    _overlay(parser)


def _evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run")
    parser.add_argument(
        "out", nargs="?", metavar="OUT", help="folder for the scores (default: RUN itself)"
    )
    _overlay(parser)


def _probe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="folder of a run")
    parser.add_argument(
        "dst", metavar="DST", help="a prepared data set with labeled and validation images"
    )
    _overlay(parser)
