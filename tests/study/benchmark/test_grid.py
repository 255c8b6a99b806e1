"""Which runs a comparison needs, and when one is another run."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from dataclasses import replace

import pytest

import gemini_monai
from gemini_monai.base.bundles import literal
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.runs.settings import KNOBS
from gemini_monai.study.benchmark import PRESETS, GridSpec, grid_runs, variants_of, with_folds
from gemini_monai.study.benchmark.leakage import leakage_sentences
from gemini_monai.study.benchmark.variants import DEFAULTS, PAIRS
from tests.conftest import ROOT


@pytest.fixture
def spec(tiny_phantom, tmp_path):
    return GridSpec(
        suite="few_labels",
        data=(tiny_phantom.parent,),
        methods=("gemini", "cps"),
        labels=(1, 2),
        draws=(0, 1),
        output=tmp_path / "out",
        overrides=("--epochs", "1"),
    )


def test_every_method_with_every_seed_and_number_the_baseline_first(spec):
    runs = grid_runs(spec)
    assert len(runs) == 3 * 2 * 2
    assert [run.method for run in runs[:3]] == ["supervised", "gemini", "cps"]
    assert len({run.name for run in runs}) == len(runs)
    words = shlex.split(runs[2].command)
    assert words[:3] == ["gemini", "train", "semi"]
    for option in ("--method cps", "--labeled_cases 1", "--seed 0", "--epochs 1", "--resume True"):
        assert option in runs[2].command
    assert "--method" not in runs[1].command
    assert runs[2].done.startswith(words[words.index("--output_dir") + 1])


def test_seeds_are_crossed_with_draws_and_name_the_draw(spec):
    runs = grid_runs(
        replace(spec, methods=("gemini",), variants={"x": ()}, labels=(2,), seeds=(0, 7))
    )
    own = [run for run in runs if run.method == "x"]
    assert [(run.draw, run.seed) for run in own] == [(0, 0), (0, 7), (1, 0), (1, 7)]
    assert "--labeled_draw" not in own[0].command
    assert "--labeled_draw 0 " in own[1].command
    assert "--seed 7 " in own[1].command
    fine = grid_runs(replace(spec, suite="pretraining", labels=(2,), seeds=(7,)))
    starts = [run for run in fine if not run.labels]
    assert [(run.method, run.seed) for run in starts] == [("gemini", 7), ("cps", 7)]
    of_gemini = [run for run in fine if run.labels and run.method == "gemini"]
    assert [run.draw for run in of_gemini] == [0, 1]
    assert {run.after for run in of_gemini} == {(starts[0].name,)}


def test_a_variant_is_the_default_with_its_overrides(spec):
    given = variants_of({"no_gss": "--semantic 0", "two": "--channels '[4, 8]'"})
    own = replace(spec, methods=("gemini",), labels=(1,), draws=(0,), variants=given)
    runs = grid_runs(own)
    assert [run.method for run in runs] == ["supervised", "gemini", "no_gss", "two"]
    assert "--semantic 0" in runs[2].command
    words = shlex.split(runs[3].command)
    assert words[words.index("--channels") + 1] == "[4, 8]"
    assert not any("--method" in run.command for run in runs[1:])
    before = grid_runs(replace(own, suite="pretraining"))
    start = next(run for run in before if run.method == "no_gss")
    assert "train mip" in start.command
    assert "--semantic 0" in start.command
    fine = [run for run in before if run.method == "no_gss" and run.labels]
    assert fine
    assert not any("--semantic" in run.command for run in fine)
    with pytest.raises(InputError, match="'gemini' is a method and a variant"):
        replace(own, variants=variants_of({"gemini": ""}))


@pytest.mark.parametrize("name", PRESETS)
def test_the_knobs_of_a_preset_are_knobs_that_take_its_values(name):
    for words in variants_of(name).values():
        assert len(words) % 2 == 0
        for key, value in zip(words[::2], words[1::2], strict=True):
            assert key.startswith("--")
            KNOBS[key[2:]](literal(value), key)


def test_a_variant_of_the_network_is_fine_tuned_as_it_was_pretrained(spec):
    given = variants_of("width")
    own = replace(spec, suite="pretraining", labels=(1,), draws=(0,), variants=given)
    for run in grid_runs(own):
        wide = run.method == "width_32"
        assert ("--channels '[32,64,128,256,512]'" in run.command) == wide, run.command
    given = variants_of({"apart": "--semantic 0 --pairs 2"})
    fine = [r for r in grid_runs(replace(own, variants=given)) if r.labels and r.method == "apart"]
    assert fine
    assert not any("--pairs" in run.command for run in fine)


def test_given_weights_are_fine_tuned_without_a_pretraining(spec):
    given = {"imagenet": ("resnet50.pth", "--overlay", "finetune_imagenet.json")}
    own = replace(spec, suite="pretraining", labels=(1,), draws=(0,), given=given)
    assert own.arms[-1] == "imagenet"
    (run,) = [run for run in grid_runs(own) if run.method == "imagenet"]
    assert (
        "--pretrained resnet50.pth --labeled_cases 1 --overlay finetune_imagenet.json"
        in run.command
    )
    assert run.after == ()
    with pytest.raises(InputError, match="'cps' is a method and a variant"):
        replace(own, given={"cps": ("file",)})


def test_what_presets_share_is_one_arm():
    found = variants_of(["ablation", "smoothness", "similarity"])
    assert list(found) == [
        *PRESETS["ablation"],
        *(name for name in PRESETS["smoothness"] if name != "smoothness_0.4"),
        "semantic",
    ]
    assert len(set(found.values())) == len(found)


def test_an_arm_of_the_default_value_says_nothing_of_the_knob():
    config = read_json(ROOT / "bundles" / "gemini_semi" / "configs" / "train.json", dict)
    assert {name: config[name] for name in DEFAULTS} == DEFAULTS
    for preset in ("smoothness", "visual", "positive", "schedule", "reach"):
        assert PAIRS in PRESETS[preset].values()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("figure_8", "expected one of ablation, .*, got 'figure_8'"),
        (["ablation", "a"], "expected one of ablation, .*, got 'a'"),
        ([["ablation"]], "expected one of ablation"),
        ([], "expected a preset or"),
        ({"a/b": ""}, "a name is letters, .*, got 'a/b'"),
        ({"a": 3}, "expected a preset or"),
    ],
)
def test_variants_that_cannot_be_are_named(given, message):
    with pytest.raises(InputError, match=message):
        variants_of(given)


def test_a_pretraining_stands_before_what_starts_from_it(spec):
    own = replace(spec, suite="pretraining", pretraining=("--epochs", "3"))
    runs = grid_runs(own)
    assert [run.method for run in runs[:2]] == ["scratch", "scratch"]
    scratch = [run for run in runs if run.method == "scratch"]
    assert all("--pretrained none" in run.command and not run.after for run in scratch)
    starts = [run for run in runs if not run.labels]
    assert len(starts) == 2 * 2
    for start in starts:
        assert "--epochs 3" in start.command
        followers = [run for run in runs if start.name in run.after]
        assert {run.labels for run in followers} == {1, 2}
        assert all(f"--pretrained {start.folder}" in run.command for run in followers)
        assert runs.index(start) < min(runs.index(run) for run in followers)


def test_other_settings_data_or_code_are_another_run(spec, tmp_path, monkeypatch):
    names = {run.name for run in grid_runs(spec)}
    assert names == {run.name for run in grid_runs(spec)}
    assert names.isdisjoint(r.name for r in grid_runs(replace(spec, overrides=("--epochs", "2"))))
    copy = shutil.copytree(spec.data[0], tmp_path / spec.data[0].name)
    content = json.loads((copy / "dataset.json").read_text())
    (copy / "dataset.json").write_text(json.dumps(content | {"seed": 7}))
    assert names.isdisjoint(run.name for run in grid_runs(replace(spec, data=(copy,))))
    monkeypatch.setattr("gemini_monai.__version__", "9")
    assert names.isdisjoint(run.name for run in grid_runs(spec))


def test_new_times_of_the_files_make_no_other_run(spec, tmp_path):
    """As after ``prepare`` of a copy."""
    path = shutil.copytree(spec.data[0], tmp_path / "copy") / "dataset.json"
    spec = replace(spec, data=(path.parent,))
    name = grid_runs(spec)[0].name
    content = json.loads(path.read_text())
    for file, record in content["files"].items():
        size, _, digest = record.split()
        content["files"][file] = f"{size} 7.000000000 {digest}"
    path.write_text(json.dumps(content))
    assert grid_runs(spec)[0].name == name
    content["files"][file] = f"{size} 7.000000000 {'0' * 64}"
    path.write_text(json.dumps(content))
    assert grid_runs(spec)[0].name != name


def test_a_name_stays_what_it_was_so_that_long_runs_are_found_again(spec, tmp_path):
    """The first eight digits of a hash of the words, the data's file, version and predecessors."""
    copy = shutil.copytree(spec.data[0], tmp_path / spec.data[0].name)
    content = json.loads((copy / "dataset.json").read_text())
    del content["files"]  # as earlier versions wrote it
    (copy / "dataset.json").write_text(json.dumps(content))
    spec = replace(spec, data=(copy,))
    run = grid_runs(spec)[0]
    data = str(spec.data[0])
    words = ["train", "semi", data, "--method", "supervised", "--compare", "[]"]
    words += ["--labeled_cases", "1", "--epochs", "1", "--seed", "0"]
    content = hashlib.sha256((spec.data[0] / "dataset.json").read_bytes()).hexdigest()
    known = json.dumps([words, content, gemini_monai.__version__, []])
    assert run.name == (
        "phantom_2d_phantom-supervised-1_labels-0-" + hashlib.sha256(known.encode()).hexdigest()[:8]
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"suite": "many"}, "no suite 'many'; there are few_labels, pretraining"),
        ({"methods": ()}, "no methods given"),
        ({"draws": ()}, "no draws given"),
    ],
)
def test_what_is_no_question_is_said(spec, given, message):
    with pytest.raises(InputError, match=message):
        replace(spec, **given)


def test_data_that_is_not_prepared_is_named(spec, tmp_path):
    with pytest.raises(InputError, match=r"dataset\.json: no such file; prepare the data first"):
        replace(spec, data=(tmp_path,))


def test_with_folds_each_draw_is_of_the_next_and_of_one_table(spec):
    own = with_folds(replace(spec, methods=("gemini",), labels=(1,), draws=tuple(range(4))), 3)
    (places,) = own.folds.values()
    assert [place.name for place in places] == ["0", "1", "2"]
    runs = grid_runs(own)
    assert [shlex.split(run.command)[3] for run in runs[::2]] == [
        str(places[draw % 3]) for draw in range(4)
    ]
    assert len({run.data for run in runs}) == 1
    known = own.cohort(spec.data[0])
    tested = [entry["case"] for place in places for entry in own.cohort(place).test]
    everyone = [*known.labeled, *known.validation, *known.test]
    assert sorted(tested) == sorted(entry["case"] for entry in everyone)
    assert len(leakage_sentences(own)) == 3
    assert all("of their patients none among" in line for line in leakage_sentences(own))
    assert own.labels_read.startswith("Labels of 2 validation images")


def test_folds_that_cannot_be_are_refused(spec):
    with pytest.raises(InputError, match="--folds 3: expected as many --draws or more, got 2"):
        with_folds(spec, 3)
    of_itself = replace(spec, suite="pretraining", draws=(0, 1, 2))
    with pytest.raises(InputError, match="pretraining needs another data set"):
        with_folds(of_itself, 3)
    assert with_folds(spec, 0) is spec
