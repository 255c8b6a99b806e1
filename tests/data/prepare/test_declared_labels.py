"""Names and values that somebody gives to labels, either way round, ignored ones and regions."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.data.prepare.declared_labels import Declared, declared_names, named_values


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"heart": 1, "2": "lung"}, Declared({"background": 0, "heart": 1, "lung": 2})),
        ({"heart": "1"}, Declared({"background": 0, "heart": 1})),
        ({"air": 0, "heart": 5}, Declared({"background": 0, "heart": 5})),
        ({"heart": [1], "lung": [2]}, Declared({"background": 0, "heart": 1, "lung": 2})),
        ({"heart": 1, "ignore": 255}, Declared({"background": 0, "heart": 1}, ignore=255)),
        ({"1": "heart", "-1": "Ignore"}, Declared({"background": 0, "heart": 1}, ignore=-1)),
        ({"ignore": 255}, Declared(None, ignore=255)),
        (
            {"background": 0, "whole": [1, 2], "core": [2], "ignore": 3},
            Declared(None, ignore=3, regions={"whole": (1, 2), "core": (2,)}),
        ),
        (
            {"background": [0], "edema": 1, "core": [2, 3]},
            Declared(None, regions={"edema": (1,), "core": (2, 3)}),
        ),
    ],
)
def test_what_is_said_is_understood(tmp_path, content, expected):
    (tmp_path / "labels.json").write_text(json.dumps(content))
    assert declared_names(tmp_path / "labels.json") == expected


def test_nothing_is_said_without_a_file(tmp_path):
    assert declared_names(tmp_path / "labels.json") == Declared()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (["heart"], "expected names and values like"),
        ({"heart": 1.5}, "expected names and values like .* got 'heart': 1.5"),
        ({"heart": True}, "expected names and values like .* got 'heart': True"),
        ({"heart": []}, "expected names and values like"),
        ({"heart": [1, "x"]}, "expected names and values like"),
        ({"heart": 1, "1": "heart"}, "'heart' is there twice"),
        ({"heart": 1, "lung": 1}, "'heart' and 'lung' both have value 1"),
        ({"heart": 1, "ignore": 1}, "'ignore': 1 is the value of 'heart' too"),
        ({"heart": 1, "ignore": 0}, "'ignore': 0 is the value of 'background' too"),
        ({"heart": 1, "ignore": 2, "3": "ignore"}, r"'ignore' must be one value, got \[2, 3\]"),
        ({"whole": [1, 2], "ignore": 2}, "2 is a value of 'whole' and of 'ignore'"),
        ({"whole": [0, 1]}, "'whole': expected a whole number, 1 or more, got 0"),
    ],
)
def test_what_cannot_be_is_named(content, message):
    with pytest.raises(InputError, match=f"labels: {message}"):
        named_values(content, where="labels")
