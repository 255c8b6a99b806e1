"""The command that trains nnU-Net itself, to be compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import literal
from gemini_monai.base.limits import flag
from gemini_monai.commands.monai_run import data_set
from gemini_monai.commands.preparation import add_overwrite
from gemini_monai.runs import check_device
from gemini_monai.study.nnunet.wanted import Wanted, refuse_missing

TEXT = "Train and test nnU-Net itself on the labeled cases of a prepared data set, as a run."
OPTIONS: tuple[tuple[str, str, Any, str], ...] = (
    ("minutes", "M", None, "of training: processor time on a CPU, else time that passes"),
    ("iterations", "N", None, "the same in iterations"),
    ("labeled_cases", "N", None, "labeled cases that keep their labels; default: all"),
    ("labeled_draw", "N", None, "which choice of them; default: the seed"),
    ("seed", "N", 0, "of weights and augmentation; default: 0"),
    ("configuration", "NAME", None, "of nnU-Net's plans; default: 2d or 3d_fullres"),
    ("planner", "CLASS", "ExperimentPlanner", "of nnU-Net; default: ExperimentPlanner"),
    ("mirroring", "True", True, "as nnU-Net does; False where left is not right; default: True"),
    ("modality", "NAME", "image", "CT for one scale of all images; default: image"),
    ("surface_tolerance", "MM", None, "as of the data set's overlay; default: its voxel"),
    ("device", "NAME", None, "default: a GPU where there is one"),
)


def add_commands(commands: Any) -> None:
    """Add ``nnunet``."""
    command = commands.add_parser("nnunet", help=TEXT, description=TEXT)
    command.add_argument("dst", metavar="DST", help="folder of a prepared data set")
    command.add_argument("--output_dir", required=True, metavar="RUN", help="the run folder")
    for name, kind, default, what in OPTIONS:
        command.add_argument(f"--{name}", type=literal, default=default, metavar=kind, help=what)
    add_overwrite(command)
    command.set_defaults(function=nnunet)


def nnunet(dst: str, output_dir: str, device: Any, overwrite: Any, **given: Any) -> None:
    """``nnunet DST --output_dir RUN``.

    Raises:
        InputError: As ``train_nnunet``.
    """
    flag(overwrite, "--overwrite")
    wanted = Wanted(**given)
    data_set(dst)
    refuse_missing()
    if device is not None:
        check_device(device)
    from gemini_monai.study.nnunet.arm import train_nnunet

    path = Path(dst) / "dataset.json"
    train_nnunet(path, output_dir, wanted=wanted, device=device, overwrite=overwrite)
