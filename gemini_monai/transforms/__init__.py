"""Transforms: from files to what a network sees, and from what it says to files."""

from __future__ import annotations

from gemini_monai.transforms.alignment import ResampleToGridd
from gemini_monai.transforms.corruption import (
    RandBezierIntensity,
    RandInPainting,
    RandLocalShuffle,
    RandOutPainting,
)
from gemini_monai.transforms.crops import ForegroundCropd
from gemini_monai.transforms.input import InputSpec
from gemini_monai.transforms.load import LoadScand
from gemini_monai.transforms.output import FiniteOutputd, SaveCased, refuse_outputs
from gemini_monai.transforms.postprocess import postprocessing, to_own_grid
from gemini_monai.transforms.preprocess import labels_on_the_grid, preprocessing
from gemini_monai.transforms.probabilities import OwnGridd, Probabilitiesd
from gemini_monai.transforms.scale import ScaleChannelsd
from gemini_monai.transforms.structure_volumes import CaseTable, SaveVolumesd, volume_rows
from gemini_monai.transforms.views import RandResizedCropd, view_transforms
from gemini_monai.transforms.whole import whole_label

__all__ = [
    "CaseTable",
    "FiniteOutputd",
    "ForegroundCropd",
    "InputSpec",
    "LoadScand",
    "OwnGridd",
    "Probabilitiesd",
    "RandBezierIntensity",
    "RandInPainting",
    "RandLocalShuffle",
    "RandOutPainting",
    "RandResizedCropd",
    "ResampleToGridd",
    "SaveCased",
    "SaveVolumesd",
    "ScaleChannelsd",
    "labels_on_the_grid",
    "postprocessing",
    "preprocessing",
    "refuse_outputs",
    "to_own_grid",
    "view_transforms",
    "volume_rows",
    "whole_label",
]
