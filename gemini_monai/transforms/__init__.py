"""Transforms: from files to what a network sees, and from what it says to files."""

from __future__ import annotations

from gemini_monai.transforms.alignment import ResampleToGridd
from gemini_monai.transforms.corruption import (
    RandBezierIntensity,
    RandInPainting,
    RandLocalShuffle,
    RandOutPainting,
)
from gemini_monai.transforms.input import InputSpec
from gemini_monai.transforms.load import LoadScand
from gemini_monai.transforms.output import FiniteOutputd, SaveCased, refuse_outputs
from gemini_monai.transforms.postprocess import postprocessing
from gemini_monai.transforms.preprocess import labels_on_the_grid, preprocessing
from gemini_monai.transforms.scale import ScaleChannelsd
from gemini_monai.transforms.views import RandResizedCropd, view_transforms

__all__ = [
    "FiniteOutputd",
    "InputSpec",
    "LoadScand",
    "RandBezierIntensity",
    "RandInPainting",
    "RandLocalShuffle",
    "RandOutPainting",
    "RandResizedCropd",
    "ResampleToGridd",
    "SaveCased",
    "ScaleChannelsd",
    "labels_on_the_grid",
    "postprocessing",
    "preprocessing",
    "refuse_outputs",
    "view_transforms",
]
