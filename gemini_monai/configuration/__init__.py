"""Configuration: what the bundles' files call, and what may be changed in them."""

from __future__ import annotations

from importlib.util import find_spec

from gemini_monai.base.bundles import bundle_root
from gemini_monai.configuration.arms import refuse_unknown_arms, train_arms
from gemini_monai.configuration.cost import MEASURED, tell_cost
from gemini_monai.configuration.hardware import (
    autocast_options,
    choose_convolutions,
    loading_workers,
    on_gpu,
)
from gemini_monai.configuration.overrides import check_configuration, refuse_unknown_overrides
from gemini_monai.configuration.running import (
    check_knobs,
    identity,
    running_configuration,
    settings,
)
from gemini_monai.configuration.scoring import kept_knob, refuse_other_scoring
from gemini_monai.configuration.steps import (
    refuse_other_view,
    refuse_other_weights,
    show_probe,
    show_scores,
    start,
    warn_of_little,
)
from gemini_monai.configuration.together import (
    check_run,
    close_run,
    open_run,
    publish,
    refuse_tests,
    start_together,
    train,
)
from gemini_monai.data import read_cohort
from gemini_monai.engines.processes import (
    is_first_process,
    process_device,
    process_rank,
    wait_for_others,
)
from gemini_monai.images import find_images
from gemini_monai.inference import read_pairs, registration_items
from gemini_monai.networks import built_network, placed
from gemini_monai.objectives import Learner
from gemini_monai.runs import refuse_other_purpose
from gemini_monai.transforms import InputSpec, refuse_outputs
from gemini_monai.weights import load_backbone, load_network

__all__ = [
    "MEASURED",
    "InputSpec",
    "Learner",
    "autocast_options",
    "built_network",
    "bundle_root",
    "check_configuration",
    "check_knobs",
    "check_run",
    "choose_convolutions",
    "close_run",
    "find_images",
    "find_spec",
    "identity",
    "is_first_process",
    "kept_knob",
    "load_backbone",
    "load_network",
    "loading_workers",
    "on_gpu",
    "open_run",
    "placed",
    "process_device",
    "process_rank",
    "publish",
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
    "registration_items",
    "running_configuration",
    "settings",
    "show_probe",
    "show_scores",
    "start",
    "start_together",
    "tell_cost",
    "train",
    "train_arms",
    "wait_for_others",
    "warn_of_little",
]
