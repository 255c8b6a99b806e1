"""Commands that hand things on: export, plans, inspect, push, pull, package, bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import copy_bundle, literal
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing, write_text
from gemini_monai.base.limits import flag
from gemini_monai.base.presence import refuse_absent, refuse_absent_bundle, refuse_absent_weights
from gemini_monai.commands.preparation import add_overwrite
from gemini_monai.runs import RunFolder, read_record, refuse_other_purpose


def add_commands(commands: Any) -> None:
    """Add them."""
    _add_export(commands)
    _add_plans(commands)
    text = "Where an exported backbone comes from."
    command = commands.add_parser("inspect", help=text, description=text)
    command.add_argument("file", metavar="FILE")
    command.set_defaults(function=inspect)
    _add_hub(commands)
    _add_package(commands)
    _add_bundle(commands)


def _add_export(commands: Any) -> None:
    text = "Write a run's backbone, or its encoder, as a file of its own with a card."
    command = commands.add_parser("export", help=text, description=text)
    command.add_argument("run", metavar="RUN", help="folder of a run")
    command.add_argument("output", metavar="FILE", help="the new file")
    command.add_argument(
        "--part",
        choices=("backbone", "encoder"),
        default="backbone",
        help="what is written; default: backbone",
    )
    command.add_argument(
        "--format",
        dest="layout",
        choices=("plain", "nnunet", "onnx"),
        default="plain",
        help="nnunet: what nnUNetv2_train -pretrained_weights takes; onnx: the whole segmenter for "
        "other runtimes; default: plain",
    )
    add_overwrite(command)
    command.set_defaults(function=export)


def _add_hub(commands: Any) -> None:
    text = "Upload an exported backbone, or an archive of package, to the Hugging Face Hub."
    command = commands.add_parser("push", help=text, description=text)
    command.add_argument("file", metavar="FILE", help="what export wrote, or package (.zip)")
    command.add_argument("repository", metavar="OWNER/NAME")
    command.add_argument(
        "--private", nargs="?", const=True, default=False, type=literal, help="default: False"
    )
    command.set_defaults(function=push)
    text = "Fetch a backbone that was pushed."
    command = commands.add_parser("pull", help=text, description=text)
    command.add_argument("repository", metavar="OWNER/NAME")
    command.add_argument("output", metavar="FILE", help="the new file, .pt or .safetensors")
    add_overwrite(command)
    command.set_defaults(function=pull)


def _add_package(commands: Any) -> None:
    text = "Make one archive, with checksums, of a bundle and the weights of a run."
    command = commands.add_parser("package", help=text, description=text)
    command.add_argument("bundle", metavar="BUNDLE", help="folder of a bundle")
    command.add_argument(
        "run", nargs="?", metavar="RUN", help="folder of a run; default: the only one of the bundle"
    )
    command.add_argument("--output", metavar="FOLDER", help="default: where the bundle's folder is")
    add_overwrite(command)
    command.set_defaults(function=package)


def _add_bundle(commands: Any) -> None:
    text = "Copy a bundle that came with the package, to train in a folder of one's own."
    command = commands.add_parser("bundle", help=text, description=text)
    command.add_argument("name", metavar="{semi,mip}", help="semi or mip")
    command.add_argument(
        "folder", nargs="?", default="bundles", metavar="FOLDER", help="default: bundles"
    )
    command.set_defaults(function=bundle)


def _add_plans(commands: Any) -> None:
    text = "Write an overlay with the network of nnU-Net's plans, or of weights of others."
    command = commands.add_parser("plans", help=text, description=text)
    command.add_argument(
        "plans",
        metavar="PLANS",
        help="nnUNetPlans.json, or weights of nnssl (OpenMind), CT-FM or anatomix",
    )
    command.add_argument("output", metavar="FILE", help="the new overlay, .json")
    command.add_argument("--configuration", default="3d_fullres", help="default: 3d_fullres")
    add_overwrite(command)
    command.set_defaults(function=plans)


def export(run: str, output: str, part: str, layout: str, overwrite: Any) -> None:
    """``export RUN FILE``.

    Raises:
        InputError: If the run is not there, or the file is.
    """
    flag(overwrite, "--overwrite")
    if layout != "plain" and part != "backbone":
        whole = {
            "nnunet": "nnU-Net takes encoder and decoder",
            "onnx": "ONNX holds backbone and head",
        }
        raise InputError(f"--part {part}: {whole[layout]} together")
    read_record(run)
    model = RunFolder(run).model
    refuse_existing([Path(output)], overwrite=overwrite, inputs=[model])
    refuse_absent_weights(model)
    if layout == "onnx":
        refuse_other_purpose(run, task="segmentation")
    from gemini_monai.weights import export_backbone, export_nnunet, export_onnx

    if layout == "plain":
        print(export_backbone(run, output, part=part, overwrite=overwrite))
        return
    print({"nnunet": export_nnunet, "onnx": export_onnx}[layout](run, output, overwrite=overwrite))


def plans(plans: str, output: str, configuration: str, overwrite: Any) -> None:
    """``plans PLANS FILE``.

    Raises:
        InputError: If the plans have no such configuration, the weights are of no network that is
            known, or the file is there.
    """
    flag(overwrite, "--overwrite")
    refuse_absent(plans)
    refuse_existing([Path(output)], overwrite=overwrite, inputs=[Path(plans)])
    from gemini_monai.weights import overlay_of_plans, overlay_of_weights

    are_plans = Path(plans).suffix == ".json"
    overlay = overlay_of_plans(plans, configuration) if are_plans else overlay_of_weights(plans)
    write_text(Path(output), json.dumps(overlay, indent=1))
    print(output)


def inspect(file: str) -> None:
    """``inspect FILE``.

    Raises:
        InputError: If it is no exported backbone.
    """
    refuse_absent_weights(file)
    from gemini_monai.weights import read_card

    print(json.dumps(read_card(file), indent=1))


def push(file: str, repository: str, private: Any) -> None:
    """``push FILE OWNER/NAME``.

    Raises:
        InputError: If the file is neither an exported backbone nor an archive, or the Hub refuses.
    """
    flag(private, "--private")
    refuse_absent_weights(file)
    from gemini_monai.weights import push_backbone, push_bundle

    push_it = push_bundle if Path(file).suffix == ".zip" else push_backbone
    print(push_it(file, repository, private=private))


def pull(repository: str, output: str, overwrite: Any) -> None:
    """``pull OWNER/NAME FILE``.

    Raises:
        InputError: If there is no such backbone, or the file is there.
    """
    flag(overwrite, "--overwrite")
    refuse_existing([Path(output)], overwrite=overwrite)
    from gemini_monai.weights import pull_backbone

    print(pull_backbone(repository, output, overwrite=overwrite))


def bundle(name: str, folder: str) -> None:
    """``bundle NAME [FOLDER]``.

    Raises:
        InputError: If there is no such bundle, or the folder has one already.
    """
    print(copy_bundle(name, folder))


def package(bundle: str, run: str | None, output: str | None, overwrite: Any) -> None:
    """``package BUNDLE [RUN]``.

    Raises:
        InputError: If they do not fit, or the archive is there.
    """
    flag(overwrite, "--overwrite")
    refuse_absent_bundle(bundle)
    if run is not None:
        read_record(run)
        refuse_absent_weights(RunFolder(run).model)
    from gemini_monai.weights import package_bundle

    print(package_bundle(bundle, run, output=output, overwrite=overwrite))
