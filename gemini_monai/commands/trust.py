"""Commands on how far masks are to be trusted."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from gemini_monai.base.errors import InputError
from gemini_monai.base.limits import flag
from gemini_monai.base.presence import (
    refuse_absent_data,
    refuse_absent_folder,
    refuse_absent_run,
)
from gemini_monai.commands.preparation import add_overwrite
from gemini_monai.runs import refuse_other_purpose

TEXT = "Learn how far a run's masks are to be trusted, and keep it in the run for segment."


def add_commands(commands: Any) -> None:
    """Add ``trust RUN``."""
    command = commands.add_parser("trust", help=TEXT, description=TEXT)
    command.add_argument("run", metavar="RUN", help="folder of a run that segments")
    _add_data(command)
    command.set_defaults(function=trust)


def _add_data(command: argparse.ArgumentParser) -> None:
    text = "its dataset.json, if it is elsewhere than when it was trained"
    command.add_argument("--data", metavar="DST", help=text)


def trust(run: str, data: str | None) -> None:
    """``trust RUN``.

    Raises:
        InputError: If the run is not there or no segmenter, or its data are not there.
    """
    quality = _open(run, data)
    estimator = quality.learned.estimator
    known = "labeled and validation" if quality.learned.validated else "labeled"
    print(f"learned from {len(set(estimator.image.tolist()))} {known} images, in {run}/quality.npz")


class _Words(argparse.ArgumentParser):
    """Whose error is a line of ours."""

    def error(self, message: str) -> NoReturn:
        """Stop.

        Raises:
            InputError: Always.
        """
        raise InputError(f"check: expected RUN IMAGES MASKS OUT; {message}")


def check_masks(run: str, given: Sequence[str]) -> None:
    """``check RUN IMAGES MASKS OUT [--data DST] [--overwrite True]``.

    Raises:
        InputError: If something is not there, or a case has no mask.
    """
    parser = _Words(prog="gemini check RUN", add_help=False)
    for name in ("images", "masks", "out"):
        parser.add_argument(name, metavar=name.upper())
    _add_data(parser)
    add_overwrite(parser)
    words = parser.parse_args(list(given))
    flag(words.overwrite, "--overwrite")
    for folder in (words.images, words.masks):
        refuse_absent_folder(folder)
    _check(run, words)


def _check(run: str, words: argparse.Namespace) -> None:
    refuse_absent_run(run)
    from gemini_monai.configuration.quality_steps import write_trust
    from gemini_monai.images import find_images
    from gemini_monai.images.names import find_label_files
    from gemini_monai.quality import refuse_quality

    out = Path(words.out)
    refuse_quality(out, overwrite=words.overwrite)
    masks = find_label_files(words.masks)
    items = []
    for case, image in find_images(words.images).items():
        if case not in masks:
            raise InputError(f"{words.masks}: no mask of '{case}', of which there is {image}")
        items.append({"case": case, "image": str(image), "mask": str(masks[case])})
    quality = _open(run, words.data)
    if quality.run.spec.overlapping:
        raise InputError(
            f"{run}: its structures overlap, and check takes a label map for each case; in Python, "
            "Quality.check takes a list of masks"
        )
    write_trust(quality, items, out, given=True, others=True)


def _open(run: str, data: str | None) -> Any:
    """The ``Quality`` of a run."""
    refuse_absent_run(run)
    refuse_other_purpose(run, task="segmentation")
    path = None if data is None else _data_file(data)
    from gemini_monai.inference import TrainedRun
    from gemini_monai.quality import Quality

    return Quality.of(TrainedRun.open(run), data=path)


def _data_file(data: str) -> Path:
    path = Path(data)
    path = path / "dataset.json" if path.is_dir() else path
    refuse_absent_data(path)
    return path
