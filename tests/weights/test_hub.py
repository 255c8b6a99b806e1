"""Push and pull, against a stand-in with the signatures of the real client and no network."""

from __future__ import annotations

import json
import shutil
import sys
from types import SimpleNamespace
from unittest.mock import create_autospec

import huggingface_hub
import pytest
import torch
from safetensors.torch import load

from gemini_monai.base.errors import InputError
from gemini_monai.networks import UNetBackbone
from gemini_monai.weights import export_backbone, pull_backbone, push_backbone, read_card
from tests.weights.test_export import run_folder

__all__ = ["run_folder"]


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Repositories as folders; every call has to fit the real client's signature."""
    store = tmp_path / "hub"

    class Api:
        def create_repo(self, repo_id, *, private=None, exist_ok=False):
            (store / repo_id).mkdir(parents=True, exist_ok=exist_ok)

        def create_commit(self, repo_id, operations, *, commit_message):
            for operation in operations:
                with operation.as_file() as file:
                    (store / repo_id / operation.path_in_repo).write_bytes(file.read())
            return SimpleNamespace(commit_url=f"hub/{repo_id}: {commit_message}")

    def download(repo_id, filename):
        if not (store / repo_id / filename).is_file():
            raise FileNotFoundError(f"404 {repo_id}\n\n{filename}")
        return shutil.copy(store / repo_id / filename, tmp_path / "cache.safetensors")

    api = create_autospec(huggingface_hub.HfApi, instance=True)
    for name in ("create_repo", "create_commit"):
        getattr(api, name).side_effect = getattr(Api(), name)
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
