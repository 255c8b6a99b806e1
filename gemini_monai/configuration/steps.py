"""The steps of a run that its configuration lists, in ``initialize`` and ``training``."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gemini_monai.base.bundles import is_bundle_run
from gemini_monai.base.errors import InputError, install_hook
from gemini_monai.base.files import read_json, refuse_existing
from gemini_monai.base.tables import write_table
from gemini_monai.base.trust import evaluated
from gemini_monai.configuration.choice import chosen
from gemini_monai.configuration.overrides import refuse_unknown_overrides, refuse_unread_keys
from gemini_monai.configuration.parser_access import running_configuration
from gemini_monai.data import Cohort
from gemini_monai.engines.processes import is_first_process, refuse_unjoined
from gemini_monai.inference import Probe
from gemini_monai.networks import NETWORK_SETTINGS, Gemini
from gemini_monai.runs import (
    RunFolder,
    check_written,
    read_record,
    refuse_other_round,
    too_little,
    whole_structures_told,
)
from gemini_monai.transforms import InputSpec
from gemini_monai.weights import fitting_weights, load_backbone, load_network


def start() -> None:
    """First of all: errors in one line, no override of a key that is not there, no lone processes.

    Nothing is written before: not the phantom, either.

    Raises:
        InputError: Naming the override and the nearest key; a knob whose value cannot be; or in
            each of several processes that the configuration would not train together.
    """
    install_hook()
    refuse_unjoined()
    if is_bundle_run():
        refuse_unknown_overrides()
    else:
        refuse_unread_keys(running_configuration())
    content = running_configuration()
    check_written(content)
    if not evaluated(name := content.get("augmentation", "none")):
        chosen(content.get("augmentations", {name: None}), name, key="augmentation")


def refuse_other_weights(weights: str | Path, folder: str | Path) -> None:
    """Before a training, which tests what it trained and nothing else.

    Args:
        weights: What would be tested at its end.
        folder: The run folder.

    Raises:
        InputError: If those are not the run's own.
    """
    own = RunFolder(folder).model
    if Path(str(weights)).absolute() != own.absolute():
        raise InputError(
            f"key 'weights': got {weights}, but a training tests the network that it trains, "
            f"{own}; to fine-tune others give --pretrained, to score them use gemini evaluate"
        )


def start_from(
    pretrained: str | Path,
    network: Gemini,
    *,
    continue_from: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    cohort: Cohort | None = None,
) -> None:
    """Load what a training starts from; by the first process it is told.

    Args:
        pretrained: As of ``load_backbone``, or ``none``.
        network: What receives it.
        continue_from: Folder of a run whose whole network it is instead; ``None`` for none.
        settings: Of the training, for ``continue_from``.
        cohort: Of the training, for ``continue_from``.

    Raises:
        InputError: As ``load_backbone`` or ``refuse_other_round``, or if both are given.
    """
    if continue_from is None:
        if pretrained != "none":
            load_backbone(network, pretrained, verbose=is_first_process())
        return
    if pretrained != "none":
        raise InputError(
            f"key 'continue_from': got {continue_from} beside pretrained {pretrained}; a training "
            "starts from one of them"
        )
    held_out = [entry["case"] for entry in (*cohort.validation, *cohort.test)] if cohort else []
    refuse_other_round(
        continue_from, settings or {}, architecture=NETWORK_SETTINGS, held_out=held_out
    )
    load_network(network, RunFolder(continue_from).model)
    if is_first_process():
        print(f"network from {continue_from}")


def warn_of_little(*, images: int, iterations: int) -> None:
    """Say before a pre-training that it is too small for a gain to be likely, where it is.

    Args:
        images: Unlabeled images to pre-train on.
        iterations: Of the pre-training.
    """
    reason = too_little(images=images, iterations=iterations)
    if reason is not None and is_first_process():
        logging.getLogger(__name__).warning("%s", reason)


def refuse_other_view(spec: InputSpec, *, weights: str | Path, but: Sequence[str] = ()) -> None:
    """Stop where images would be seen otherwise than in training, as after another ``prepare``.

    Args:
        spec: How they would be seen.
        weights: In the folder of their run, as the run left them.
        but: Settings that are meant to differ.

    Raises:
        InputError: Naming the first setting that differs, and both values.
    """
    run = RunFolder(Path(weights).absolute().parents[1])
    if not run.record.is_file():
        return
    trained = read_record(run.path)["settings"]
    passed = {"reference", *but}  # its file may have moved
    for name, now in json.loads(json.dumps(spec.settings(), default=str)).items():
        if name not in passed and trained.get(name, now) != now:
            raise InputError(
                f"{run.record}: trained with {name} {trained[name]!r}, its data set now says "
                f"{now!r}; give what it was trained with, or prepare the data as they were"
            )


def tell_whole_structures(spec: InputSpec) -> None:
    """Print of which structures the largest component is kept, and in which holes are closed.

    Args:
        spec: How label maps are made.
    """
    if is_first_process():
        print(f"post-processing: {whole_structures_told(vars(spec))}")


def show_scores(folder: str | Path) -> None:
    """Print mean Dice of a test, per structure, in percent; by the first process.

    Args:
        folder: Where ``segmentation.json`` of the test is, ``test`` of a run.
    """
    if not is_first_process():
        return
    scores = read_json(Path(folder) / "segmentation.json", dict)
    for name, own in scores["structures"].items():
        dice = own["dice"]
        shown = "no case" if not dice["n"] else f"{100 * dice['mean']:.1f} % of {dice['n']} cases"
        print(f"{name:<24}{shown}")
    mean = scores["mean_dice"]
    print(f"{'mean Dice':<24}{'no case' if mean is None else f'{100 * mean:.1f} %'}; {folder}")


def show_probe(
    probe: Probe | None,
    network: Gemini,
    *,
    weights: str | Path,
    folder: str | Path,
    device: torch.device | str,
    overwrite: bool = False,
) -> None:
    """Print what features know, as initialized and as trained, and keep it as ``probe.csv``.

    Args:
        probe: What scores them; ``None`` of a data set without images that they are scored on.
        network: As it was initialized.
        weights: What is loaded into it then.
        folder: Where the table goes.
        device: Where the network is.
        overwrite: The table may take the place of one.

    Raises:
        InputError: If there is one, nothing is to be scored, or the weights do not fit.
    """
    if probe is None:
        raise InputError(
            "probe: the data set has no labeled or no validation image, of which it needs both; "
            "prepare it with --labeled N --validation N"
        )
    path = Path(folder) / "probe.csv"
    refuse_existing([path], overwrite=overwrite)
    trained = fitting_weights(network, weights)  # before anything is scored
    scores = {"initialized": probe.look(network, device)}
    network.load_state_dict(trained)
    scores["trained"] = probe.look(network, device)
    write_table(path, [{"network": name, **row} for name, row in scores.items()])
    print(f"{'':<24}{''.join(f'{name:>12}' for name in scores)}")
    for name in scores["trained"]:
        cells = "".join(f"{row[name]:>12.3f}" for row in scores.values())
        print(f"{name.replace('_', ' '):<24}{cells}")
    print(path)
