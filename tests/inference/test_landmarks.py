"""Landmarks: where they go and how far off they are, in closed form; what is refused."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.inference import FileRegistration, read_pairs
from gemini_monai.inference.landmark_files import read_landmarks
from gemini_monai.transforms import InputSpec
from tests.data.prepare.made import image, save
from tests.inference.networks import Shift

AFFINE = np.array([[2.0, 0, 0, 10], [0, 3.0, 0, -5], [0, 0, 1, 0], [0, 0, 0, 1]])
SHIFT = (1, 2)
"""Voxels, of 2 and 3 mm."""


def _write(path, **landmarks):
    rows = [f"{name},{x},{y}" for name, (x, y) in landmarks.items()]
    path.write_text("\n".join(["name,x,y", *rows]) + "\n")
    return str(path)


@pytest.fixture
def register(tmp_path):
    """Call with both files of landmarks; rows of the pair's table and of ``registration.csv``."""
    for name, seed in (("a", 0), ("b", 1)):
        save(tmp_path / f"{name}.nii.gz", image(seed), affine=AFFINE)
    images = {key: str(tmp_path / f"{n}.nii.gz") for key, n in (("moving", "a"), ("fixed", "b"))}
    spec = InputSpec(
        spatial_dims=2,
        in_channels=1,
        spatial_size=image(0).shape,
        intensity={"kind": "percentile", "lower": 0, "upper": 100},
    )

    def ask(moving, fixed):
        pairs = read_pairs(**images, moving_landmarks=moving, fixed_landmarks=fixed)
        FileRegistration(network=Shift(*SHIFT), spec=spec, folder=tmp_path / "out").run(pairs)
        tables = tmp_path / "out" / "a_to_b_landmarks.csv", tmp_path / "out" / "registration.csv"
        return [list(csv.DictReader(path.open(newline=""))) for path in tables]

    return ask


def test_a_shift_moves_them_by_its_millimeters(register, tmp_path, capsys):
    fixed = _write(tmp_path / "f.csv", apex=(20, 10), base=(14.5, 4))
    moving = _write(tmp_path / "m.csv", base=(16.5, 10), apex=(25, 20))
    rows, table = register(moving, fixed)
    assert {row["coordinate_system"] for row in rows} == {"RAS"}
    words = ("name", "coordinate_system")
    found = {row["name"]: {k: float(v) for k, v in row.items() if k not in words} for row in rows}
    assert found["apex"] == pytest.approx(
        {"x": 22, "y": 16, "error_before": np.hypot(5, 10), "error_after": np.hypot(3, 4)}
    )
    assert found["base"] == pytest.approx(
        {"x": 16.5, "y": 10, "error_before": np.hypot(2, 6), "error_after": 0}, abs=1e-5
    )
    assert float(table[0]["error_after"]) == pytest.approx(2.5)
    assert "landmarks are 2.50 mm off on average, 8.75 mm before" in capsys.readouterr().out


def test_what_was_written_is_read_again(register, tmp_path):
    fixed = _write(tmp_path / "f.csv", apex=(20, 10))
    rows, _ = register(_write(tmp_path / "m.csv", apex=(25, 20)), fixed)
    written = read_landmarks(tmp_path / "out" / "a_to_b_landmarks.csv", axes=2)
    assert written["apex"].tolist() == pytest.approx([float(rows[0]["x"]), float(rows[0]["y"])])


def test_what_cannot_be_is_named(register, tmp_path):
    good = _write(tmp_path / "f.csv", apex=(20, 10))
    for wrong, message in (
        (_write(tmp_path / "a.csv", base=(20, 10)), r"'apex' is in one of this and .*a\.csv alone"),
        (_write(tmp_path / "b.csv"), r"b\.csv: no landmarks in it"),
        (_write(tmp_path / "c.csv", apex=(20, "x")), r"c\.csv: line 2: column 'y': expected mm"),
        (_write(tmp_path / "d.csv", apex=("nan", 3)), r"d\.csv: line 2: column 'x': .*got 'nan'"),
    ):
        with pytest.raises(InputError, match=message):
            register(wrong, good)
        assert not (tmp_path / "out").exists()
    away = _write(tmp_path / "e.csv", apex=(2000, 10))
    with pytest.raises(InputError, match=r"e\.csv: 'apex': lies outside of the image, at voxel"):
        register(good, away)
    with pytest.raises(InputError, match="need both 'moving_landmarks' and 'fixed_landmarks'"):
        register(None, good)


def test_volumes_need_a_third_coordinate_and_names_their_own(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("name,x,y\na,1,2\n")
    with pytest.raises(InputError, match="column 'z' is missing"):
        read_landmarks(path, axes=3)
    path.write_text("name,x,y,z\na,1,2,3\na,4,5,6\n")
    with pytest.raises(InputError, match="line 3: expected a name of its own, got 'a'"):
        read_landmarks(path, axes=3)
