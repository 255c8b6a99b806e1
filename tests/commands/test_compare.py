"""``gemini compare``: the starts, their networks, the plan, then the grid and its verdict."""

from __future__ import annotations

import json
import re
import shlex

import pytest
import torch

import gemini_monai.study.benchmark
from gemini_monai.base.errors import InputError
from gemini_monai.commands import compare
from gemini_monai.networks import Gemini
from tests.commands.calls import call, refused, used_run
from tests.study.benchmark.synthetic_grid import write_grid
from tests.weights import releases


@pytest.fixture
def made(monkeypatch):
    """What was measured and what was run, of which nothing took any time."""
    found = {"measured": [], "runs": []}

    def measure(own):
        found["measured"].append(own)
        return {"iteration": 0.1, "validation": 2.0}

    def make(runs, *, output, cores, more):
        output.mkdir(parents=True, exist_ok=True)
        (output / "grid.json").write_text("{}")
        found["runs"] += [run for run in runs if not run.folder.exists()]
        write_grid([run for run in runs if not run.folder.exists()])
        return True

    monkeypatch.setattr(compare, "measured", measure)
    monkeypatch.setattr(gemini_monai.study.benchmark, "run_grid", make)
    monkeypatch.setattr(gemini_monai.study.benchmark, "refuse_without_engine", lambda: None)
    return found


def _words(run):
    return shlex.split(run.command)


def _own_run(folder, **settings):
    return used_run(folder, task="pre-training", settings=settings)


def test_from_the_starts_to_the_verdict(tiny_phantom, tmp_path, monkeypatch, capsys, made):
    own = _own_run(tmp_path / "gemini", channels=[16, 32, 64, 128], backbone=None)
    words = ["compare", tiny_phantom.parent, own, "none", "--output", tmp_path / "out"]
    call(monkeypatch, *words, "--labels", "2", "--draws", "2", "--spatial_size", "[32,32]")
    assert [run.method for run in made["runs"]] == ["scratch", "gemini"] * 2
    for run in made["runs"]:
        assert "--labeled_cases 2 " in run.command
        assert "--spatial_size '[32,32]' --probe_interval 100000 " in run.command
        assert "--channels" not in run.command  # as it would be anyway
    said = capsys.readouterr().out
    assert "4 runs, in minutes of training here: gemini 2 x 0.7, scratch 2 x 0.7; 3 in all" in said
    assert said.strip().splitlines()[-1].startswith("An anecdote of 2 draws and no verdict: gemini")
    assert len(made["measured"]) == 1  # scratch has the same network


def test_each_network_has_a_scratch_of_its_own(tiny_phantom, tmp_path, monkeypatch, made):
    own = _own_run(tmp_path / "wide", channels=[4, 8])
    torch.save(Gemini(2, 1, 2, channels=(4, 8)).state_dict(), tmp_path / "model.pt")
    torch.save(Gemini(2, 1, 2, channels=(8, 8)).state_dict(), tmp_path / "other.pt")
    starts = [own, f"file={tmp_path / 'model.pt'}", tmp_path / "other.pt"]
    words = ["compare", tiny_phantom.parent, *starts, "--output", tmp_path / "out"]
    call(monkeypatch, *words, "--labels", "2", "--draws", "1", "--without_images")
    by_name = {run.method: _words(run) for run in made["runs"]}
    assert [*by_name] == ["scratch", "wide", "file", "other", "scratch_wide", "scratch_other"]
    for name, channels in (("wide", "[4, 8]"), ("file", "[4, 8]"), ("scratch_other", "[8, 8]")):
        assert by_name[name][by_name[name].index("--channels") + 1] == channels
    assert by_name["scratch_wide"][3:5] == ["--pretrained", "none"]
    assert "--channels" not in by_name["scratch"]
    assert len(made["measured"]) == 4  # three starts, and the plain network


def test_a_release_brings_its_network(tiny_phantom_3d, tmp_path, monkeypatch, made):
    torch.save(releases.anatomix(), tmp_path / "anatomix.pth")
    words = ["compare", tiny_phantom_3d.parent, tmp_path / "anatomix.pth"]
    call(monkeypatch, *words, "--output", tmp_path / "out", "--labels", "2", "--draws", "1")
    words = next(_words(run) for run in made["runs"] if run.method == "anatomix")
    described = words[words.index("--backbone") + 1]
    assert "'_target_': 'gemini_monai.networks.AnatomixBackbone'" in described
    assert words[words.index("--backbone_multiple") + 1] == "32"
    assert [run.method for run in made["runs"]] == ["scratch", "anatomix", "scratch_anatomix"]


@pytest.mark.parametrize("network", ["--channels '[4,8]'", "--overlay {}"])
def test_a_network_given_by_hand_is_taken_as_it_is(
    tiny_phantom, tmp_path, monkeypatch, made, network
):
    (tmp_path / "own.json").write_text(json.dumps({"channels": [4, 8]}))
    own = _own_run(tmp_path / "run", channels=[8, 8])
    network = network.format(tmp_path / "own.json")
    words = ["compare", tiny_phantom.parent, "--output", tmp_path / "out", "--labels", "2"]
    call(monkeypatch, *words, "--draws", "1", f"{own} {network}")
    by_name = {run.method: _words(run) for run in made["runs"]}
    assert [*by_name] == ["scratch", "run", "scratch_run"]
    given = shlex.split(network)
    for name in ("run", "scratch_run"):
        place = by_name[name].index(given[0])
        assert by_name[name][place : place + 2] == given
    made["runs"].clear()
    call(monkeypatch, *words, "--draws", "1", own, *given, "--epochs", "2")
    assert [run.method for run in made["runs"]] == ["scratch", "run"]


def test_minutes_are_those_of_the_budget(tiny_phantom, tmp_path, monkeypatch, capsys, made):
    own = _own_run(tmp_path / "run")
    words = ["compare", tiny_phantom.parent, own, "--labels", "2", "--draws", "1"]
    for budget, minutes in (("time 4", "4.0"), ("steps 100", "0.2")):
        output = tmp_path / budget.replace(" ", "_")
        call(monkeypatch, *words, "--output", output, "--budget", budget)
        assert f"run 1 x {minutes}, scratch 1 x {minutes};" in capsys.readouterr().out


def test_draws_of_all_labels_are_told(tiny_phantom, tmp_path, monkeypatch, capsys, made):
    own = _own_run(tmp_path / "run")
    words = ["compare", tiny_phantom.parent, own, "--output", tmp_path / "out", "--without_images"]
    call(monkeypatch, *words, "--labels", "3", "--draws", "2")
    assert "has 3 labeled images, so every draw has the same, and draws" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "no start given but none; give a run or a file of weights"),
        (["absent.pt"], "absent.pt: no such weights file"),
        (["run", "b/run"], "the name 'run' is another start's; give NAME=b/run"),
        (["scratch=run"], "the name 'scratch' is another start's"),
        (["ct_fm.pt"], "ct_fm.pt: weights of CT-FM for 3-D images, those of .* are 2-D"),
        (["vit.pt"], "vit.pt: of Primus, whose features are of patches and not of voxels"),
        (["run", "--labels", "0"], "--labels: expected a whole number, 1 or more, got 0"),
        (["run", "--labels", "9"], r"has 3 labeled case\(s\), got 9"),
        (["run", "--budget", "hours 3"], "--budget: expected steps, time, converged"),
        (["run", "--epoch", "3"], "no key 'epoch'; did you mean 'epochs'?"),
        (["evil"], "evil.*would be evaluated|evil.*is not of"),
    ],
)
def test_what_cannot_be_compared_is_one_line_before_the_first_run(
    tiny_phantom, tmp_path, monkeypatch, capsys, made, words, said
):
    _own_run(tmp_path / "run")
    _own_run(tmp_path / "b" / "run")
    _own_run(tmp_path / "evil", backbone={"_target_": "os.system", "command": "true"})
    torch.save(releases.ct_fm_encoder(), tmp_path / "ct_fm.pt")
    torch.save(releases.primus(), tmp_path / "vit.pt")
    (tmp_path / "bundles").symlink_to(compare.bundle_to_train("gemini_mip", "finetune")[0].parent)
    monkeypatch.chdir(tmp_path)
    asked = ["compare", tiny_phantom.parent, *words, "--output", tmp_path / "out"]
    assert re.search(said, refused(monkeypatch, capsys, *asked))
    assert made == {"measured": [], "runs": []}
    assert not (tmp_path / "out").exists()


def test_weights_that_do_not_fit_are_refused_before_the_first_run(
    tiny_phantom, tmp_path, monkeypatch, capsys, made
):
    def measure(own):
        raise InputError(f"{own.options[1]}: only 0 of the backbone's 28 weights fit")

    monkeypatch.setattr(compare, "measured", measure)
    own = _own_run(tmp_path / "run")
    words = ["compare", tiny_phantom.parent, own, "--output", tmp_path / "out", "--labels", "2"]
    assert "only 0 of the backbone's 28 weights fit" in refused(monkeypatch, capsys, *words)
    assert made["runs"] == []
