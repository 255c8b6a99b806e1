"""Commands that use a run: the installed configurations, and nothing that the run has of them."""

from __future__ import annotations

import shutil

import pytest

from tests.bundles.runs import BUNDLE, CONFIGS, MIP
from tests.commands.calls import becomes, configurations, refused, used_run
from tests.conftest import ROOT


def _images(folder, *names):
    for name in names:
        (folder / name).touch()
    return [str(folder / name) for name in names]


def test_a_run_is_used_by_the_configuration_of_its_bundle(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    run = used_run(tmp_path / "run")
    moving, fixed, label = _images(tmp_path, "a.nii", "b.nii", "l.nii")
    words = becomes(monkeypatch, "segment", run, moving, "OUT", "--amp", "True")
    assert words[:2] == ["--config_file", "bundles/gemini_mip/configs/inference.json"]
    assert words[2:] == [
        *("--run_dir", str(run), "--quality", "auto", "--dataset_dir", moving),
        *("--output_dir", "OUT", "--amp", "True"),
    ]
    words = becomes(monkeypatch, "segment", run, moving, "OUT", "--quality", "off")
    assert words[-2:] == ["--quality", "off"]
    assert words.count("--quality") == 1
    words = becomes(monkeypatch, "register", run, moving, fixed, "OUT", "--moving_label", label)
    assert words[:2] == ["--config_file", "bundles/gemini_semi/configs/register.json"]
    assert words[4:8] == ["--moving", moving, "--fixed", fixed]
    words = becomes(monkeypatch, "register", run, "OUT", "--pairs", label)
    assert words[4:] == ["--output_dir", "OUT", "--pairs", label]


def test_several_runs_are_used_together_whatever_bundle_each_is_of(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    used_run(tmp_path / "a"), used_run(tmp_path / "$b", bundle="gemini_semi")
    _images(tmp_path, "x.nii")
    words = becomes(monkeypatch, "segment", "['a', '$b']", "x.nii", "OUT", "--flips", "True")
    assert configurations(words) == ["ensemble.json"]
    assert words[2:] == [
        *("--run_dirs", "['a','./$b']", "--dataset_dir", "x.nii", "--output_dir", "OUT"),
        *("--flips", "True"),
    ]


def test_a_received_archive_is_used_by_the_installed_configuration(monkeypatch, tmp_path):
    """Whatever it has of configurations, and wherever one works."""
    archive = tmp_path / "gemini_semi"
    shutil.copytree(BUNDLE / "configs", archive / "configs")
    used_run(archive / "run", bundle="gemini_semi")
    for name in ("run.json", "models"):
        (archive / "run" / name).rename(archive / name)
    a, b = _images(tmp_path, "a.nii", "b.nii")
    _written_data(tmp_path)
    data = tmp_path / "data" / "dataset.json"
    for here in (ROOT, tmp_path, archive):
        monkeypatch.chdir(here)
        for words in (["segment", archive, a, "OUT"], ["register", archive, a, b, "OUT"]):
            found = becomes(monkeypatch, *words)
            name = "inference" if words[0] == "segment" else "register"
            assert (here / found[1]).resolve() == (CONFIGS / f"{name}.json").resolve()
            assert found[2:4] == ["--run_dir", str(archive)]
        found = becomes(monkeypatch, "probe", archive, tmp_path / "data")
        assert (here / found[1]).resolve() == (MIP / "configs" / "probe.json").resolve()
        found = becomes(monkeypatch, "evaluate", archive, "OUT", "--datalist", data)
        assert configurations(found) == ["train.json", "evaluate.json", "recorded.json"]
        assert str(archive) not in found[1]


def _written_data(folder):
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "dataset.json").write_text('{"name": "x"}')


def test_a_run_is_scored_by_what_it_recorded(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    _written_data(tmp_path)
    data = tmp_path / "data"
    run = used_run(tmp_path / "run", dataset={"path": str(data / "dataset.json")})
    (run / "config.json").write_text('{"evil": "$print(1)"}')
    words = becomes(monkeypatch, "evaluate", run, "--overwrite", "True")
    assert configurations(words) == ["finetune.json", "evaluate.json", "recorded.json"]
    assert words[2:8] == [
        *("--run_dir", str(run), "--output_dir", str(run)),
        *("--datalist", str(data / "dataset.json")),
    ]
    assert words[-2:] == ["--overwrite", "True"]
    words = becomes(monkeypatch, "evaluate", run, "OUT", "--dataset_dir", data)
    assert words[4:] == ["--output_dir", "OUT", "--dataset_dir", str(data)]


def test_names_that_would_be_evaluated_are_paths(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    used_run(tmp_path / "$run")
    _images(tmp_path, "@in")
    words = becomes(monkeypatch, "segment", "$run", "@in", "%out")
    places = [word for word in words[2:] if word.startswith("./")]
    assert places == ["./$run", "./@in", "./%out"]


def test_modules_of_a_received_folder_are_not_imported(monkeypatch, tmp_path, capsys):
    run = used_run(tmp_path / "run")
    (run / "torch.py").write_text("raise SystemExit")
    monkeypatch.chdir(run)
    told = refused(monkeypatch, capsys, "segment", ".", "IN", "OUT")
    assert "torch.py: Python would import it" in told
    monkeypatch.chdir(tmp_path)
    _images(tmp_path, "a.nii")
    assert becomes(monkeypatch, "segment", "run", "a.nii", "OUT")


@pytest.mark.parametrize("words", [["segment", "RUN", "IN", "OUT"], ["evaluate", "RUN"]])
def test_a_record_with_something_to_run_is_not_used(monkeypatch, tmp_path, capsys, words):
    monkeypatch.chdir(tmp_path)
    used_run(tmp_path / "RUN", dataset={"path": "$print(1)"})
    told = refused(monkeypatch, capsys, *words)
    assert "run.json: dataset: path: '$print(1)' would be evaluated" in told
