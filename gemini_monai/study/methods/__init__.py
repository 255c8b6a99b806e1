"""The systems that GEMINI is compared with: each is an objective, and an overlay of a bundle."""

from __future__ import annotations

from gemini_monai.study.methods.alternate_teachers import AlternateTeachers
from gemini_monai.study.methods.anatomy import AnatomySimilarity
from gemini_monai.study.methods.brbs import SampledSegmentation, SegmentedRegistration
from gemini_monai.study.methods.copy_paste import BidirectionalCopyPaste
from gemini_monai.study.methods.cross_displacement import CrossDisplacement
from gemini_monai.study.methods.cross_match import CrossMatch
from gemini_monai.study.methods.cross_pseudo import CrossPseudoSupervision
from gemini_monai.study.methods.data_aug import LearnedAugmentation
from gemini_monai.study.methods.deep_cluster import DeepCluster
from gemini_monai.study.methods.deep_prior import DeepPrior
from gemini_monai.study.methods.deep_rs import PartialWayTeaching
from gemini_monai.study.methods.densecl import DenseCL
from gemini_monai.study.methods.fixmatch import FixMatch
from gemini_monai.study.methods.local_contrast import LocalContrast
from gemini_monai.study.methods.lt_net import CycleRegistration
from gemini_monai.study.methods.masked import MaskedRestoration
from gemini_monai.study.methods.massl import AttentionRestoration
from gemini_monai.study.methods.mean_teacher import MeanTeacher, UncertaintyAwareMeanTeacher
from gemini_monai.study.methods.models_genesis import RandWindowShuffle
from gemini_monai.study.methods.momentum_contrast import MomentumContrast
from gemini_monai.study.methods.pc_reg_rt import PerClassRegistration, ReverseTeaching
from gemini_monai.study.methods.pixpro import PixPro
from gemini_monai.study.methods.prototypes import Prototypes
from gemini_monai.study.methods.rotation import RotationPrediction
from gemini_monai.study.methods.setsim import AttendedSets
from gemini_monai.study.methods.siamese import BYOL, SimSiam
from gemini_monai.study.methods.simclr import SimCLR
from gemini_monai.study.methods.unimatch import UniMatch
from gemini_monai.study.methods.unimatch_v2 import UniMatchV2
from gemini_monai.study.methods.vader import VADeR
from gemini_monai.study.methods.voxelmorph import AtlasRegistration

__all__ = [
    "BYOL",
    "AlternateTeachers",
    "AnatomySimilarity",
    "AtlasRegistration",
    "AttendedSets",
    "AttentionRestoration",
    "BidirectionalCopyPaste",
    "CrossDisplacement",
    "CrossMatch",
    "CrossPseudoSupervision",
    "CycleRegistration",
    "DeepCluster",
    "DeepPrior",
    "DenseCL",
    "FixMatch",
    "LearnedAugmentation",
    "LocalContrast",
    "MaskedRestoration",
    "MeanTeacher",
    "MomentumContrast",
    "PartialWayTeaching",
    "PerClassRegistration",
    "PixPro",
    "Prototypes",
    "RandWindowShuffle",
    "ReverseTeaching",
    "RotationPrediction",
    "SampledSegmentation",
    "SegmentedRegistration",
    "SimCLR",
    "SimSiam",
    "UncertaintyAwareMeanTeacher",
    "UniMatch",
    "UniMatchV2",
    "VADeR",
]
