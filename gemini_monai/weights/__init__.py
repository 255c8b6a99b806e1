"""Weights: into a network, a backbone into any pipeline, and from published checkpoints."""

from __future__ import annotations

from gemini_monai.weights.backbone import LoadedBackbone, load_backbone
from gemini_monai.weights.exchange import export_onnx, tensorrt_network
from gemini_monai.weights.export import export_backbone, read_card
from gemini_monai.weights.hub import pull_backbone, push_backbone
from gemini_monai.weights.hub_bundle import push_bundle
from gemini_monai.weights.network import fitting_weights, load_network
from gemini_monai.weights.nnunet import export_nnunet, overlay_of_plans
from gemini_monai.weights.package import package_bundle
from gemini_monai.weights.published import import_published
from gemini_monai.weights.recognized import Recognized, network_of_weights, overlay_of_weights

__all__ = [
    "LoadedBackbone",
    "Recognized",
    "export_backbone",
    "export_nnunet",
    "export_onnx",
    "fitting_weights",
    "import_published",
    "load_backbone",
    "load_network",
    "network_of_weights",
    "overlay_of_plans",
    "overlay_of_weights",
    "package_bundle",
    "pull_backbone",
    "push_backbone",
    "push_bundle",
    "read_card",
    "tensorrt_network",
]
