"""Commands for a bundle: the words that they stand for, and one run of all of them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

import gemini_monai
from gemini_monai.commands.monai_call import NOTICE
from gemini_monai.commands.parser import build_parser, split_overrides
from tests.bundles.runs import BUNDLE, MIP, SMALL, command, overrides_of
from tests.commands.calls import becomes, call, configurations, refused, used_run
from tests.conftest import ROOT


def _data(folder, **content):
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text(json.dumps({"name": "x"} | content))
    return folder


@pytest.mark.parametrize(
    ("what", "content", "overlays"),
    [
        ("semi", {"source": "folder", "name": "candi"}, ["dataset_folder.json"]),
        ("semi", {"name": "of an earlier version"}, ["dataset_folder.json"]),
        ("semi", {"source": "candi", "name": "candi"}, ["dataset_candi.json"]),
        ("semi", {"source": "decathlon", "name": "Hippocampus"}, ["dataset_hippocampus.json"]),
        ("semi", {"source": "decathlon", "name": "Spleen"}, ["dataset_folder.json"]),
        ("semi", {"source": "phantom", "name": "phantom_3d"}, ["dataset_phantom_3d.json"]),
        ("mip", {"source": "phantom", "name": "phantom_3d", "phantom": {"seed": 0}}, []),
        ("mip", {"source": "chestxray8"}, ["dataset_chestxray8.json"]),
        ("mip", {"source": "ppmi"}, ["dataset_ppmi.json"]),
    ],
)
def test_the_overlay_is_that_of_the_data(monkeypatch, tmp_path, what, content, overlays):
    monkeypatch.chdir(ROOT)
    folder = _data(tmp_path / "data", **content)
    words = becomes(monkeypatch, "train", what, folder, "--epochs", 3)
    assert words[0] == "training"
    assert configurations(words) == ["train.json", *overlays]
    assert words[3:5] == ["--dataset_dir", str(folder)]
    assert words[-2:] == ["--epochs", "3"]
    own = ["--datalist", str(folder / "dataset.json")]
    assert (words[5:7] == own) == ("phantom" in content)


def test_methods_and_overlays_come_after_the_data(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    folder, own = _data(tmp_path / "data"), tmp_path / "own.json"
    own.write_text("{}")
    words = becomes(monkeypatch, "train", "semi", folder, "--method", "gvsl", "--overlay", own)
    assert configurations(words) == [
        "train.json",
        "dataset_folder.json",
        "method_gvsl.json",
        "own.json",
    ]
    assert configurations(becomes(monkeypatch, "train", "semi")) == ["train.json"]


def test_a_cost_is_asked_as_the_training_is(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(ROOT)
    folder = _data(tmp_path / "data", source="scr")
    words = becomes(monkeypatch, "cost", "mip", folder, "--method", "simclr", "--memory", "low")
    assert words[0] == "costing"
    assert configurations(words) == ["train.json", "dataset_folder.json", "method_simclr.json"]
    assert words[-2:] == ["--memory", "low"]
    words = becomes(monkeypatch, "cost", "finetune", folder)
    assert configurations(words) == ["finetune.json", "finetune_scr.json"]
    assert words[-2:] == ["--pretrained", "none"]
    told = refused(monkeypatch, capsys, "cost", "finetune", "--method", "gvsl")
    assert "one way to train, got 'gvsl'" in told


def test_finetuning_has_overlays_of_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    for source, overlay in (("scr", "finetune_scr.json"), ("folder", "dataset_folder.json")):
        folder = _data(tmp_path / source, source=source)
        words = becomes(monkeypatch, "finetune", folder, "--pretrained", "none", "--slices=True")
        assert configurations(words) == ["finetune.json", overlay]
        assert words[-3:] == ["--pretrained", "none", "--slices=True"]


@pytest.mark.parametrize(
    ("words", "bundle", "config"),
    [
        (["train", "semi"], BUNDLE, "train"),
        (["train", "mip"], MIP, "train"),
        (["finetune", "--pretrained", "none"], MIP, "finetune"),
        (["cost", "semi"], BUNDLE, "train"),
        (["cost", "finetune"], MIP, "finetune"),
    ],
)
def test_where_no_bundle_lies_the_shipped_one_trains_and_writes_here(
    monkeypatch, tmp_path, words, bundle, config
):
    monkeypatch.chdir(tmp_path)
    found = becomes(monkeypatch, *words)
    assert found[2] == str(bundle / "configs" / f"{config}.json")
    assert found[3:5] == ["--bundle_root", str(tmp_path / "bundles" / bundle.name)]
    (tmp_path / "bundles" / bundle.name / "runs").mkdir(parents=True)  # which is no bundle yet
    assert becomes(monkeypatch, *words) == found


def test_an_overlay_of_the_bundle_goes_by_its_name(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["train", "semi", "--overlay", "recipe_light"]
    assert configurations(becomes(monkeypatch, *words)) == ["train.json", "recipe_light.json"]
    (tmp_path / "recipe_light").mkdir()
    assert configurations(becomes(monkeypatch, *words)) == ["train.json", "recipe_light.json"]
    told = refused(monkeypatch, capsys, *words[:2], "--overlay", "recipe_lihgt")
    assert told == "error: recipe_lihgt: no such configuration file"


def test_an_archive_in_the_working_directory_trains_by_the_installed_configuration(
    monkeypatch, tmp_path
):
    """With the network of its weights; a copy of the bundle that is one's own comes first."""
    archive = tmp_path / "gemini_mip"
    shutil.copytree(MIP / "configs", archive / "configs")
    network = {"channels": [4, 8], "deformer_stages": 2, "diffeomorphic": False}
    record = {"task": "pre-training", "bundle": "gemini_mip", "settings": network}
    (archive / "run.json").write_text(json.dumps(record))
    monkeypatch.chdir(tmp_path)
    words = becomes(monkeypatch, "finetune", "--pretrained", archive)
    assert words[2] == str(MIP / "configs" / "finetune.json")
    assert words[3:9] == [
        *("--bundle_root", str(archive), "--channels", "[4, 8]", "--deformer_stages", "2")
    ]
    own = tmp_path / "bundles" / "gemini_mip"
    shutil.copytree(MIP / "configs", own / "configs")
    words = becomes(monkeypatch, "train", "mip")
    assert words[2:] == ["bundles/gemini_mip/configs/train.json"]


def test_an_unknown_key_of_an_overlay_is_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(ROOT)
    overlay = tmp_path / "own.json"
    for text, message in (
        ('{"optimiser": {"_target_": "torch.optim.SGD"}}', "no key 'optimiser'; did you mean"),
        ('{"epochs": ', "own.json: not a configuration"),
        ('{"trainr#amp": 1}', "no key 'trainr#amp'; did you mean"),
        ("[]", "own.json: not a configuration: expected keys, found []"),
    ):
        overlay.write_text(text)
        for words in (["train", "semi"], ["finetune", "--pretrained", "none"], ["cost", "mip"]):
            assert message in refused(monkeypatch, capsys, *words, "--overlay", overlay)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "semi", "absent"], "absent/dataset.json: no such file; prepare the data first"),
        (
            ["train", "semi", "--method", "gsvl"],
            "ua_mt, unimatch, unimatch_v2, vader, voxelmorph, got 'gsvl'",
        ),
        (["train", "semi", "--overlay", "absent.json"], "absent.json: no such configuration file"),
        (["train"], "the following arguments are required: {semi,mip}"),
        (["train", "both"], "invalid choice: 'both'"),
        (["finetune"], "the following arguments are required: --pretrained"),
        (["segment", "absent", "IN", "OUT"], "absent: no such run folder"),
        (["segment", "RUN"], "the following arguments are required: IMAGES, OUT"),
        (["evaluate", "PRE"], "PRE: a run for pre-training, which has no segmentation to score"),
        (["probe", "absent", "DST"], "absent: no such run folder"),
        (["probe", "PRE", "absent"], "absent/dataset.json: no such file; prepare the data first"),
        (["evaluate", "OLD"], "its record does not say where its data are, as it was handed"),
        (["evaluate", "OLD", "--datalist", "DATA/dataset.json"], "whose own scores stay; give OUT"),
        (["segment", "OTHER", "IN", "OUT"], "no bundle '../x'; there are gemini_mip, gemini_semi"),
    ],
)
def test_what_cannot_be_is_one_line(monkeypatch, tmp_path, capsys, words, message):
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    used_run(tmp_path / "PRE", task="pre-training")
    used_run(tmp_path / "OLD")
    used_run(tmp_path / "OTHER", bundle="../x")
    monkeypatch.chdir(tmp_path)
    assert message in refused(monkeypatch, capsys, *words)


@pytest.mark.parametrize(
    ("words", "own", "overrides"),
    [
        (["DST", "--epochs", "3"], ["DST"], ["--epochs", "3"]),
        (["--epochs", "3", "DST"], ["DST"], ["--epochs", "3"]),
        (
            ["--lr", "-1", "--amp", "--x=2", "DST"],
            ["DST"],
            ["--lr", "-1", "--amp", "True", "--x=2"],
        ),
        (["--method", "gvsl", "DST"], ["--method", "gvsl", "DST"], []),
        (["DST", "--amp"], ["DST"], ["--amp", "True"]),
        (["--a#b#c", "[1, 2]"], [], ["--a#b#c", "[1, 2]"]),
    ],
)
def test_keys_of_the_configuration_are_told_from_a_commands_own(words, own, overrides):
    assert split_overrides(words, known={"--method", "--help"}) == (own, overrides)


def _commands(parser, words=()):
    yield words
    for action in parser._actions:
        inner = action.choices if isinstance(action.choices, dict) else {}
        for name, command_parser in inner.items():
            yield from _commands(command_parser, (*words, name))


def test_the_version_is_told(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        call(monkeypatch, "--version")
    assert capsys.readouterr().out == f"gemini_monai {gemini_monai.__version__}\n"


def test_the_command_is_printed_to_be_pasted_and_only_overlays_have_a_notice_of_monai(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONWARNINGS", "ignore::ResourceWarning")
    folder, own = _data(tmp_path / "data"), tmp_path / "own.json"
    own.write_text("{}")
    becomes(monkeypatch, "train", "semi", folder, "--overlay", own)
    assert os.environ["PYTHONWARNINGS"] == "ignore::ResourceWarning"
    words = becomes(monkeypatch, "train", "semi", folder)
    assert os.environ["PYTHONWARNINGS"] == f"ignore::ResourceWarning,{NOTICE}"
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("python -m monai.bundle run training --config_file \"['bundles/")
    assert shlex.split(line)[4:] == words


def test_every_command_has_help(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    found = list(_commands(build_parser()))
    assert len(found) > 20
    for words in found:
        with pytest.raises(SystemExit) as raised:
            call(monkeypatch, *words, "--help")
        assert raised.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: {' '.join(['gemini', *words])}")


def test_the_help_of_training_lists_every_knob(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    for words, bundle, name in (
        (["train", "semi"], BUNDLE, "train"),
        (["train", "mip"], MIP, "train"),
        (["finetune"], MIP, "finetune"),
    ):
        with pytest.raises(SystemExit):
            call(monkeypatch, *words, "--help")
        printed = capsys.readouterr().out
        config = json.loads((bundle / "configs" / f"{name}.json").read_text())
        for key in ("epochs", "learning_rate", "channels", "output_dir", "amp"):
            assert re.search(rf"^  {key} +\S", printed, re.M), key
        assert f"epochs                  {config['epochs']}\n" in printed


def test_help_imports_nothing_that_takes_a_second():
    code = (
        "import sys\n"
        "from gemini_monai.commands.parser import run\n"
        "try:\n    run(['train', 'semi', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'monai', 'numpy', 'itk', 'matplotlib', 'ignite'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_person_trains_and_uses_a_network(tiny_phantom, tmp_path):
    """Each in an interpreter of its own; the README's and the tutorial's have tests there."""

    def gemini(*words):
        done = command(*words, module="gemini_monai", python=sys.executable)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    data, run, images = tiny_phantom.parent, tmp_path / "run", tiny_phantom.parent / "images"
    small = overrides_of(SMALL | {"compare": []})
    printed = gemini("train", "semi", data, "--output_dir", run, *small)
    assert printed.startswith("python -m monai.bundle run training --config_file ")
    one = sorted(images.iterdir())[0]
    gemini("segment", run, one, tmp_path / "one")
    written = {path.name for path in (tmp_path / "one").iterdir()}
    assert written == {one.name, "volumes.csv", "quality.csv", "quality.html"}
    printed = gemini("evaluate", run, tmp_path / "scores")
    assert re.search(r"^mean Dice +\d+\.\d %; ", printed, re.M)
    scores = "test/segmentation.json"
    assert (tmp_path / "scores" / scores).read_text() == (run / scores).read_text()
    assert "effective rank" in gemini("probe", run, data)
