"""What every test shares: threads, seeds, a tiny phantom."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: threads sleep while they wait

import hypothesis
import numpy as np
import pytest
import torch

from gemini_monai.data.phantom import write_phantom

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # two processes share two cores


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 (what MONAI's transforms draw from)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy: a build leaves files in the tree that it is made from."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    skip = shutil.ignore_patterns("__pycache__", "data", "runs", "models", "node_modules")
    kept = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in ("gemini_monai", "bundles", "docs", "examples"):
        shutil.copytree(ROOT / name, source / name, ignore=skip if name == "bundles" else kept)
    for path in ROOT.iterdir():
        if path.is_file() and path.suffix in (".py", ".cfg", ".toml", ".in", ".md", ".cff", ""):
            shutil.copy(path, source)
    words = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, timeout=300)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Path:
    """The wheel as it is installed: a folder for ``PYTHONPATH``."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_phantom(tmp_path_factory) -> Path:
    """``dataset.json`` of a 2-D population of 32 x 32."""
    return _tiny(tmp_path_factory.mktemp("phantom_2d"), spatial_dims=2, size=(32, 32))


@pytest.fixture(scope="session")
def tiny_phantom_3d(tmp_path_factory) -> Path:
    """``dataset.json`` of a 3-D population of 16 x 16 x 16."""
    return _tiny(tmp_path_factory.mktemp("phantom_3d"), spatial_dims=3, size=(16, 16, 16))


def _tiny(folder, *, spatial_dims, size):
    return write_phantom(
        folder / "phantom",
        spatial_dims=spatial_dims,
        spatial_size=size,
        labeled=3,
        unlabeled=4,
        validation=2,
        test=3,
    )
