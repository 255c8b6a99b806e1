"""``prepare``: from what a person has to a ``dataset.json``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import literal
from gemini_monai.base.limits import Check, flag, optional, real, several, whole
from gemini_monai.base.presence import refuse_absent, refuse_absent_data, refuse_absent_folder
from gemini_monai.runs.settings import KNOBS

SPLIT = {
    "folder": "your own images/ and, for some of them, labels/",
    "decathlon": "a task of the Medical Segmentation Decathlon",
    "heart_ct": "cardiac CT: WHS-CT, ASOCA, CAT08, or the authors' folders",
    "scr": "chest X-rays of JSRT with the masks of SCR",
    "kipa22": "kidney CT of KiPA22",
    "candi": "brain MR of CANDI",
}
"""Sources with labels, which are divided."""
WHOLE = {
    "chestxray8": "chest X-rays of the NIH, for pre-training",
    "ppmi": "brain MR of PPMI, for pre-training",
}
"""Sources that are for pre-training as a whole."""
OPTIONS: tuple[tuple[str, str, Any, str], ...] = (
    ("labeled", "N", None, "cases to train on with their label; default: all that are left"),
    ("validation", "N", None, "labeled cases to choose on; default: a tenth"),
    ("test", "N", None, "labeled cases to report on; default: a fifth"),
    ("seed", "N", 0, "of the split; default: 0"),
    ("labeled_draw", "N", 0, "which choice of the labeled cases; default: 0"),
    ("after", "DST", None, "an earlier preparation, whose validation and test cases are kept"),
    ("reference", "CASE", None, "case or file to align to; default: one of median extent"),
    ("spacing", "LIST", None, 'voxel size in mm, such as "[1,1,1]"; default: proposed'),
    ("spatial_size", "LIST", None, "voxels that the network sees; default: proposed"),
)
CHECKS: dict[str, Check] = {
    **dict.fromkeys(("labeled", "validation", "test"), optional(whole(0))),
    **dict.fromkeys(("seed", "labeled_draw"), whole(0)),
    "spacing": optional(several(real(above=0), least=2)),
}
"""Those of ``Wanted.check`` that need no more than the word."""


def add_commands(commands: Any) -> None:
    """Add ``prepare NAME SRC DST``."""
    text = "Check images, divide them, and write DST/dataset.json."
    parser = commands.add_parser("prepare", help=text, description=text)
    sources = parser.add_subparsers(title="sources", metavar="NAME", required=True)
    for name, what in (SPLIT | WHOLE).items():
        command = sources.add_parser(name, help=what, description=f"{text}\n{what}.")
        command.add_argument("src", metavar="SRC", help="folder of the data; never changed")
        command.add_argument("dst", metavar="DST", help="folder of the dataset.json")
        if name in SPLIT:
            _add_split(command)
        add_overwrite(command)
        command.set_defaults(function=prepare_split if name in SPLIT else prepare_whole, name=name)
    _add_phantom(sources)


def _add_split(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        *("--labeled_from", "--labeled-from"),
        metavar="FILE",
        help="table whose column 'case' says which are labeled, such as that of gemini choose",
    )
    for name, kind, default, text in OPTIONS:
        spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        command.add_argument(*spellings, type=literal, default=default, metavar=kind, help=text)
    command.add_argument(
        "--align",
        nargs="?",
        const="itk",
        type=literal,
        metavar="{itk,ants}",
        help="register every 3-D image to one; default: no, itk where no method is named",
    )


def add_overwrite(command: argparse.ArgumentParser) -> None:
    """Add ``--overwrite``."""
    command.add_argument(
        "--overwrite",
        nargs="?",
        const=True,
        default=False,
        type=literal,
        metavar="True",
        help="replace what is there; default: False",
    )


def _add_phantom(sources: Any) -> None:
    what = "the built-in population of subjects with known deformations"
    command = sources.add_parser("phantom", help=what, description=f"Write {what}.")
    command.add_argument("dst", metavar="DST", help="folder of the population")
    command.add_argument(
        "--spatial_dims", type=literal, default=2, metavar="{2,3}", help="default: 2"
    )
    command.add_argument("--seed", type=literal, default=0, metavar="N", help="default: 0")
    command.set_defaults(function=prepare_phantom)


def prepare_split(name: str, src: str, dst: str, **given: Any) -> None:
    """``prepare folder SRC DST`` and the like.

    Raises:
        InputError: If an option cannot be, or the data cannot be used.
    """
    flag(given["overwrite"], "--overwrite")
    for option, check in CHECKS.items():
        check(given[option], f"--{option}")
    refuse_absent_folder(src)
    if given["labeled_from"] is not None:
        refuse_absent(given["labeled_from"])
    align, reference, after = (given.pop(name) for name in ("align", "reference", "after"))
    if after is not None:
        refuse_absent_data(Path(str(after)) / "dataset.json")
    from gemini_monai.data import prepare
    from gemini_monai.data.prepare.split import Wanted

    wanted = Wanted(
        align="itk" if align is True else align or None,
        reference=None if reference is None else str(reference),
        after=None if after is None else str(after),
        **given,
    )
    getattr(prepare, f"prepare_{name}")(src, dst, wanted=wanted.check())


def prepare_whole(name: str, src: str, dst: str, overwrite: Any) -> None:
    """``prepare chestxray8 SRC DST`` and the like.

    Raises:
        InputError: If the data cannot be used.
    """
    flag(overwrite, "--overwrite")
    refuse_absent_folder(src)
    from gemini_monai.data import prepare

    getattr(prepare, f"prepare_{name}")(src, dst, overwrite=overwrite)


def prepare_phantom(dst: str, spatial_dims: Any, seed: Any) -> None:
    """``prepare phantom DST``.

    Raises:
        InputError: If the folder holds anything else.
    """
    for key, value in (("spatial_dims", spatial_dims), ("seed", seed)):
        KNOBS[key](value, key)
    from gemini_monai.data.phantom import write_phantom

    print(write_phantom(dst, spatial_dims=spatial_dims, seed=seed))
