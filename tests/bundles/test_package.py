"""A packaged bundle: whole, checked, delivered by MONAI's download, loaded and fine-tuned."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile

import monai.bundle
import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.data.dataset_file import read_cohort
from gemini_monai.weights import package_bundle
from tests.bundles.runs import BUNDLE, FINE, MIP, command, overrides_of, paths
from tests.bundles.served import served


@pytest.fixture(scope="module")
def archive(pretrained, tmp_path_factory):
    return package_bundle(MIP, pretrained, output=tmp_path_factory.mktemp("archive"))


@pytest.fixture
def address(archive):
    """Of a server on this machine that has the archive."""
    with served(archive.parent) as address:
        yield address


def test_what_is_in_it_has_its_checksums(archive):
    assert archive.name == "gemini_mip_v0.1.0.zip"
    digest, name = (archive.parent / f"{archive.name}.sha256").read_text().split()
    assert (digest, name) == (hashlib.sha256(archive.read_bytes()).hexdigest(), archive.name)
    with zipfile.ZipFile(archive) as file:
        names = {name.removeprefix("gemini_mip/") for name in file.namelist()}
        listed = file.read("gemini_mip/checksums.sha256").decode().splitlines()
        sums = {name: value for value, name in (line.split("  ") for line in listed)}
        for name, value in sums.items():
            content = file.read(f"gemini_mip/{name}")
            assert hashlib.sha256(content).hexdigest() == value, name
    assert set(sums) == names - {"checksums.sha256"}
    assert {"LICENSE", "run.json", "models/model.pt", "docs/README.md", "docs/usage.md"} < names


def test_the_same_run_is_the_same_archive_and_leaves_no_path(archive, pretrained, tmp_path):
    again = package_bundle(MIP, pretrained, output=tmp_path)
    assert again.read_bytes() == archive.read_bytes()
    with zipfile.ZipFile(archive) as file:
        assert "path" not in json.loads(file.read("gemini_mip/run.json"))["dataset"]


@pytest.mark.parametrize("kind", ["file", "http"])
def test_downloaded_it_loads_anywhere(archive, address, pretrained, tmp_path, monkeypatch, kind):
    where = f"file://{archive}" if kind == "file" else f"{address}/{archive.name}"
    monai.bundle.download("gemini_mip", url=where, bundle_dir=str(tmp_path / "there"))
    monkeypatch.chdir(tmp_path)  # not where the bundle is
    network = monai.bundle.load(
        "gemini_mip",
        bundle_dir=str(tmp_path / "there"),
        source="github",
        workflow_type="inference",
        device="cpu",
    )
    saved = torch.load(pretrained / "models" / "model.pt")
    assert network.state_dict().keys() == saved.keys()
    assert all(torch.equal(value, saved[key]) for key, value in network.state_dict().items())


def test_downloaded_it_finetunes_and_exports(archive, address, tiny_phantom, tmp_path):
    where = f"{address}/{archive.name}"
    bundle = tmp_path / "there" / "gemini_mip"
    monai.bundle.download("gemini_mip", url=where, bundle_dir=str(bundle.parent))
    config = bundle / "configs" / "finetune.json"
    knobs = {key: value for key, value in FINE.items() if key != "channels"}  # the bundle knows
    arguments = overrides_of(paths(tiny_phantom, tmp_path / "run") | knobs)
    result = command("run", "training", "--config_file", config, *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-2000:]
    assert f"backbone from {bundle / 'models' / 'model.pt'}" in result.stdout
    assert (tmp_path / "run" / "test" / "segmentation.csv").is_file()
    exported = command("export", bundle, tmp_path / "backbone.pt", module="gemini_monai")
    assert exported.returncode == 0, exported.stderr[-2000:]


def test_its_metadata_are_those_of_the_weights(archive, tmp_path):
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)
    monai.bundle.verify_net_in_out(
        net_id="network_def",
        meta_file=str(tmp_path / "gemini_mip" / "configs" / "metadata.json"),
        config_file=str(tmp_path / "gemini_mip" / "configs" / "inference.json"),
        device="cpu",
    )


def _unpacked(archive, folder):
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder / archive.name.partition("_v")[0]


def test_an_archive_of_a_pretraining_does_not_segment(archive, tiny_phantom, tmp_path):
    bundle = _unpacked(archive, tmp_path)
    images = tiny_phantom.parent / "images"
    config = bundle / "configs" / "inference.json"
    result = command("run", "--config_file", config, "--dataset_dir", images, cwd=tmp_path)
    assert result.returncode != 0
    assert "a run for pre-training, expected one for segmentation" in result.stderr
    assert not (bundle / "inference").exists()


def test_an_archive_registers_by_its_own_weights(trained, tiny_phantom, tmp_path):
    bundle = _unpacked(package_bundle(BUNDLE, trained, output=tmp_path), tmp_path / "there")
    moving, fixed = read_cohort(tiny_phantom).test[:2]
    pair = {"moving": moving["image"], "fixed": fixed["image"], "output_dir": tmp_path / "fields"}
    config = bundle / "configs" / "register.json"
    result = command("run", "--config_file", config, *overrides_of(pair), cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-2000:]
    assert len(list((tmp_path / "fields").glob("*_field.nii.gz"))) == 1


def test_the_only_run_of_a_bundle_need_not_be_named(archive, pretrained, tmp_path):
    skip = shutil.ignore_patterns("data", "runs", "models")
    bundle = shutil.copytree(MIP, tmp_path / "gemini_mip", ignore=skip)
    with pytest.raises(InputError, match="expected one run to package, found none"):
        package_bundle(bundle)
    shutil.copytree(pretrained, bundle / "runs" / "a")
    assert package_bundle(bundle).read_bytes() == archive.read_bytes()
    assert (tmp_path / archive.name).is_file()  # beside the bundle
    shutil.copytree(pretrained, bundle / "runs" / "b")
    with pytest.raises(InputError, match="found a, b; name it"):
        package_bundle(bundle)


def test_what_cannot_be_packaged_is_named_and_nothing_is_written(pretrained, tmp_path):
    with pytest.raises(InputError, match=r"metadata\.json: no such file; expected a bundle"):
        package_bundle(tmp_path, pretrained, output=tmp_path)
    with pytest.raises(InputError, match=r"not a run folder, .*run\.json is missing"):
        package_bundle(MIP, tmp_path, output=tmp_path)
    other = tmp_path / "other"
    (other / "models").mkdir(parents=True)
    record = json.loads((pretrained / "run.json").read_text())
    record["settings"]["channels"] = [8, 16]
    (other / "run.json").write_text(json.dumps(record))
    (other / "models" / "model.pt").write_bytes((pretrained / "models" / "model.pt").read_bytes())
    registers = json.dumps(record | {"task": "registration"})
    (tmp_path / "moves").mkdir()
    (tmp_path / "moves" / "run.json").write_text(registers)
    with pytest.raises(InputError, match="for registration; expected a segmenter or"):
        package_bundle(MIP, tmp_path / "moves", output=tmp_path)
    with pytest.raises(InputError, match=r"model\.pt: does not fit the network"):
        package_bundle(MIP, other, output=tmp_path)
    assert list(tmp_path.glob("*.zip*")) == []


def _copied(run, folder):
    skip = shutil.ignore_patterns("tensorboard", "examples")
    return shutil.copytree(run, folder, ignore=skip)


def test_the_card_of_a_run_by_z_scores_says_so(trained, tmp_path):
    run = _copied(trained, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    record["settings"]["intensity"] = {"kind": "zscore"}
    (run / "run.json").write_text(json.dumps(record))
    archive = package_bundle(BUNDLE, run, output=tmp_path)
    with zipfile.ZipFile(archive) as file:
        card = file.read("gemini_semi/docs/README.md").decode()
    assert "mean to mean and standard deviation (zscore)" in card


def test_the_card_says_what_the_run_was_and_what_its_maker_adds(trained, tmp_path):
    run = _copied(trained, tmp_path / "run")
    said = {"title": "Lungs of nobody", "version": "2.0.0", "changelog": {"2.0.0": "larger"}}
    (run / "release.json").write_text(json.dumps(said | {"limitations": "Phantoms only."}))
    (run / "data_license.txt").write_text("free")
    archive = package_bundle(BUNDLE, run, output=tmp_path)
    assert archive.name == "gemini_semi_v2.0.0.zip"
    with zipfile.ZipFile(archive) as file:
        content = {
            n.removeprefix("gemini_semi/"): file.read(n).decode("latin1") for n in file.namelist()
        }
    card = content["docs/README.md"]
    record = json.loads((run / "run.json").read_text())
    assert card.startswith("# Lungs of nobody\n")
    assert f"GEMINI, {record['iterations']} iterations, seed {record['seed']}" in card
    assert "Phantoms only." in card
    assert record["dataset"]["hash"] in card
    scores = json.loads((run / "test" / "segmentation.json").read_text())
    heart = scores["structures"]["heart"]["dice"]["mean"]
    assert f"| heart | {100 * heart:.1f}" in card
    assert content["docs/data_license.txt"] == "free"
    assert content["docs/usage.md"] == (BUNDLE / "docs" / "README.md").read_text("latin1")
    metadata = json.loads(content["configs/metadata.json"])
    assert metadata["version"] == "2.0.0"
    assert list(metadata["changelog"]) == ["0.1.0", "2.0.0"]
    assert metadata["eval_metrics"] == {"mean_dice": round(scores["mean_dice"], 4)}
    channels = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
    assert list(channels.values()) == ["background", *record["settings"]["structures"]]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"titel": "a"}, "unknown key 'titel', expected some of title"),
        ({"tags": "a, b"}, "key 'tags': expected a list"),
        ({"version": "2.0.0"}, "version 2.0.0 is not in the changelog"),
        ({"changelog": {"2.0.0": 1}}, "key 'changelog': 2.0.0: expected text, got 1"),
    ],
)
def test_a_release_that_is_not_understood_is_not_packaged(said, message, pretrained, tmp_path):
    run = _copied(pretrained, tmp_path / "run")
    (run / "release.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match=re.escape(message)):
        package_bundle(MIP, run, output=tmp_path)
    assert list(tmp_path.glob("*.zip*")) == []
