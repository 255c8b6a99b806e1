"""Five means five: without validation no label beyond the chosen ones is read before the test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import gemini_monai.transforms.load as loading
from gemini_monai.data import read_cohort
from tests.bundles.runs import BUNDLE, FINE, MIP, SMALL, paths, run

TRAININGS = {
    "semi": ("train", BUNDLE, SMALL | {"compare": []}),
    "finetune": ("finetune", MIP, FINE | {"pretrained": "none"}),
}


@pytest.fixture
def labels_read(monkeypatch):
    """Files of labels, in the order in which they are read."""
    found: list[str] = []
    original = loading.read_label

    def reading(path, **options):
        found.append(Path(path).name)
        return original(path, **options)

    monkeypatch.setattr(loading, "read_label", reading)
    return found


@pytest.mark.parametrize("training", TRAININGS)
def test_no_further_label_is_read_before_the_test(tiny_phantom, tmp_path, labels_read, training):
    name, bundle, small = TRAININGS[training]
    knobs = {"labeled_cases": 1, "labeled_draw": 2, "use_validation": False, "num_workers": 0}
    run(name, bundle=bundle, **paths(tiny_phantom, tmp_path), **(small | knobs))
    cohort = read_cohort(tiny_phantom)
    (chosen,) = cohort.few(1, seed=2)
    tested = {Path(entry["label"]).name for entry in cohort.test}
    before = labels_read[: next(k for k, file in enumerate(labels_read) if file in tested)]
    assert set(before) == {Path(chosen["label"]).name}
    assert set(labels_read) - tested == set(before)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["settings"]["use_validation"] is False
    assert not (tmp_path / "validation.csv").exists()


def test_with_validation_its_labels_are_read(tiny_phantom, tmp_path, labels_read):
    run("train", **paths(tiny_phantom, tmp_path), **SMALL, compare=[], num_workers=0)
    cohort = read_cohort(tiny_phantom)
    assert {Path(entry["label"]).name for entry in cohort.validation} <= set(labels_read)


@pytest.mark.parametrize(
    ("names", "update", "expected"),
    [
        (("method_pairs",), "alternating", 8),
        (("method_pairs",), "summed", 4),
        (("method_supervised",), "alternating", 4),
    ],
)
def test_steps_of_the_optimizer_are_counted_also_of_a_run_that_goes_on(
    tiny_phantom, tmp_path, names, update, expected
):
    options = paths(tiny_phantom, tmp_path) | SMALL | {"compare": [], "update": update}
    run("train", *names, **options)
    assert json.loads((tmp_path / "run.json").read_text())["optimizer_steps"] == expected
    run("train", *names, **(options | {"epochs": 3}), resume=True)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["optimizer_steps"] == expected * 3 / 2
