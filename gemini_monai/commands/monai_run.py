"""``python -m monai.bundle run`` as a function of what a person types: train, segment, ..."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import (
    bundle_here,
    bundle_that_trains,
    command_line_overrides,
    workplace,
)
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.ids import nearest
from gemini_monai.base.presence import refuse_absent_data
from gemini_monai.base.trust import as_path, methods_of
from gemini_monai.commands.early import Place, refuse_absent_pretrained
from gemini_monai.commands.length import COPY_PASTE, too_few_for_copy_paste, within
from gemini_monai.commands.monai_call import Call
from gemini_monai.commands.start_network import NONE, network_of_record, with_network_of_start
from gemini_monai.runs import refuse_absent_round

SUPERVISED = "supervised"
"""The method that reads no unlabeled image."""
BUNDLES = {"semi": "gemini_semi", "mip": "gemini_mip"}
PLACES: dict[str, Place] = {
    "datalist": refuse_absent_data,
    "pretrained": refuse_absent_pretrained,
    "continue_from": refuse_absent_round,
}
"""What a training reads, by key."""


def train(
    bundle: str,
    dst: str | None,
    method: str | None,
    minutes: Any,
    overlay: list[str],
    overrides: list[str],
) -> None:
    """``train semi|mip [DST]``.

    Minutes that hold too few iterations for the default of GEMINI-Semi go to labels alone.

    Raises:
        InputError: If the data set or an overlay is not there, or an overlay has an unknown key.
    """
    call = within(training_call(bundle, dst, method, overlay, overrides), minutes)
    chosen = minutes is not None and bundle == "semi" and method is None
    axes = 3 if dst is not None and data_set(dst).get("spatial_dims") == 3 else 2
    if chosen and too_few_for_copy_paste(call, axes=axes):
        print(
            f"copy-paste wants {COPY_PASTE[axes]:,} iterations or more, so these minutes go to "
            f"--method {SUPERVISED}, which learns from labels alone; "
            "--epochs N trains by copy-paste"
        )
        alone = [*overrides, *_other_arms(call)]
        call = within(training_call(bundle, dst, SUPERVISED, overlay, alone), minutes)
    call.start()


def _other_arms(call: Call) -> list[str]:
    """An override that leaves labels alone out of what a training is compared with."""
    arms = command_line_overrides(call.options).get("compare")
    if not isinstance(arms, list) or SUPERVISED not in arms:
        return []
    return ["--compare", str([arm for arm in arms if arm != SUPERVISED])]


def training_call(
    bundle: str,
    dst: str | None,
    method: str | None,
    overlay: Sequence[str],
    overrides: Sequence[str],
    *,
    name: str = "training",
) -> Call:
    """What ``train`` asks MONAI for.

    Raises:
        InputError: As ``train``.
    """
    if dst is not None:
        data_set(dst)  # before an archive's network, which imports PyTorch
    root, options = bundle_to_train(BUNDLES[bundle], "train")
    files, more = _data_set(root, dst, kind="dataset")
    own = Path(method_overlay(root, method)) if method is not None else None
    files = [root / "configs" / "train.json", *files, *([own] if own is not None else [])]
    call = Call(name, files, [*options, *more, *overrides], overlay, PLACES)
    return with_network_of_start(call, given=overrides, method=own)


def finetune(
    dst: str | None,
    pretrained: str,
    minutes: Any,
    overlay: list[str],
    overrides: list[str],
) -> None:
    """``finetune [DST] --pretrained RUN``.

    Raises:
        InputError: If the data set or an overlay is not there, or an overlay has an unknown key.
    """
    within(finetuning_call(dst, pretrained, overlay, overrides), minutes).start()


def finetuning_call(
    dst: str | None,
    pretrained: str,
    overlay: Sequence[str],
    overrides: Sequence[str],
    *,
    name: str = "training",
) -> Call:
    """What ``finetune`` asks MONAI for.

    Raises:
        InputError: As ``finetune``.
    """
    if dst is not None:
        data_set(dst)
    root, options = bundle_to_train(BUNDLES["mip"], "finetune")
    files, more = _data_set(root, dst, kind="finetune")
    files = [root / "configs" / "finetune.json", *files]
    more += ["--pretrained", as_path(pretrained)]
    call = Call(name, files, [*options, *more, *overrides], overlay, PLACES)
    return with_network_of_start(call, given=overrides)


def cost(
    what: str, dst: str | None, method: str | None, overlay: list[str], overrides: list[str]
) -> None:
    """``cost semi|mip|finetune [DST]``.

    Raises:
        InputError: If the data set or an overlay is not there, an overlay has an unknown key, or
            fine-tuning is given a method.
    """
    if what != "finetune":
        training_call(what, dst, method, overlay, overrides, name="costing").start()
        return
    if method is not None:
        raise InputError(f"--method: fine-tuning has one way to train, got '{method}'")
    finetuning_call(dst, NONE, overlay, overrides, name="costing").start()


def bundle_to_train(name: str, config: str) -> tuple[Path, list[str]]:
    """Whose configurations train, and what tells them where the bundle is.

    A copy in the working directory is one's own. An archive there was received: the installed
    configurations train, with its folder and the network of its weights. Where neither is, they
    train as well, and what they make goes to ``workplace``.

    Args:
        name: Of the bundle.
        config: The configuration whose knobs of the network are told.

    Raises:
        InputError: If what an archive records cannot be.
    """
    here, root = bundle_here(name), bundle_that_trains(name)
    if here == root:
        return root, []
    if here is None:
        return root, ["--bundle_root", str(workplace(name))]
    known = read_json(root / "configs" / f"{config}.json", dict)
    network = {key: own for key, own in network_of_record(here).items() if key in known}
    told = [word for key, own in network.items() for word in (f"--{key}", str(own))]
    return root, ["--bundle_root", str(here), *told]


def _data_set(root: Path, dst: str | None, *, kind: str) -> tuple[list[Path], list[str]]:
    """The overlay for a prepared data set, and what tells it the folder."""
    if dst is None:
        return [], []
    content, path = data_set(dst), Path(dst) / "dataset.json"
    overlay = root / "configs" / f"{kind}_{_key(content)}.json"
    options = ["--dataset_dir", as_path(dst)]
    if overlay.is_file():
        files = [overlay]
    else:
        files = [] if content.get("phantom") else [root / "configs" / "dataset_folder.json"]
    known = ["--datalist", as_path(str(path))] if content.get("phantom") else []
    return files, [*options, *known]


def data_set(dst: str) -> dict[str, Any]:
    """What a prepared data set says of itself.

    Raises:
        InputError: If it is not there.
    """
    path = Path(dst) / "dataset.json"
    refuse_absent_data(path)
    content: dict[str, Any] = read_json(path, dict)
    return content


def _key(content: Mapping[str, Any]) -> str:
    """What an overlay of a data set is named by."""
    source = content.get("source", "folder")
    name = content.get("name") if source in ("decathlon", "phantom") else source
    return re.sub(r"\W+", "_", str(name)).lower()


def method_overlay(
    root: Path, name: str, *, option: str = "--method", besides: Sequence[str] = ()
) -> str:
    """File of a method.

    Args:
        root: The bundle.
        name: The method's.
        option: What it was given by.
        besides: Names that may be given there, too, and have no file.

    Raises:
        InputError: If the bundle has none of that name; those that it has are named.
    """
    known = methods_of(root)
    if name not in known:
        names = sorted({*known, *besides})
        hint = nearest(name, names, cutoff=0.6)
        raise InputError(f"{option}: expected one of {', '.join(names)}, got '{name}'{hint}")
    return str(known[name])
