"""Runs, archives and data that somebody sent: whatever would run something does not."""

from __future__ import annotations

import json
import zipfile

import pytest
import torch
from torch import nn

from gemini_monai.base.errors import InputError
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.report import write_report
from gemini_monai.weights import export_backbone, package_bundle
from tests.bundles.received import payload, received, refused, spoil, touched
from tests.bundles.runs import BUNDLE, MIP, SMALL, command, paths, run, workflow
from tests.data.prepare.made import image, save

__all__ = ["payload", "received", "touched"]


def _run_alone(name, **options):
    """Of a configuration that lacks a property which MONAI checks."""
    flow = workflow(name, kind="infer", **options)
    flow.initialize()
    flow.run()


def _uses(received, tmp_path):
    """Everything that a run is given to."""
    places = {"run_dir": str(received), "output_dir": str(tmp_path / "out")}
    pair = {"moving": "a.nii.gz", "fixed": "b.nii.gz"}
    probe = {"dataset_dir": str(tmp_path)}
    return {
        "package": lambda: package_bundle(BUNDLE, received, output=tmp_path / "zip"),
        "open": lambda: TrainedRun.open(received),
        "segment": lambda: run("inference", kind="infer", **places, dataset_dir=str(tmp_path)),
        "register": lambda: _run_alone("register", **places, **pair),
        "evaluate": lambda: run("train", "evaluate", "recorded", **places),
        "probe": lambda: run("probe", kind="infer", bundle=MIP, **places, **probe),
    }


FIELDS = [
    "method",
    "bundle",
    "task",
    "command",
    "of a later version",
    "dataset: name",
    "dataset: license",
    "dataset: structures: 0",
    "settings: spacing",
    "settings: structures: 0",
    "settings: intensity: lower",
    "transforms: before: 0",
    "resumed: 0: command",
    "versions: torch",
]


def _nested(names, value):
    for name in reversed(names):
        value = [value] if name.isdigit() else {name: value}
    return value


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_of_a_record_runs(received, tmp_path, payload, touched, field):
    spoil(received, _nested(field.split(": "), payload))
    uses = _uses(received, tmp_path)
    for name in ("package", "open"):
        refused(uses[name])
    refused(export_backbone, received, tmp_path / "backbone.pt")
    refused(write_report, [received])
    assert not touched.exists()
    assert not list(tmp_path.glob("zip/*"))


@pytest.mark.parametrize("use", ["segment", "register", "evaluate", "probe"])
def test_no_use_of_a_run_runs_its_record(received, tmp_path, payload, touched, use):
    spoil(received, {"method": payload})
    refused(_uses(received, tmp_path)[use])
    assert not touched.exists()
    assert not (tmp_path / "out").exists()


BACKBONES = [
    ({"_target_": "os.system", "command": "PAYLOAD"}, "is not of monai.networks"),
    (
        {"_target_": "torch.hub.load", "repo_or_dir": "a/b", "model": "c"},
        "is not of monai.networks",
    ),
    ({"_target_": "BasicUNet", "act": "PAYLOAD"}, "would be evaluated"),
    ({"_target_": "BasicUNet", "act": ["relu", {"inplace": "PAYLOAD"}]}, "would be evaluated"),
    ({"_target_": "BasicUNet", "act": "https://x.y/z"}, "is an address"),
    ({"_target_": "h3_sent.Net"}, "is not of monai.networks"),
    ({"_target_": "PAYLOAD"}, "is not of monai.networks"),
]


@pytest.mark.parametrize(("described", "message"), BACKBONES, ids=range(len(BACKBONES)))
def test_no_backbone_runs_or_fetches(
    received, tmp_path, payload, touched, described, message, monkeypatch
):
    (tmp_path / "h3_sent.py").write_text(f"open({str(touched)!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    text = json.dumps(described).replace('"PAYLOAD"', json.dumps(payload))
    spoil(received, {"settings": {"backbone": json.loads(text), "feature_channels": 4}})
    uses = _uses(received, tmp_path)
    for name in ("package", "open", "register"):
        refused(uses[name], match=message)
    assert not touched.exists()


def test_a_backbone_of_ones_own_is_given_by_who_opens_the_run(received, tmp_path):
    own = nn.Conv2d(1, 4, 1)
    weights = torch.load(received / "models" / "model.pt", weights_only=True)
    kept = {key: value for key, value in weights.items() if not key.startswith("backbone.")}
    kept |= {f"backbone.{key}": value for key, value in own.state_dict().items()}
    torch.save(kept, received / "models" / "model.pt")
    named = {"_target_": "somebody.Net"}
    spoil(received, {"settings": {"backbone": named, "feature_channels": 4}})
    refused(TrainedRun.open, received, match="'somebody.Net' is not of")
    assert torch.equal(
        TrainedRun.open(received, backbone=nn.Conv2d(1, 4, 1)).backbone.bias, own.bias
    )


def _unpacked(archive, place):
    with zipfile.ZipFile(archive) as file:
        file.extractall(place)
    return place / archive.name.partition("_v")[0]


def test_configurations_of_an_archive_do_not_run(trained, tmp_path, payload, touched):
    """Nor its metadata or logging.conf; its weights and its settings are used all the same."""
    bundle = _unpacked(package_bundle(BUNDLE, trained, output=tmp_path), tmp_path)
    for path in (bundle / "configs").glob("*.json"):
        content = json.loads(path.read_text())
        spoiled = {key: payload for key in content if key != "imports"}
        path.write_text(json.dumps(content | spoiled | {"initialize": [payload], "run": [payload]}))
    logging = bundle / "configs" / "logging.conf"
    text = logging.read_text().replace("args=(sys.stdout,)", f"args=({payload[1:]},)")
    logging.write_text(text)
    save(tmp_path / "in" / "a.nii.gz", image(0, (32, 32)))
    words = ["segment", bundle, tmp_path / "in", "out", "--device", "cpu"]
    made = command(*words, cwd=tmp_path, module="gemini_monai")
    assert made.returncode == 0, made.stderr[-2000:]
    assert (tmp_path / "out" / "a.nii.gz").is_file()
    assert str(bundle / "configs") not in made.stdout
    assert not touched.exists()


def test_an_archive_is_no_bundle_to_package(trained, tmp_path):
    bundle = _unpacked(package_bundle(BUNDLE, trained, output=tmp_path), tmp_path)
    again = package_bundle(BUNDLE, bundle, output=tmp_path / "again")
    with zipfile.ZipFile(again) as file:
        settings = json.loads(file.read("gemini_semi/run.json"))["settings"]
    assert settings["channels"] == [4, 8]
    with pytest.raises(InputError, match="an archive with weights, whose configurations"):
        package_bundle(bundle, trained, output=tmp_path / "other")


def _with(kept, **arguments):
    """The test of a configuration, with more arguments of what writes scores."""
    test = json.loads(json.dumps(kept["test"]))
    test["handlers"][1] |= arguments
    return test


def test_a_run_is_scored_by_its_record_and_by_nothing_that_it_kept(
    received, tiny_phantom, tmp_path, payload, touched
):
    given = {"run_dir": str(received), "datalist": str(tiny_phantom)}
    names = ("train", "evaluate", "recorded")
    run(*names, **given, output_dir=str(tmp_path / "scores"))
    for name in ("segmentation.json", "registration.json"):
        scored = (tmp_path / "scores" / "test" / name).read_text()
        assert scored == (received / "test" / name).read_text()
    kept = json.loads((received / "config.json").read_text())
    for change, message in (
        ({"validate": {"inferer": payload}}, "trained with another 'validate#inferer"),
        ({"cohort": payload}, "trained with another 'cohort'"),
        ({"network_def": "text"}, "trained with another 'network_def'"),
        ({"registration_pairs": "four"}, "key 'registration_pairs': expected a whole number"),
        ({"test": _with(kept, overlap=1)}, "trained with another 'test#handlers#1#overlap'"),
        ({"test": kept["test"] | {"handlers": []}}, "trained with another 'test#handlers'"),
    ):
        (received / "config.json").write_text(json.dumps(kept | change))
        places = given | {"output_dir": str(tmp_path / "other")}
        refused(run, *names, **places, match=message)
    early = _with(kept)
    del early["handlers"][1]["tolerance"], early["postprocessing"]["calibration"]
    (received / "config.json").write_text(json.dumps(kept | {"test": early}))
    run(*names, **given, output_dir=str(tmp_path / "early"), surface_tolerance=3)
    rows = (tmp_path / "early" / "test" / "segmentation.json").read_text()
    assert json.loads(rows)["surface_tolerance"] == [3]
    unread = {"imports": [payload], "optimizer": payload, "amp": payload, "run": [payload]}
    (received / "config.json").write_text(json.dumps(kept | unread))
    run(*names, **given, output_dir=str(tmp_path / "again"))
    assert not touched.exists()
    assert not (tmp_path / "other").exists()


def test_a_fine_tuned_run_is_scored_by_its_record(pretrained, tiny_phantom, tmp_path):
    fine, scores = tmp_path / "fine", tmp_path / "scores"
    small = {key: value for key, value in SMALL.items() if key != "registration_pairs"}
    run("finetune", bundle=MIP, **paths(tiny_phantom, fine), **small, pretrained=str(pretrained))
    given = {"run_dir": str(fine), "datalist": str(tiny_phantom), "output_dir": str(scores)}
    run("finetune", "evaluate", "recorded", bundle=MIP, **given)
    name = "test/segmentation.json"
    assert (scores / name).read_text() == (fine / name).read_text()
