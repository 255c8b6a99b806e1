"""Which runs may predict together, and what all of them do."""

from __future__ import annotations

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.runs.alike import MEANING, agreed, refuse_unlike, whole_structures_told
from tests.commands.calls import used_run

SETTINGS = {
    "spatial_dims": 2,
    "overlapping": False,
    "structures": ["a", "b"],
    "label_values": [0, 1, 2],
    "seed": 3,
}
OTHER = {
    "spatial_dims": 3,
    "overlapping": True,
    "structures": ["b", "a"],
    "label_values": [0, 1, 5],
}


def _runs(tmp_path, **changed):
    first = used_run(tmp_path / "first", settings=SETTINGS)
    return first, used_run(tmp_path / "second", settings=SETTINGS | changed)


@pytest.mark.parametrize("name", MEANING)
def test_runs_of_other_structures_are_named_with_what_differs(tmp_path, name):
    runs = _runs(tmp_path, **{name: OTHER[name]})
    with pytest.raises(InputError, match=f"second: has {name} .* but .*first has .*same struct"):
        refuse_unlike(runs)


def test_runs_that_see_images_otherwise_go_together(tmp_path):
    refuse_unlike(_runs(tmp_path, seed=4, spatial_size=[8, 8], spacing=[1.0, 1.0]))


def test_no_run_and_no_segmenter_are_refused(tmp_path):
    with pytest.raises(InputError, match="no run is given"):
        refuse_unlike([])
    pre = used_run(tmp_path / "pre", task="pre-training", settings=SETTINGS)
    with pytest.raises(InputError, match="pre: a run for pre-training, expected one for segm"):
        refuse_unlike([*_runs(tmp_path), pre])
    with pytest.raises(InputError, match="no such run folder"):
        refuse_unlike([*_runs(tmp_path / "more"), tmp_path / "none"])


def test_what_is_agreed_keeps_the_order_of_the_first():
    settings = [
        {"largest_component": ["c", "a", "b"], "fill_holes": []},
        {"largest_component": ["b", "c"], "fill_holes": ["a"]},
    ]
    assert agreed(settings) == {"largest_component": ["c", "b"], "fill_holes": []}
    assert agreed(settings[:1]) == settings[0]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "none"),
        ({"largest_component": [], "fill_holes": ()}, "none"),
        ({"largest_component": ["a", "b"]}, "largest component of a, b"),
        (
            {"largest_component": ["a"], "fill_holes": ["b"]},
            "largest component of a; holes closed in b",
        ),
    ],
)
def test_it_is_told_in_words(settings, text):
    assert whole_structures_told(settings) == text
