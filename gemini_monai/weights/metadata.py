"""``metadata.json`` of a bundle as the weights in it have it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemini_monai.base.files import read_json
from gemini_monai.runs import RunFolder

OF_THE_RELEASE = {"authors": "authors", "description": "description", "version": "version"}
PRETRAINING = "pre-training"


def state_run(
    metadata: dict[str, Any],
    run: str | Path,
    record: Mapping[str, Any],
    release: Mapping[str, Any],
) -> None:
    """Let a bundle's metadata tell of a run: its data, structures, shapes and scores.

    Args:
        metadata: Those of the bundle; changed.
        run: The run folder, whose scores are told where it was tested.
        record: The run's.
        release: What its ``release.json`` says.
    """
    settings, data = record["settings"], record.get("dataset", {})
    metadata |= {key: release[name] for key, name in OF_THE_RELEASE.items() if name in release}
    metadata["changelog"] = metadata["changelog"] | release.get("changelog", {})
    metadata["data_source"] = f"{data.get('name')}; {data.get('license') or 'license not said'}"
    formats = metadata["network_data_format"]
    image, prediction = formats["inputs"]["image"], formats["outputs"]["pred"]
    image["modality"] = release.get("modality", "not said")
    sizes = _sizes(settings)
    image |= {"num_channels": settings["in_channels"], "spatial_shape": sizes}
    image["channel_def"] = _image_channels(settings["in_channels"])
    metadata["image_classes"] = _image_classes(settings)
    prediction |= {"num_channels": settings["out_channels"], "spatial_shape": sizes}
    prediction["channel_def"] = _image_channels(settings["out_channels"])
    if record["task"] != PRETRAINING:
        metadata |= _of_segmentation(settings)
        prediction |= {"format": "segmentation", "channel_def": _channels(settings)}
    scores = RunFolder(run).test / "segmentation.json"
    if scores.is_file():
        metadata["eval_metrics"] = {"mean_dice": round(read_json(scores, dict)["mean_dice"], 4)}


def _sizes(settings: Mapping[str, Any]) -> list[str]:
    """Sizes that the network takes, in the metadata's own notation."""
    return [f"{image_multiple(settings)}*n"] * image_axes(settings)


def image_axes(settings: Mapping[str, Any]) -> int:
    """Axes of what the network of a run sees, 2 or 3.

    Args:
        settings: Of the run, by name.
    """
    return 2 if settings.get("slices") else int(settings["spatial_dims"])


def image_multiple(settings: Mapping[str, Any]) -> int:
    """What sizes that the network of a run takes without padding are multiples of, in voxels.

    Args:
        settings: Of the run, by name.
    """
    multiple: int = settings["backbone_multiple"]
    if settings["backbone"] is None:
        multiple = math.lcm(multiple, 2 ** (len(settings["channels"]) - 1))
    return multiple


def _image_channels(channels: int) -> dict[str, str]:
    names = [f"channel {k}" for k in range(1, channels + 1)] if channels > 1 else ["image"]
    return {str(channel): name for channel, name in enumerate(names)}


def _image_classes(settings: Mapping[str, Any]) -> str:
    """What the channels of an image are, in words."""
    channels = settings["in_channels"]
    if channels == 1:
        return "one channel, scaled to [0, 1]"
    together = settings["color"] and isinstance(settings["intensity"], Mapping)
    how = "all with one scale" if together else "each with its own scale"
    return f"{channels} channels, scaled to [0, 1], {how}"


def _channels(settings: Mapping[str, Any]) -> dict[str, str]:
    background = [] if settings["overlapping"] else ["background"]
    names = [*background, *settings["structures"]]
    return {str(channel): name for channel, name in enumerate(names)}


def _of_segmentation(settings: Mapping[str, Any]) -> dict[str, str]:
    names = list(_channels(settings).values())
    if not settings["overlapping"]:
        values = settings["label_values"]
        names = [f"{value} {name}" for value, name in zip(values, names, strict=True)]
    classes = ", ".join(names)
    return {"label_classes": classes, "pred_classes": f"logits of: {classes}"}
