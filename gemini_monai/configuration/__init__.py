"""Configuration: what the bundles' files call, and what may be changed in them."""

from __future__ import annotations

from gemini_monai.base.bundles import bundle_root
from gemini_monai.base.devices import best_device
from gemini_monai.configuration.arms import refuse_unknown_arms, train_arms
from gemini_monai.configuration.choice import chosen
from gemini_monai.configuration.cost import measured_trainer, tell_cost
from gemini_monai.configuration.hardware import choose_convolutions, loading_workers
from gemini_monai.configuration.knobs import check_knobs, identity, input_spec, settings
from gemini_monai.configuration.length import tell_seconds
from gemini_monai.configuration.overrides import check_configuration, refuse_unknown_overrides
from gemini_monai.configuration.parser_access import plainly_given, running_configuration
from gemini_monai.configuration.process_steps import (
    check_run,
    close_run,
    finish_run,
    refuse_tests,
    start_together,
    train,
)
from gemini_monai.configuration.quality_steps import QualitySteps, proposer_of
from gemini_monai.configuration.recorded import (
    kept_knob,
    refuse_other_scoring,
    settings_of_run,
    untrained_settings,
)
from gemini_monai.configuration.steps import (
    refuse_other_view,
    refuse_other_weights,
    show_probe,
    show_scores,
    start,
    start_from,
    tell_whole_structures,
    warn_of_little,
)
from gemini_monai.data import read_cohort
from gemini_monai.engines import autocast_options, on_gpu
from gemini_monai.engines.processes import (
    is_first_process,
    process_device,
    process_rank,
    share_of,
    wait_for_others,
)
from gemini_monai.images import find_images
from gemini_monai.inference import (
    read_pairs,
    refuse_unreadable,
    registration_items,
    scans_of,
    segment_files,
    with_flips,
)
from gemini_monai.networks import built_network, placed
from gemini_monai.objectives import Learner
from gemini_monai.runs import refuse_other_purpose
from gemini_monai.transforms import InputSpec, refuse_outputs
from gemini_monai.weights import load_backbone, load_network, tensorrt_network

__all__ = [
    "InputSpec",
    "Learner",
    "QualitySteps",
    "autocast_options",
    "best_device",
    "built_network",
    "bundle_root",
    "check_configuration",
    "check_knobs",
    "check_run",
    "choose_convolutions",
    "chosen",
    "close_run",
    "find_images",
    "finish_run",
    "identity",
    "input_spec",
    "is_first_process",
    "kept_knob",
    "load_backbone",
    "load_network",
    "loading_workers",
    "measured_trainer",
    "on_gpu",
    "placed",
    "plainly_given",
    "process_device",
    "process_rank",
    "proposer_of",
    "read_cohort",
    "read_pairs",
    "refuse_other_purpose",
    "refuse_other_scoring",
    "refuse_other_view",
    "refuse_other_weights",
    "refuse_outputs",
    "refuse_tests",
    "refuse_unknown_arms",
    "refuse_unknown_overrides",
    "refuse_unreadable",
    "registration_items",
    "running_configuration",
    "scans_of",
    "segment_files",
    "settings",
    "settings_of_run",
    "share_of",
    "show_probe",
    "show_scores",
    "start",
    "start_from",
    "start_together",
    "tell_cost",
    "tell_seconds",
    "tell_whole_structures",
    "tensorrt_network",
    "train",
    "train_arms",
    "untrained_settings",
    "wait_for_others",
    "warn_of_little",
    "with_flips",
]
