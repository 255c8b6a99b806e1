"""One small training run that several tests look at."""

from __future__ import annotations

import pytest

from gemini_monai.runs import RunFolder
from tests.bundles.runs import MIP, PAIRED, SMALL, paths, run


@pytest.fixture(scope="module")
def no_page():
    """Trainings of a module draw no page, which takes half of their time.

    Not where ``trained`` or ``pretrained`` are asked for, which others look at.
    """
    with pytest.MonkeyPatch.context() as patch:
        pages = "gemini_monai.configuration.process_steps."
        patch.setattr(f"{pages}write_report", lambda folders: RunFolder(folders[0]).report)
        patch.setattr(f"{pages}print_findings", lambda folders, page: None)
        yield


@pytest.fixture(scope="session")
def datasets(tiny_phantom, tiny_phantom_3d):
    """A small phantom by the dimensions of its images."""
    return {2: tiny_phantom, 3: tiny_phantom_3d}


@pytest.fixture(scope="session")
def trained(tiny_phantom, tmp_path_factory):
    """Run folder of ``train.json`` with both arms, of which the first registers."""
    folder = tmp_path_factory.mktemp("runs") / "gemini"
    run("train", **paths(tiny_phantom, folder), **PAIRED)
    return folder


@pytest.fixture(scope="session")
def pretrained(tiny_phantom, tmp_path_factory):
    """Run folder of the pre-training's ``train.json``."""
    folder = tmp_path_factory.mktemp("mip") / "run"
    run("train", bundle=MIP, **paths(tiny_phantom, folder), **SMALL)
    return folder
