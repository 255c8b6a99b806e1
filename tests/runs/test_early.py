"""A run of before 0.2 goes on, and by nothing else than what trained it."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.runs import refuse_other_settings
from gemini_monai.runs.early import LATER
from gemini_monai.transforms.input import STEPS

HOMEOMORPHISM = {"_target_": "gemini_monai.objectives.HomeomorphismObjective", "visual": "@visual"}
CONTRAST = {
    "_target_": "gemini_monai.objectives.ContrastObjective",
    "_disabled_": "$not @contrast_weight",
    "weight": "@contrast_weight",
}
SEGMENTATION = {"_target_": "gemini_monai.objectives.SegmentationObjective"}
PASTED = {"_target_": "gemini_monai.methods.BidirectionalCopyPaste"}
EARLY = {
    "data": {"images": "a"},
    "epochs": 2,
    "channels": [4, 8],
    "network_def": {"_target_": "gemini_monai.networks.Gemini", "channels": "@channels"},
    "train#streams": {"_target_": "gemini_monai.data.named_streams", "pairs": "@pairs"},
}
TODAY = {
    **{name: EARLY[name] for name in ("data", "epochs", "channels")},
    **LATER,
    "network_def": {"_target_": "gemini_monai.networks.network_of", "settings": "@settings"},
    "train#dataset": {"_target_": "gemini_monai.data.training_dataset"},
}
DEFAULT = {"homeomorphism": HOMEOMORPHISM, "contrast": CONTRAST, "segmentation": SEGMENTATION}
WAYS = {
    "the default": (
        EARLY | {"contrast_weight": 1.0, "objectives": DEFAULT},
        TODAY | {"contrast_weight": 1.0, "objectives": DEFAULT},
    ),
    "a method that undid it": (
        EARLY
        | {"contrast_weight": 0.0}
        | {"objectives": DEFAULT | {"homeomorphism": None, "copy_paste": PASTED}},
        TODAY
        | {"contrast_weight": 1.0}
        | {
            "objectives": {
                "segmentation": SEGMENTATION,
                "copy_paste": {"_target_": "gemini_monai.study.methods.BidirectionalCopyPaste"},
            }
        },
    ),
    "a weight of 0": (
        EARLY | {"contrast_weight": 0.0, "objectives": DEFAULT},
        TODAY | {"contrast_weight": 0.0, "objectives": DEFAULT},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_early_run_goes_on(way):
    saved, now = WAYS[way]
    assert refuse_other_settings(saved, now, done=1, where="last.pt") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": [4, 16]}, "trained with channels"),
        ({"contrast_weight": 0.0}, "trained with contrast_weight 1.0, now 0.0"),
        ({"objectives": {"segmentation": SEGMENTATION}}, "also: objectives.homeomorphism"),
        ({"objectives": DEFAULT | {"more": PASTED}}, "trained with objectives.more._target_ not"),
        ({"checkpoint": "last"}, "trained with checkpoint 'best', now 'last'"),
    ],
)
def test_by_other_settings_it_does_not(change, message):
    saved, now = WAYS["the default"]
    with pytest.raises(InputError, match=message):
        refuse_other_settings(saved, now | change, done=1, where="last.pt")


def test_a_run_of_today_is_compared_in_all():
    _, now = WAYS["the default"]
    other = {"_target_": "gemini_monai.data.training_dataset", "pairs": 9}
    with pytest.raises(InputError, match="trained with train#dataset.pairs not set, now 9"):
        refuse_other_settings(now, now | {"train#dataset": other}, done=1, where="last.pt")


def test_early_runs_saw_images_by_the_steps_of_today():
    assert LATER["preprocessing_steps"] == list(STEPS)


def test_a_run_of_before_views_had_a_transform_of_their_own_goes_on():
    part = {"_target_": "gemini_monai.data.training_dataset"}
    views = {"view_transforms": "@random_transforms"}
    now = TODAY | views | {"train#dataset": part | {"view_transforms": "@view_transforms"}}
    assert refuse_other_settings(TODAY, now, done=1, where="last.pt") == []
    own = {"view_transforms": {"_target_": "gemini_monai.transforms.view_transforms"}}
    with pytest.raises(InputError, match="trained with view_transforms._target_ not set"):
        refuse_other_settings(TODAY, now | own, done=1, where="last.pt")


AFFINE = {"_target_": "RandAffined", "scale_range": "$[@scale] * @spatial_dims"}
NAMED = {
    "augmentations": {"none": None, "light": AFFINE, "strong": {"_target_": "Compose"}},
    "random_transforms": "$gemini.chosen(@augmentations, @augmentation, key='augmentation')",
}


def test_the_transform_of_an_early_run_is_the_light_one_of_today():
    saved, now = WAYS["the default"]
    saved = saved | {"random_transforms": AFFINE}
    assert refuse_other_settings(saved, now | NAMED, done=1, where="last.pt") == []
    strong = now | NAMED | {"augmentation": "strong"}
    with pytest.raises(InputError, match=r"trained with random_transforms.*, augmentation"):
        refuse_other_settings(saved, strong, done=1, where="last.pt")
    own = saved | {"random_transforms": {"_target_": "RandFlipd"}}
    with pytest.raises(InputError, match=r"trained with random_transforms\._target_ 'RandFlipd'"):
        refuse_other_settings(own, now | NAMED, done=1, where="last.pt")
    assert refuse_other_settings(now | NAMED, now | NAMED, done=1, where="last.pt") == []
