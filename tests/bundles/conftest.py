"""One small training run that several tests look at."""

from __future__ import annotations

import pytest

from tests.bundles.runs import SMALL, run


@pytest.fixture(scope="session")
def trained(tiny_phantom, tmp_path_factory):
    """Run folder of ``train.json`` with both arms."""
    folder = tmp_path_factory.mktemp("runs") / "gemini"
    run(
        "train",
        dataset_dir=str(tiny_phantom.parent),
        datalist=str(tiny_phantom),
        output_dir=str(folder),
        **SMALL,
    )
    return folder
