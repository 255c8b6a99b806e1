"""Images of two channels of very different ranges, from the training to whoever uses the run."""

from __future__ import annotations

import json
import shutil
import zipfile

import numpy as np
import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.configuration import refuse_other_view
from gemini_monai.data import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.inference.trained_run import TrainedRun
from gemini_monai.transforms import preprocessing
from gemini_monai.weights import export_backbone, package_bundle, read_card
from tests.bundles.runs import BUNDLE, SMALL, paths, run
from tests.data.prepare.made import label, save

RANGES = (2000.0, 15.0)
TINY = SMALL | {"epochs": 1, "epoch_length": 1, "pairs": 2, "compare": []}
LIST = [{"kind": "range", "lower": 0.0, "upper": greatest} for greatest in RANGES]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """``dataset.json`` of 2-D images of two channels."""
    root = tmp_path_factory.mktemp("channels")
    for k in range(5):
        values = np.random.default_rng(k).random((16, 16, 1, 2)) * RANGES
        save(root / "src" / "images" / f"c{k}.nii.gz", values.astype(np.float32))
        if k < 3:
            save(root / "src" / "labels" / f"c{k}.nii.gz", label((16, 16, 1)))
    wanted = Wanted(labeled=1, validation=1, test=1)
    return prepare_folder(root / "src", root / "dst", wanted=wanted)


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    """A run on them."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    run("train", **paths(data, folder), **TINY)
    return folder


def _record(folder):
    return json.loads((folder / "run.json").read_text())


def _seen(spec, cohort):
    return preprocessing(spec, keys=["image"])(cohort.test[0])["image"]


def test_a_run_remembers_that_each_channel_has_its_own_scale(data, folder):
    settings, cohort = _record(folder)["settings"], read_cohort(data)
    assert settings["color"] is False
    opened = TrainedRun.open(folder)
    found = _seen(opened.spec, cohort)
    assert torch.equal(found.as_tensor(), _seen(cohort.input_spec(), cohort).as_tensor())
    assert float(found[1].max()) == 1
    assert opened.segment(cohort.test[0]["image"]).shape == (1, 16, 16)
    card = read_card(export_backbone(folder, folder.parent / "backbone.pt"))
    assert card["preprocessing"]["color"] is False


def test_a_run_from_before_goes_on_and_is_used_with_one_scale(data, folder, tmp_path):
    early = shutil.copytree(folder, tmp_path / "early")
    record = _record(early)
    del record["settings"]["color"]
    (early / "run.json").write_text(json.dumps(record))
    cohort = read_cohort(data)
    assert float(_seen(TrainedRun.open(early).spec, cohort)[1].max()) < 0.02
    with pytest.raises(InputError, match="trained with color True, its data set now says False"):
        refuse_other_view(cohort.input_spec(), weights=early / "models" / "model.pt")
    checkpoint = torch.load(early / "models" / "last.pt", weights_only=True)
    kept = {k: v for k, v in json.loads(checkpoint["settings"]).items() if k != "color"}
    torch.save(checkpoint | {"settings": json.dumps(kept)}, early / "models" / "last.pt")
    options = paths(data, early) | TINY | {"epochs": 2, "resume": True}
    with pytest.raises(Exception, match="") as raised:
        run("train", **options)
    assert "trained with color True, now False" in str(_cause(raised.value))
    run("train", **options, color=True)
    assert _record(early)["settings"]["color"] is True


def _cause(error):
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def test_a_rule_a_channel_goes_with_the_run_and_its_archive(data, folder, tmp_path):
    run("train", **paths(data, tmp_path / "run"), **TINY, intensity=LIST)
    assert _record(tmp_path / "run")["settings"]["intensity"] == LIST
    assert TrainedRun.open(tmp_path / "run").spec.intensity == LIST
    for own, text in (
        (tmp_path / "run", "0 to 2000 (range) of channel 1, 0 to 15 (range) of channel 2"),
        (folder, "0.5 to 99.5 (percentile) of each channel by itself"),
    ):
        archive = package_bundle(BUNDLE, own, output=tmp_path, overwrite=True)
        with zipfile.ZipFile(archive) as file:
            card, metadata, inference = (
                file.read(f"gemini_semi/{name}").decode()
                for name in ("docs/README.md", "configs/metadata.json", "configs/inference.json")
            )
            shipped = json.loads(file.read("gemini_semi/run.json"))["settings"]
        assert text in card
        image = json.loads(metadata)["network_data_format"]["inputs"]["image"]
        assert image["channel_def"] == {"0": "channel 1", "1": "channel 2"}
        assert image["value_range"] == [0, 1]
        assert json.loads(metadata)["image_classes"].endswith("each with its own scale")
        assert json.loads(inference)["run_dir"] == "@bundle_root"
        assert shipped["color"] is False
        assert shipped["intensity"] == _record(own)["settings"]["intensity"]


def test_a_test_sees_images_as_the_training_did(data, folder):
    spec, weights = read_cohort(data).input_spec(), folder / "models" / "model.pt"
    refuse_other_view(spec, weights=weights)
    refuse_other_view(spec, weights=folder.parent / "elsewhere" / "models" / "model.pt")
    for name, value in (("spacing", (2.0, 2.0)), ("intensity", LIST), ("color", True)):
        other = read_cohort(data).input_spec(**{name: value})
        with pytest.raises(InputError, match=f"run.json: trained with {name} "):
            refuse_other_view(other, weights=weights)
