"""The picture of a README."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from gemini_monai.base.errors import InputError
from gemini_monai.report import readme_picture


@pytest.mark.parametrize("dims", ["run_2d", "run_3d"])
def test_picture_is_wide(dims: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = readme_picture(request.getfixturevalue(dims), tmp_path / "picture.png")
    with Image.open(path) as picture:
        assert picture.width == 1600
        assert picture.width > 2 * picture.height


def test_run_without_a_pair_is_refused(run: Path, tmp_path: Path) -> None:
    for path in (run / "test" / "pairs").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"no picture can be made .*pairs holds no pair"):
        readme_picture(run, tmp_path / "picture.png")
    assert not (tmp_path / "picture.png").exists()


def test_run_without_a_prediction_is_refused(run: Path, tmp_path: Path) -> None:
    (run / "test" / "segmentation.csv").unlink()
    with pytest.raises(InputError, match="no case was tested"):
        readme_picture(run, tmp_path / "picture.png")
