"""What cannot be is told before a training, and not after its hours."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.inference import Probe
from gemini_monai.runs import close_run
from tests.bundles.runs import BUNDLE, FINE, MIP, SMALL, paths, run, workflow

TRAININGS = {
    "semi": ("train", BUNDLE, SMALL),
    "mip": ("train", MIP, SMALL),
    "finetune": ("finetune", MIP, FINE | {"pretrained": "none"}),
}


def _refused(message, tiny_phantom, folder, *, training="semi", **options):
    name, bundle, small = TRAININGS[training]
    with pytest.raises(Exception, match="") as raised:
        run(name, bundle=bundle, **paths(tiny_phantom, folder), **(small | options))
    close_run(folder)
    cause = input_error_in(raised.value)
    assert isinstance(cause, InputError), raised.value
    assert message in str(cause)
    assert not (folder / "models").exists()
    assert not (folder / "run.json").exists()


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("count", [2, 7])
def test_a_head_of_another_size_than_the_labels(tiny_phantom, tmp_path, training, count):
    expected = "1, channels of an image" if training == "mip" else "5, background and the structur"
    message = f"key 'out_channels': expected {expected}"
    options = {"training": training, "out_channels": count}
    _refused(message, tiny_phantom, tmp_path / "run", **options)


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("there", [False, True])
def test_weights_that_a_training_would_test_instead_of_its_own(
    tiny_phantom, tmp_path, training, there
):
    weights = tmp_path / "other.pt"
    if there:
        weights.write_bytes(b"weights")
    message = f"key 'weights': got {weights}, but a training tests the network that it trains"
    options = {"training": training, "weights": str(weights)}
    _refused(message, tiny_phantom, tmp_path / "run", **options)


@pytest.mark.parametrize("training", TRAININGS)
def test_a_cache_that_is_a_file(tiny_phantom, tmp_path, training):
    (tmp_path / "file").write_text("mine")
    options = {"training": training, "cache_dir": str(tmp_path / "file")}
    _refused("file: cannot be a folder", tiny_phantom, tmp_path / "run", **options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a configuration"),
        ('{"epohcs": 3}', "the configuration has no key 'epohcs'; did you mean 'epochs'?"),
        ('{"learning_rate": "fast"}', "key 'learning_rate': expected a number"),
        ('{"train#trainr#amp": true}', "did you mean 'train#trainer#amp'?"),
    ],
)
def test_an_arm_that_cannot_be(tiny_phantom, tmp_path, content, message):
    (tmp_path / "mine.json").write_text(content)
    options = {"compare": ["supervised", str(tmp_path / "mine.json")]}
    _refused(message, tiny_phantom, tmp_path / "run", **options)


def test_every_shipped_method_can_be_an_arm(tiny_phantom, tmp_path):
    names = [p.stem.removeprefix("method_") for p in (BUNDLE / "configs").glob("method_*.json")]
    (tmp_path / "last.json").write_text(json.dumps({"epochs": 0}))
    options = {"compare": [*names, str(tmp_path / "last.json")]}
    _refused("last.json: key 'epochs'", tiny_phantom, tmp_path / "run", **options)


@pytest.mark.parametrize("training", TRAININGS)
def test_a_network_that_diverged_is_told_in_a_line(tiny_phantom, tmp_path, training):
    name, bundle, small = TRAININGS[training]
    options = small | {"epochs": 1, "learning_rate": 1e20}
    options |= {} if training == "finetune" else {"compare": []}
    with pytest.raises(Exception, match="") as raised:
        run(name, bundle=bundle, **paths(tiny_phantom, tmp_path / "run"), **options)
    close_run(tmp_path / "run")
    assert "not finite" in str(input_error_in(raised.value)), raised.value


@pytest.mark.parametrize("place", ["before", "after"])
def test_what_is_no_transform(tiny_phantom, tmp_path, place):
    message = f"key '{place}': expected transforms, got 'Flipd'"
    _refused(message, tiny_phantom, tmp_path / "run", **{place: ["Flipd"]})


def test_a_probe_misses_its_weights_before_it_looks(tiny_phantom, tmp_path, monkeypatch):
    monkeypatch.setattr(Probe, "look", lambda *_: pytest.fail("looked"))
    options = {"run_dir": str(tmp_path / "none"), "dataset_dir": str(tiny_phantom.parent)}
    options |= {"output_dir": str(tmp_path / "out"), "weights": str(tmp_path / "absent.pt")}
    flow = workflow("probe", kind="infer", bundle=MIP, **options)
    flow.initialize()
    with pytest.raises(Exception, match="") as raised:
        flow.run()
    assert "absent.pt: no such weights file" in str(input_error_in(raised.value))
