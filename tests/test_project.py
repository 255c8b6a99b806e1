"""Versions, licenses and pins that must say the same thing."""

from __future__ import annotations

import configparser
import importlib.metadata
import json
import re
import sys

import gemini_monai
from tests.conftest import ROOT


def _pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {_name(package): version for package, version in pairs}


def _name(package):
    return re.sub(r"[-_.]+", "-", package).lower()


def _requirements():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    known = ("ants", "embed", "benchmark", "dicom", "hub", "itk", "nnunet", "tensorboard")
    optional = [name for extra in known for name in extras[extra].split()]
    return config["options"]["install_requires"].split(), extras["test"].split(), optional


def test_every_dependency_is_pinned():
    for requirement in [*_requirements()[0], *_requirements()[1]]:
        assert _name(re.split(r"[<>=;\[]", requirement)[0]) in _pins(), requirement


def test_the_metadata_names_the_pinned_versions():
    for bundle in (ROOT / "bundles").iterdir():
        metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
        required = metadata["required_packages_version"]
        assert required.pop("gemini_monai") == metadata["version"]
        named = required | {
            package: metadata[f"{key}_version"]
            for package, key in (("monai", "monai"), ("torch", "pytorch"), ("numpy", "numpy"))
        }
        pins = _pins()
        assert {package: pins[_name(package)] for package in named} == named
        assert metadata["version"] == gemini_monai.__version__


def test_what_is_imported_is_declared():
    required, _, optional = _requirements()
    declared = {_name(re.split(r"[<>=]", text)[0]) for text in [*required, *optional]}
    imports = set()
    for path in (ROOT / "gemini_monai").rglob("*.py"):
        imports |= set(re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.M))
    providers = importlib.metadata.packages_distributions()
    for module in imports - {"gemini_monai", *sys.stdlib_module_names}:
        for package in providers.get(module, [])[:1]:
            name = "itk" if package.startswith("itk") else package
            assert _name(name) in declared, module


def test_a_bundle_carries_the_license():
    terms = (ROOT / "LICENSE").read_text()
    assert "Apache License" in terms
    for bundle in (ROOT / "bundles").iterdir():
        assert (bundle / "LICENSE").read_text() == terms


def test_the_citation_names_this_version():
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {gemini_monai.__version__}" in citation
    assert "10.1109/TPAMI.2025.3540644" in citation
    assert f"## {gemini_monai.__version__}" in (ROOT / "CHANGELOG.md").read_text()
