"""What a wheel brings beside code, and that nothing is written to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_monai.base import shipped
from gemini_monai.base.bundles import bundle_root
from tests.conftest import ROOT


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Folder of an installed package that has one bundle."""
    package = tmp_path / "site" / "gemini_monai"
    configs = package / "bundle_files" / "gemini_semi" / "configs"
    configs.mkdir(parents=True)
    (configs / "metadata.json").write_text("{}")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(shipped, "package_folder", lambda: package)
    return package


class _Workflow:
    """As MONAI's ``ConfigWorkflow``, whose method evaluates a configuration."""

    def __init__(self, folder):
        self.config_root_path = folder

    def initialize(self):
        return Path(bundle_root("gemini_semi"))


def test_runs_of_the_installed_configurations_go_below_the_working_directory(installed, tmp_path):
    configs = installed / "bundle_files" / "gemini_semi" / "configs"
    assert _Workflow(configs).initialize() == tmp_path / "here" / "bundles" / "gemini_semi"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "site")
    through = link / configs.relative_to(tmp_path / "site")
    assert _Workflow(through).initialize() == tmp_path / "here" / "bundles" / "gemini_semi"


def test_those_of_a_bundle_elsewhere_stay_with_it(installed, tmp_path):
    configs = tmp_path / "own" / "gemini_semi" / "configs"
    configs.mkdir(parents=True)
    (configs / "metadata.json").write_text("{}")
    assert _Workflow(configs).initialize() == configs.parent


def test_bundles_and_pages_are_those_of_the_wheel_or_of_the_clone(installed, monkeypatch):
    assert shipped.shipped_bundles() == installed / "bundle_files"
    monkeypatch.undo()
    assert shipped.shipped_bundles() == ROOT / "bundles"
    assert shipped.first_page() == ROOT / "docs" / "index.md"
    assert shipped.first_page().is_file()
