"""Bad input to ``monai.bundle run``: one line that names it, exit code 1, nothing half-written."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.bundles.runs import CONFIGS, SMALL, command, files, overrides_of
from tests.data.prepare.made import folder, image, save


def _refused(*arguments, message, cwd=None):
    result = command(*arguments, **({"cwd": cwd} if cwd else {}))
    last = result.stderr.strip().splitlines()[-1]
    assert result.returncode == 1
    assert last.startswith("error: "), result.stderr[-2000:]
    assert message in last
    assert "Traceback" not in result.stderr


def _train(tmp_path, dataset, **overrides):
    values = {"dataset_dir": dataset.parent, "datalist": dataset, "output_dir": tmp_path / "run"}
    values |= SMALL | overrides
    names = json.dumps(files("train")).replace('"', "'")
    return ["run", "training", "--config_file", names, *overrides_of(values)]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"epohcs": 3}, "no key 'epohcs'; did you mean 'epochs'"),
        ({"spatial_dims": 3}, "key 'spatial_dims' is for 3-D images"),
        ({"spatial_size": "[32,32,32]"}, "key 'spatial_size' is for 3-D images"),
        ({"pairs": 9, "pairs_interval": 1}, "pairs: a ring takes 2 to 4, got 9"),
    ],
)
def test_overrides_that_cannot_be(tiny_phantom, tmp_path, overrides, message):
    _refused(*_train(tmp_path, tiny_phantom, **overrides), message=message)
    assert not (tmp_path / "run").exists()


def test_a_data_set_that_is_not_there(tmp_path):
    arguments = _train(tmp_path, tmp_path / "dataset.json")
    _refused(*arguments, message="no such file; run 'python -m gemini_monai prepare'")


def test_images_that_changed_since_they_were_prepared(tmp_path):
    from gemini_monai.data.prepare import prepare_folder

    source = folder(tmp_path, images=6, labels=2)
    path = prepare_folder(source, tmp_path / "dst")
    save(source / "images" / "case4.nii.gz", image(4, (12, 10, 8)))
    told = "not as it was prepared: image of 'case4' holds something else"
    _refused(*_train(tmp_path, path), message=told)
    meant = _train(tmp_path, path, data_changed=True)
    _refused(*meant, message="case4.nii.gz: a 3-D image")
    (source / "images" / "case4.nii.gz").write_bytes(b"no image")
    _refused(*meant, message="case4.nii.gz: cannot be read as an image")


@pytest.mark.parametrize("name", ["inference", "register"])
def test_weights_that_are_not_there(tmp_path, name):
    save(tmp_path / "in" / "a.nii.gz", image(0))
    scan = tmp_path / "in" / "a.nii.gz"
    given = {
        "inference": {"dataset_dir": tmp_path / "in"},
        "register": {"moving": scan, "fixed": scan},
    }[name]
    arguments = overrides_of({"run_dir": tmp_path, "output_dir": tmp_path / "out"} | given)
    config = CONFIGS / f"{name}.json"
    message = "models/model.pt: no such weights file; train first"
    _refused("run", "--config_file", config, *arguments, message=message)
    assert not (tmp_path / "out").exists()


def test_an_image_of_other_dimensions_in_inference(trained, tmp_path):
    save(tmp_path / "in" / "a.nii.gz", image(0, (12, 10, 8)))
    arguments = {"dataset_dir": tmp_path / "in", "output_dir": tmp_path / "out", "run_dir": trained}
    config = CONFIGS / "inference.json"
    message = "a.nii.gz: a 3-D image of shape (12, 10, 8), the configuration is for 2-D"
    _refused("run", "--config_file", config, *overrides_of(arguments), message=message)
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_in_inference(trained, tmp_path):
    arguments = overrides_of({"dataset_dir": tmp_path, "run_dir": trained})
    config = CONFIGS / "inference.json"
    _refused("run", "--config_file", config, *arguments, message=f"{tmp_path}: empty")


def test_a_place_without_the_bundle(tmp_path):
    config = tmp_path / "alone.json"  # one in the bundle's folder says where the bundle is
    shutil.copy(CONFIGS / "inference.json", config)
    message = "bundle 'gemini_semi' is neither"
    _refused("run", "--config_file", config, message=message, cwd=tmp_path)
