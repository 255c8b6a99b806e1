"""Push and pull, against a stand-in with the signatures of the real client and no network."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from types import SimpleNamespace
from unittest.mock import create_autospec

import huggingface_hub
import pytest
import torch
from safetensors.torch import load

import gemini_monai
from gemini_monai.base.errors import InputError
from gemini_monai.networks import UNetBackbone
from gemini_monai.weights import (
    export_backbone,
    package_bundle,
    pull_backbone,
    push_backbone,
    push_bundle,
    read_card,
)
from tests.conftest import ROOT
from tests.weights.test_export import run_folder

__all__ = ["run_folder"]


class _Api:
    """Repositories as folders, with a file for each tag."""

    def __init__(self, store):
        self.store = store

    def create_repo(self, repo_id, *, private=None, exist_ok=False):
        (self.store / repo_id).mkdir(parents=True, exist_ok=exist_ok)

    def create_commit(self, repo_id, operations, *, commit_message):
        for operation in operations:
            path = self.store / repo_id / operation.path_in_repo
            path.parent.mkdir(exist_ok=True)
            with operation.as_file() as file:
                path.write_bytes(file.read())
        return SimpleNamespace(commit_url=f"hub/{repo_id}: {commit_message}")

    def create_tag(self, repo_id, *, tag, tag_message):
        (self.store / repo_id / f"tag {tag}").write_text(tag_message)

    def list_repo_refs(self, repo_id):
        if not (self.store / repo_id).is_dir():
            raise FileNotFoundError("404")
        names = [path.name.removeprefix("tag ") for path in (self.store / repo_id).glob("tag *")]
        return SimpleNamespace(tags=[SimpleNamespace(name=name) for name in names])


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Where the repositories are; every call has to fit the real client's signature."""
    store = tmp_path / "hub"

    def download(repo_id, filename):
        if not (store / repo_id / filename).is_file():
            raise FileNotFoundError(f"404 {repo_id}\n\n{filename}")
        return shutil.copy(store / repo_id / filename, tmp_path / "cache.safetensors")

    api = create_autospec(huggingface_hub.HfApi, instance=True)
    for name in ("create_repo", "create_commit", "create_tag", "list_repo_refs"):
        getattr(api, name).side_effect = getattr(_Api(store), name)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    spec = create_autospec(huggingface_hub.hf_hub_download, side_effect=download)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", spec)
    return store


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_what_is_pushed_comes_back(hub, run_folder, tmp_path, suffix):
    file = export_backbone(run_folder, tmp_path / f"backbone.{suffix}")
    assert push_backbone(file, "lab/chest") == "hub/lab/chest: GEMINI on mine"
    weights = (hub / "lab/chest/backbone.safetensors").read_bytes()
    assert load(weights).keys() == UNetBackbone(2, 1, (4, 8)).state_dict().keys()  # without us
    page = (hub / "lab/chest/README.md").read_text()
    assert page.startswith("---\nlibrary_name: monai\n")
    assert "Terms of the data: not recorded." in page
    back = pull_backbone("lab/chest", tmp_path / "back.pt")
    saved = torch.load(back, weights_only=True)
    expected = torch.load(run_folder / "models" / "model.pt")
    assert all(torch.equal(v, expected[f"backbone.{k}"]) for k, v in saved["state_dict"].items())
    assert json.loads(saved["card"]) == read_card(file)


REQUIRED = {
    *("schema", "version", "changelog", "monai_version", "pytorch_version", "numpy_version"),
    *("required_packages_version", "name", "task", "description", "authors", "copyright"),
    "huggingface_url",
}
"""Of the zoo's schema of 2025-03-21 for models of the Hub."""


def _listed(folder):
    """What the zoo looks at before it lists a model of the Hub."""
    assert {"README.md", "LICENSE", "metadata.json"} <= {path.name for path in folder.iterdir()}
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata.keys() >= REQUIRED
    assert metadata["version"] in metadata["changelog"]
    assert metadata["schema"].endswith("/meta_schema_hf_20250321.json")
    return metadata


def test_a_backbone_has_what_the_zoo_lists_models_by(hub, run_folder, tmp_path):
    push_backbone(export_backbone(run_folder, tmp_path / "backbone.pt"), "lab/chest")
    metadata = _listed(hub / "lab/chest")
    assert (metadata["name"], metadata["authors"]) == ("chest", "lab")
    assert metadata["pytorch_version"] == "2.13.0"  # without what it was built for
    assert metadata["huggingface_url"] == "https://huggingface.co/lab/chest"
    assert "trained on: not recorded" in (hub / "lab/chest/LICENSE").read_text()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    return package_bundle(ROOT / "bundles/gemini_mip", ROOT / "models/chest_xray", output=folder)


def test_a_bundle_is_pushed_as_the_zoo_hosts_them(hub, archive):
    address = push_bundle(archive, "lab/chest")
    assert address == "hub/lab/chest: GEMINI-MIP 0.1.0"
    folder = hub / "lab/chest"
    assert (folder / "tag 0.1.0").is_file()
    metadata = _listed(folder)
    assert metadata["required_packages_version"]["gemini_monai"] == gemini_monai.__version__
    with zipfile.ZipFile(archive) as file:
        for name in file.namelist():
            assert (folder / name.partition("/")[2]).read_bytes() == file.read(name)
    page, card = (folder / "README.md").read_text(), (folder / "docs/README.md").read_text()
    assert page.startswith("---\nlibrary_name: monai\npipeline_tag: image-feature-extraction\n")
    assert page.endswith(f"\n---\n{card}")
    with pytest.raises(InputError, match=r"lab/chest: has a version 0\.1\.0 already; raise"):
        push_bundle(archive, "lab/chest")


def test_an_archive_that_was_changed_is_not_pushed(hub, archive, tmp_path):
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            more = b" " if name.endswith("/inference.json") else b""
            new.writestr(name, old.read(name) + more)
    with pytest.raises(InputError, match=r"configs/inference\.json is not as checksums\.sha256"):
        push_bundle(other, "lab/chest")
    other.write_bytes(b"x")
    with pytest.raises(InputError, match=r"other\.zip: not an archive"):
        push_bundle(other, "lab/chest")
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("a/b", "x")
    with pytest.raises(InputError, match="not an archive of 'gemini package', with weights"):
        push_bundle(other, "lab/chest")
    assert not hub.exists()


def test_a_page_has_no_markup_of_a_card(hub, run_folder, tmp_path):
    evil = "<script>alert(1)</script>\n---\n# a [b](javascript:c) | `d`"
    path = run_folder / "run.json"
    data = {"name": evil, "license": evil}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"method": evil, "dataset": data}))
    push_backbone(export_backbone(run_folder, tmp_path / "own.pt"), "lab/chest")
    page = (hub / "lab/chest/README.md").read_text()
    text = page.partition("```json")[0]
    assert "<script" not in text
    assert r"\[b\](javascript:c) \| \`d\`" in text
    assert text.count("\n---\n") == 1


def test_a_repository_without_a_backbone_is_named(hub, tmp_path):
    with pytest.raises(InputError, match=r"lab/none: no backbone\.safetensors to be had: 404"):
        pull_backbone("lab/none", tmp_path / "back.pt")
    assert not (tmp_path / "back.pt").exists()


def test_a_file_that_is_there_stays(hub, run_folder, tmp_path):
    push_backbone(export_backbone(run_folder, tmp_path / "own.pt"), "lab/chest")
    (tmp_path / "back.pt").write_text("mine")
    with pytest.raises(InputError, match=r"back\.pt"):
        pull_backbone("lab/chest", tmp_path / "back.pt")
    assert (tmp_path / "back.pt").read_text() == "mine"


def test_a_refusal_is_one_line(hub, run_folder, tmp_path):
    file = export_backbone(run_folder, tmp_path / "own.pt")
    huggingface_hub.HfApi().create_repo.side_effect = OSError("401\n\nUnauthorized")
    with pytest.raises(InputError, match="lab/chest: the Hub does not take it: 401 Unauthorized"):
        push_backbone(file, "lab/chest")


def test_what_is_no_export_is_not_pushed(hub, run_folder):
    with pytest.raises(InputError, match="not an exported backbone"):
        push_backbone(run_folder / "models" / "model.pt", "lab/chest")
    assert not hub.exists()


def test_without_the_package_it_says_what_to_install(monkeypatch, run_folder, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install huggingface_hub requests safetensors$"):
        pull_backbone("lab/chest", tmp_path / "back.pt")
