"""A whole segmenter for other runtimes: as ONNX, and as TensorRT compiled it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gemini_monai.base.errors import InputError
from gemini_monai.base.extras import optional, refuse_without
from gemini_monai.base.files import refuse_existing, replacing
from gemini_monai.networks import network_of
from gemini_monai.runs import RunFolder, read_record, refuse_other_purpose
from gemini_monai.weights.export import card_text
from gemini_monai.weights.metadata import image_axes, image_multiple
from gemini_monai.weights.network import load_network


def export_onnx(run: str | Path, output: str | Path, *, overwrite: bool = False) -> Path:
    """Write a segmenter as ONNX: from ``image`` (B, C, *S) to ``logits`` (B, K, *S).

    B is free. S is the size of the windows that the run was trained on, rounded up to what the
    network takes whole. Preprocessing, windows and the way back to the image are the runtime's
    business; what they need is in the metadata, as ``card``.

    Args:
        run: A run folder of a segmenter, with ``run.json`` and ``models/model.pt``.
        output: The file, ``.onnx``.
        overwrite: Replace a file that is there.

    Returns:
        Where the file is; written beside and renamed.

    Raises:
        InputError: If the folder is no run of a segmenter, onnx or onnxscript is not installed, the
            network cannot be written so, or the file is there.
    """
    output, folder = Path(output), RunFolder(run)
    record = read_record(folder.path)
    refuse_other_purpose(folder.path, task="segmentation")
    refuse_existing([output], overwrite=overwrite, inputs=[folder.model])
    for module in ("onnx", "onnxscript"):
        refuse_without(module, extra="onnx", purpose=str(output))
    settings = record["settings"]
    network = load_network(network_of(settings), folder.model).eval()
    image = torch.zeros(2, settings["in_channels"], *window_of(settings))
    try:
        program: Any = torch.onnx.export(
            network,
            (image,),
            input_names=["image"],
            output_names=["logits"],
            dynamic_shapes={"image": {0: torch.export.Dim("batch")}},
            dynamo=True,
            verbose=False,
        )
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{run}: its network cannot be written as ONNX: {reason}") from error
    program.model.metadata_props["card"] = card_text(record, network.state_dict(), part="network")
    with replacing(output) as part:
        program.save(part, external_data=False)
    return output


def window_of(settings: Mapping[str, Any]) -> list[int]:
    """Voxels along each axis of what the network of a run sees at a time, padding included.

    Args:
        settings: Of the run, by name.
    """
    multiple, sizes = image_multiple(settings), settings["spatial_size"][: image_axes(settings)]
    return [multiple * math.ceil(size / multiple) for size in sizes]


def tensorrt_network(path: str | Path) -> nn.Module:
    """A network that ``monai.bundle trt_export`` compiled, which runs what is in the file.

    Args:
        path: The file, compiled on this machine and not received.

    Raises:
        InputError: If it is not there, torch_tensorrt is not installed, or it cannot be read.
    """
    if not Path(path).is_file():
        raise InputError(
            f"{path}: no such file; compile it first, python -m monai.bundle trt_export"
        )
    optional("torch_tensorrt", extra="tensorrt", purpose=str(path))
    try:
        network: nn.Module = torch.jit.load(path)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path}: cannot be read as a compiled network: {reason}") from error
    return network
