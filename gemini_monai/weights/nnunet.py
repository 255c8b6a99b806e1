"""To nnU-Net and back: its plans as a backbone, and a backbone as its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json, refuse_existing, write_tensors
from gemini_monai.base.trust import refuse_code
from gemini_monai.networks import check_architecture, checked_description
from gemini_monai.networks.nnunet import OPERATIONS, size_multiple
from gemini_monai.runs import RunFolder, read_record
from gemini_monai.weights.export import backbone_weights, card_text
from gemini_monai.weights.recognized import PLAN
from gemini_monai.weights.tensors import SAFE

TARGET = "gemini_monai.networks.NnUNetBackbone"
READER = "NibabelIOWithReorient"
"""The one reader of nnU-Net that turns volumes, to RAS."""
PAPER = (
    "He et al., Homeomorphism Prior for False Positive and Negative Problem in Medical Image Dense "
    "Contrastive Representation Learning, IEEE T-PAMI, 2025, doi:10.1109/TPAMI.2025.3540644"
)


def overlay_of_plans(path: str | Path, configuration: str = "3d_fullres") -> dict[str, Any]:
    """What a training has to know to train the network of nnU-Net's plans on its voxels.

    Args:
        path: ``nnUNetPlans.json``, of any planner.
        configuration: Its ``2d``, ``3d_fullres``, ``3d_lowres``.

    Returns:
        An overlay: ``backbone`` and what belongs to it, ``spacing`` and ``orientation``.

    Raises:
        InputError: If the file has no such configuration, names no architecture, or would be
            evaluated as an overlay.
    """
    plans = read_json(Path(path), dict)
    refuse_code(plans, str(path))
    known = plans.get("configurations", {})
    if configuration not in known:
        found = ", ".join(known) or "none"
        raise InputError(f"{path}: no configuration '{configuration}' in it, but {found}")
    plan = known[configuration]
    try:
        architecture, spacing = plan["architecture"], plan["spacing"]
        kwargs, name = architecture["arch_kwargs"], architecture["network_class_name"]
        check_architecture(name, kwargs)
        strides, features = kwargs["strides"], kwargs["features_per_stage"]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: {configuration}: {error} is missing; expected plans of nnU-Net 2.4 or later "
            "with an architecture of their own"
        ) from error
    axes = _axes(len(spacing), plans.get("transpose_forward", [0, 1, 2]))
    described = {"_target_": TARGET, "network_class_name": name, "arch_kwargs": kwargs}
    return {
        "backbone": described | {"in_channels": "@in_channels", "axes": axes},
        "feature_channels": features[0],
        "backbone_multiple": size_multiple(strides),
        "spacing": [spacing[axes.index(axis)] for axis in range(len(axes))],
        "orientation": "RAS" if plans.get("image_reader_writer") == READER else None,
    }


def export_nnunet(run: str | Path, output: str | Path, *, overwrite: bool = False) -> Path:
    """Write a run's backbone as a checkpoint that ``nnUNetv2_train -pretrained_weights`` takes.

    Encoder and decoder as ``network_weights``; an adaptation plan as nnssl writes one, for versions
    of nnU-Net that read it; and a card.

    Args:
        run: A run whose backbone is a ``NnUNetBackbone``.
        output: The file, ``.pth``.
        overwrite: Replace a file that is there.

    Raises:
        InputError: If the folder is no run or its backbone another network, it names what nnU-Net
            would import and is not of torch.nn, or the file is there.
    """
    output, folder = Path(output), RunFolder(run)
    record = read_record(folder.path)
    settings = record["settings"]
    described = settings.get("backbone") or {}
    if described.get("_target_") != TARGET:
        name = described.get("_target_", "the default backbone")
        raise InputError(f"{run}: nnU-Net has no place for {name}; train with {TARGET}")
    checked_description(described, f"{run}: backbone")
    check_architecture(described.get("network_class_name"), described.get("arch_kwargs", {}))
    if output.suffix == SAFE:
        raise InputError(f"{output}: nnU-Net reads PyTorch's files; let its name end in .pth")
    refuse_existing([output], overwrite=overwrite, inputs=[folder.model])
    weights = backbone_weights(folder)
    content = {
        "network_weights": weights,
        PLAN: _adaptation_plan(settings, described, dataset=record.get("dataset", {})),
        "citations": [{"type": "Pretraining", "name": "GEMINI", "apa_citations": [PAPER]}],
        "card": card_text(record, weights),
    }
    write_tensors(output, content)
    return output


def _axes(dims: int, transposed: Sequence[int]) -> list[int]:
    """Ours of each of nnU-Net's: it reads (z, y, x), then transposes; slices are what is left."""
    return [1, 0] if dims == 2 else [2 - axis for axis in transposed]


def _adaptation_plan(
    settings: Mapping[str, Any], described: Mapping[str, Any], *, dataset: Mapping[str, Any]
) -> dict[str, Any]:
    kwargs = dict(described["arch_kwargs"])
    axes = described.get("axes") or list(range(len(settings["spatial_size"])))[::-1]
    size = [settings["spatial_size"][axis] for axis in axes]
    spacing = settings.get("spacing") and [settings["spacing"][axis] for axis in axes]
    plain = described["network_class_name"].endswith("PlainConvUNet")
    stem = "encoder.stages.0" if plain else "encoder.stem"
    first = f"{stem}.0.convs.0" if plain else f"{stem}.convs.0"
    return {
        "architecture_plans": {
            "arch_class_name": described["network_class_name"],
            "arch_kwargs": kwargs,
            "arch_kwargs_requiring_import": [name for name in OPERATIONS if name in kwargs],
        },
        "pretrain_plan": _pretrain_plan(
            spacing, size, channels=settings["in_channels"], name=str(dataset.get("name"))
        ),
        "pretrain_num_input_channels": settings["in_channels"],
        "recommended_downstream_patchsize": size,
        "key_to_encoder": "encoder.stages",
        "key_to_stem": stem,
        "keys_to_in_proj": [f"{first}.conv", f"{first}.all_modules.0"],
        "key_to_lpe": None,
    }


def _pretrain_plan(
    spacing: Sequence[float] | None, size: Sequence[int], *, channels: int, name: str
) -> dict[str, Any]:
    """What nnssl's ``Plan`` holds."""
    resampled = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}
    configuration = {
        "data_identifier": "gemini_monai",
        "preprocessor_name": "DefaultPreprocessor",
        "spacing_style": "median" if spacing else "noresample",
        "normalization_schemes": ["RescaleTo01Normalization"] * channels,
        "use_mask_for_norm": [False] * channels,
        **dict.fromkeys(
            ("resampling_fn_data", "resampling_fn_mask"), "resample_data_or_seg_to_shape"
        ),
        **dict.fromkeys(("resampling_fn_data_kwargs", "resampling_fn_mask_kwargs"), resampled),
        "spacing": spacing,
        "patch_size": size,
    }
    return {
        "dataset_name": name,
        "plans_name": "gemini_monai",
        "original_median_spacing_after_transp": spacing,
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {"pretraining": configuration},
        "experiment_planner_used": "gemini_monai",
    }
