"""Inference: what a trained network is used for."""

from __future__ import annotations

from gemini_monai.inference.atlases import AtlasInferer
from gemini_monai.inference.carried_landmarks import CarriedPoint, carry_landmarks
from gemini_monai.inference.correspond import Registration, register_pair
from gemini_monai.inference.ensemble import Ensemble, segment_files
from gemini_monai.inference.file_pairs import read_pairs
from gemini_monai.inference.flips import FlippedInferer, with_flips
from gemini_monai.inference.landmark_run import FileLandmarks
from gemini_monai.inference.meeting import registration_items
from gemini_monai.inference.probe import Probe
from gemini_monai.inference.probe_of_pretraining import pretraining_probe
from gemini_monai.inference.proposals import Proposals, scans_of
from gemini_monai.inference.proposer import Proposal, Proposer
from gemini_monai.inference.readable import refuse_unreadable
from gemini_monai.inference.registration_files import FileRegistration
from gemini_monai.inference.registration_scores import RegistrationScores
from gemini_monai.inference.segmentation import Segmentation, Segmenter
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.inference.windows import window_inferer
from gemini_monai.inference.world_registration import WorldRegistration, register_files

__all__ = [
    "AtlasInferer",
    "CarriedPoint",
    "Ensemble",
    "FileLandmarks",
    "FileRegistration",
    "FlippedInferer",
    "Probe",
    "Proposal",
    "Proposals",
    "Proposer",
    "Registration",
    "RegistrationScores",
    "Segmentation",
    "Segmenter",
    "TrainedRun",
    "WorldRegistration",
    "carry_landmarks",
    "pretraining_probe",
    "read_pairs",
    "refuse_unreadable",
    "register_files",
    "register_pair",
    "registration_items",
    "scans_of",
    "segment_files",
    "window_inferer",
    "with_flips",
]
