"""What one does with a trained run: evaluate, infer, register, load, export."""

from __future__ import annotations

import csv
import json

import itk
import monai.bundle
import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from gemini_monai.base.errors import input_error_in
from gemini_monai.configuration import untrained_settings
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.networks import NETWORK_SETTINGS
from gemini_monai.transforms import InputSpec, preprocessing
from tests.bundles.runs import BUNDLE, CONFIGS, MIP, SMALL, command, overrides_of, run, workflow
from tests.data.prepare.made import image, save
from tests.images.dicom import along_z, volume, write_slices

AFFINE = np.diag([1.5, 2.0, 1.0, 1.0])


def test_evaluate_gives_the_scores_of_the_run(trained, tiny_phantom, tmp_path):
    paths = {"dataset_dir": str(tiny_phantom.parent), "datalist": str(tiny_phantom)}
    weights = str(trained / "models" / "model.pt")
    run("train", "evaluate", **paths, **SMALL, output_dir=str(tmp_path), weights=weights)
    for name in ("segmentation.json", "registration.json"):
        assert (tmp_path / "test" / name).read_text() == (trained / "test" / name).read_text()


def test_inference_keeps_name_grid_and_whole_labels(trained, tmp_path):
    for k, shape in enumerate([(40, 30), (32, 32)]):
        save(tmp_path / "in" / f"scan{k}.nii.gz", image(k, shape), affine=AFFINE)
    folders = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out")}
    run("inference", kind="infer", run_dir=str(trained), **folders)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "scan0.nii.gz",
        "scan1.nii.gz",
        "volumes.csv",
    ]
    for k, shape in enumerate([(40, 30), (32, 32)]):
        saved = nib.load(tmp_path / "out" / f"scan{k}.nii.gz")
        assert saved.shape == shape
        assert saved.get_data_dtype() == np.uint8
        np.testing.assert_allclose(saved.affine, AFFINE)
        assert set(np.unique(saved.get_fdata())) <= {0, 1, 2, 3, 4}


def test_whole_volumes_differ_from_windows_at_most_at_seams(trained, tmp_path):
    save(tmp_path / "in" / "a.nii.gz", image(0, (32, 32)))
    whole = {"inferer": {"_target_": "SimpleInferer"}}
    found = []
    for name, options in (("windows", {}), ("whole", whole)):
        folders = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / name)}
        run("inference", kind="infer", run_dir=str(trained), **folders, **options)
        found.append(nib.load(tmp_path / name / "a.nii.gz").get_fdata())
    np.testing.assert_array_equal(*found)  # one window holds this image


def test_inference_on_test_images_is_what_the_run_saved(trained, tiny_phantom, tmp_path):
    entry = read_cohort(tiny_phantom).test[0]
    source = nib.load(entry["image"])
    save(tmp_path / "in" / "same.nii.gz", source.get_fdata(), affine=source.affine)
    folders = {"dataset_dir": str(tmp_path / "in"), "output_dir": str(tmp_path / "out")}
    run("inference", kind="infer", run_dir=str(trained), **folders)
    ours = nib.load(tmp_path / "out" / "same.nii.gz").get_fdata()
    saved = nib.load(trained / "test" / "predictions" / f"{entry['case']}.nii.gz").get_fdata()
    np.testing.assert_array_equal(ours, saved)


def test_label_values_come_out_as_they_went_in(tmp_path):
    source = tmp_path / "src"
    for k in range(12):
        save(source / "images" / f"c{k}.nii.gz", image(k, (24, 20)), affine=AFFINE)
        truth = np.resize(np.repeat([0, 40, 300], 3), (24, 20)).astype(np.uint16)
        save(source / "labels" / f"c{k}.nii.gz", truth, affine=AFFINE)
    path = prepare_folder(source, tmp_path / "dst", wanted=Wanted(labeled=4, validation=1, test=2))
    folder = tmp_path / "run"
    paths = {"dataset_dir": str(path.parent), "output_dir": str(folder)}
    run("train", "dataset_folder", **paths, **SMALL)
    saved = nib.load(next((folder / "test" / "predictions").iterdir()))
    assert saved.get_data_dtype() == np.uint16
    assert set(np.unique(saved.get_fdata())) <= {0, 40, 300}


def test_overlapping_structures_are_scored_each(tmp_path):
    source = tmp_path / "src"
    for k in range(12):
        save(source / "images" / f"c{k}.nii.gz", image(k, (24, 20)), affine=AFFINE)
        for number, name in enumerate(("clavicle", "lung")):
            mask = np.zeros((24, 20), np.uint8)
            mask[4 : 14 + number, 3:12] = 1
            save(source / "labels" / f"c{k}" / f"{name}.nii.gz", mask, affine=AFFINE)
    path = prepare_folder(source, tmp_path / "dst", wanted=Wanted(labeled=4, validation=1, test=2))
    folder = tmp_path / "run"
    paths = {"dataset_dir": str(path.parent), "output_dir": str(folder)}
    run("train", "dataset_folder", **paths, **SMALL)
    with (folder / "test" / "segmentation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["structure"] for row in rows} == {"clavicle", "lung"}
    assert nib.load(next((folder / "test" / "predictions").iterdir())).shape == (24, 20, 1, 2)
    out = tmp_path / "out"
    folders = {"dataset_dir": str(source / "images"), "output_dir": str(out)}
    run("inference", kind="infer", run_dir=str(folder), **folders)
    assert len(list(out.glob("*.nii.gz"))) == 12


def test_register_writes_what_itk_applies(trained, tiny_phantom, tmp_path):
    moving, fixed = read_cohort(tiny_phantom).test[:2]
    arguments = {"moving": moving["image"], "fixed": fixed["image"]}
    arguments |= {"moving_label": moving["label"], "run_dir": trained, "output_dir": tmp_path}
    result = command("run", "--config_file", CONFIGS / "register.json", *overrides_of(arguments))
    assert result.returncode == 0, result.stderr[-2000:]
    name = f"{moving['case']}_to_{fixed['case']}"
    field = itk.imread(str(tmp_path / f"{name}_field.nii.gz"), itk.Vector[itk.F, 2])
    theirs = itk.warp_image_filter(
        itk.imread(moving["image"], itk.F),
        displacement_field=field,
        output_spacing=field.GetSpacing(),
        output_origin=field.GetOrigin(),
        output_direction=field.GetDirection(),
    )
    ours = itk.array_from_image(itk.imread(str(tmp_path / f"{name}_warped.nii.gz"), itk.F))
    inside = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(itk.array_from_image(theirs)[inside], ours[inside], atol=1e-3)
    assert (tmp_path / f"{name}_label.nii.gz").is_file()
    assert "% folded" in result.stdout


def _register(**overrides):
    flow = workflow("register", kind="infer", **overrides)
    flow.initialize()
    flow.run()


def test_where_a_pair_meets_is_a_knob(trained, tiny_phantom, tmp_path):
    moving, fixed = (entry["image"] for entry in read_cohort(tiny_phantom).test[:2])
    given = {"moving": moving, "fixed": fixed, "run_dir": str(trained)}
    _register(**given, output_dir=str(tmp_path / "out"), start="mass")
    with (tmp_path / "out" / "registration.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["start"] == "mass"
    assert float(row["start_mm"]) > 0
    flow = workflow("register", kind="infer", **given, start="middle")
    with pytest.raises(RuntimeError) as raised:
        flow.initialize()
    assert "key 'start': expected one of auto, world, center" in str(input_error_in(raised.value))


def test_one_dicom_series_is_segmented_and_registered_by_its_folder(trained, tmp_path):
    scan = write_slices(tmp_path / "scan", volume((1, 40, 40)), along_z(1))
    folders = {"dataset_dir": str(scan), "output_dir": str(tmp_path / "out")}
    run("inference", kind="infer", run_dir=str(trained), **folders)
    assert [path.name for path in (tmp_path / "out").glob("*.nii*")] == ["scan.nii.gz"]
    pair = {"moving": str(scan), "fixed": str(scan), "output_dir": str(tmp_path / "fields")}
    _register(run_dir=str(trained), **pair)
    assert (tmp_path / "fields" / "scan_to_scan_field.nii.gz").is_file()


def test_a_run_is_used_as_it_was_trained(trained):
    """Training, validation, inference and registration see an image alike."""
    chains = {"train": "train#preprocessing", "validate": "validate#preprocessing"}
    training = ConfigParser(ConfigParser.load_config_file(trained / "config.json"))
    found = {name: training.get_parsed_content(key) for name, key in chains.items()}
    for name in ("inference", "register"):
        parser = ConfigParser(ConfigParser.load_config_file(CONFIGS / f"{name}.json"))
        parser.update({"run_dir": str(trained), "bundle_root": str(BUNDLE)})
        spec = parser.get_parsed_content("spec")
        found[name] = preprocessing(spec, keys=["image"], fit=name == "register")
    entry = training.get_parsed_content("cohort").test[0]
    images = {name: transform(dict(entry))["image"] for name, transform in found.items()}
    for name, other in (("train", "register"), ("validate", "inference"), ("train", "validate")):
        torch.testing.assert_close(images[name], images[other], rtol=0, atol=0)
        assert torch.equal(images[name].affine, images[other].affine)


def test_without_a_run_the_settings_are_those_of_a_training_on_the_phantom(trained):
    record = json.loads((trained / "run.json").read_text())["settings"]
    untrained = json.loads(json.dumps(untrained_settings(BUNDLE)))
    others = ("channels", "spatial_size", "largest_component", "fill_holes")
    found = {key: value for key, value in untrained.items() if key in record and key not in others}
    assert found == {key: record[key] for key in found}
    assert {*InputSpec.of(untrained).settings(), *NETWORK_SETTINGS} <= {*untrained}


def test_both_bundles_use_a_run_in_one_way():
    """They ship apart, and MONAI runs one file, so that the text stands in both."""
    mine, theirs = (
        json.loads((bundle / "configs" / "inference.json").read_text()) for bundle in (BUNDLE, MIP)
    )
    differing = {key for key in mine if mine[key] != theirs.get(key)}
    assert differing == {"_desc_", "bundle_root", "run_dir"}
    assert mine.keys() == theirs.keys()


def test_fine_tuning_validates_and_tests_as_training_does():
    semi = json.loads((CONFIGS / "train.json").read_text())
    tune = json.loads((MIP / "configs" / "finetune.json").read_text())
    for part in ("validate", "test"):
        del semi[part]["registration"]
    for part in ("validate", "test", "segmentation", "optimizer", "scheduler", "spec", "learner"):
        assert semi[part] == tune[part], part
    assert semi["network_def"] == tune["network_def"]


def test_the_default_network_takes_and_gives_what_the_metadata_says():
    for n in (1, 3):
        monai.bundle.verify_net_in_out(
            net_id="network_def",
            meta_file=str(CONFIGS / "metadata.json"),
            config_file=str(CONFIGS / "inference.json"),
            n=n,
            device="cpu",
            bundle_root=str(BUNDLE),
        )


TENSOR = {
    "type": "object",
    "required": ["type", "format", "num_channels", "spatial_shape", "dtype", "value_range"],
    "properties": {
        "num_channels": {"type": "integer"},
        "spatial_shape": {"type": "array", "items": {"type": ["integer", "string"]}},
        "value_range": {"type": "array", "items": {"type": "number"}},
    },
}
SCHEMA = {
    "type": "object",
    "required": (
        "schema version monai_version pytorch_version numpy_version required_packages_version "
        "task description authors copyright network_data_format changelog name"
    ).split(),
    "properties": {
        "network_data_format": {
            "type": "object",
            "required": ["inputs", "outputs"],
            "properties": {
                side: {"type": "object", "additionalProperties": TENSOR, "minProperties": 1}
                for side in ("inputs", "outputs")
            },
        }
    },
}


def test_metadata_has_what_the_model_zoo_asks_for(tmp_path):
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    monai.bundle.verify_metadata(
        meta_file=str(CONFIGS / "metadata.json"), filepath=str(tmp_path / "schema.json")
    )
    metadata = json.loads((CONFIGS / "metadata.json").read_text())
    assert metadata["version"] in metadata["changelog"]


@pytest.fixture
def default_bundle(tmp_path):
    """A copy of the bundle with weights of its default network."""
    import shutil

    from monai.bundle import ConfigParser

    ignore = shutil.ignore_patterns("data", "runs", "models")
    folder = shutil.copytree(BUNDLE, tmp_path / "gemini_semi", ignore=ignore)
    parser = ConfigParser.load_config_file(str(folder / "configs" / "inference.json"))
    parser = ConfigParser(parser | {"bundle_root": str(folder), "run_dir": str(folder)})
    network = parser.get_parsed_content("network_def")
    (folder / "models").mkdir()
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder


def test_a_bundle_with_weights_loads_into_another_pipeline(default_bundle, monkeypatch):
    monkeypatch.chdir(default_bundle.parent)
    network = monai.bundle.load(
        "gemini_semi",
        bundle_dir=str(default_bundle.parent),
        source="github",
        workflow_type="inference",
        device="cpu",
    )
    saved = torch.load(default_bundle / "models" / "model.pt")
    assert torch.equal(network.state_dict()["head.1.weight"], saved["head.1.weight"])
    assert network(torch.rand(1, 1, 32, 32)).shape == (1, 5, 32, 32)


def test_a_downloaded_bundle_has_its_weights(default_bundle, tmp_path, monkeypatch):
    import shutil

    archive = shutil.make_archive(
        str(tmp_path / "gemini_semi_v0.1.0"), "zip", default_bundle.parent, "gemini_semi"
    )
    there = tmp_path / "there"
    monai.bundle.download("gemini_semi", url=f"file://{archive}", bundle_dir=str(there))
    monkeypatch.chdir(there)
    network = monai.bundle.load(
        "gemini_semi",
        bundle_dir=str(there),
        source="github",
        workflow_type="inference",
        device="cpu",
    )
    saved = torch.load(default_bundle / "models" / "model.pt")
    assert torch.equal(network.state_dict()["head.1.weight"], saved["head.1.weight"])


def test_a_bundle_exports_to_torchscript(default_bundle, monkeypatch):
    monkeypatch.chdir(default_bundle.parent)
    exported = default_bundle / "models" / "model.ts"
    monai.bundle.ckpt_export(
        net_id="network_def",
        filepath=str(exported),
        ckpt_file=str(default_bundle / "models" / "model.pt"),
        meta_file=str(default_bundle / "configs" / "metadata.json"),
        config_file=[str(default_bundle / "configs" / "inference.json")],
        bundle_root=str(default_bundle),
    )
    scripted = torch.jit.load(exported)
    image = torch.rand(1, 1, 32, 48)
    expected = monai.bundle.load(
        "gemini_semi",
        bundle_dir=str(default_bundle.parent),
        source="github",
        workflow_type="inference",
        device="cpu",
    )
    torch.testing.assert_close(scripted(image), expected.eval()(image))
