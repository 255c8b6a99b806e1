"""Landmarks carried to other scans: in closed form, in the right direction, written and read."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_monai.base.errors import InputError
from gemini_monai.inference import FileLandmarks, carry_landmarks
from gemini_monai.inference.landmark_files import read_landmarks
from gemini_monai.inference.landmark_writing import WRITERS, write_landmarks
from gemini_monai.transforms import InputSpec
from tests.data.prepare.made import image, save
from tests.inference.networks import Shift, Truth

AFFINE = np.array([[2.0, 0, 0, 10], [0, 3.0, 0, -5], [0, 0, 1, 0], [0, 0, 0, 1]])
POINTS = {"apex": (20.0, 10.0), "base": (14.5, 4.0)}
AWAY = 7.0
"""Millimeters by which the second scan's header lies beside the first one's, along y."""


class There(Shift):
    """Moves by what it is told where the image it was told of is the fixed one, else by nothing."""

    def __init__(self, fixed, *voxels):
        super().__init__(*voxels)
        self.fixed = torch.as_tensor(fixed)

    def correspond(self, image_a, image_b=None):
        pair = super().correspond(image_a, image_b)
        same = torch.corrcoef(torch.stack([image_b.flatten(), self.fixed.flatten()]))[0, 1] > 0.99
        return pair if same else pair._replace(ddf_ab=pair.ddf_ab * 0)


def _spec(axes=2, size=None):
    return InputSpec(
        spatial_dims=axes,
        in_channels=1,
        spatial_size=size or image(0).shape,
        intensity={"kind": "percentile", "lower": 0, "upper": 100},
    )


@pytest.fixture
def scans(tmp_path):
    """Two scans and points in the first one."""
    away = AFFINE.copy()
    away[1, 3] += AWAY
    save(tmp_path / "scans" / "a.nii.gz", image(0), affine=AFFINE)
    save(tmp_path / "scans" / "b.nii.gz", image(1), affine=away)
    rows = [f"{name},{x},{y}" for name, (x, y) in POINTS.items()]
    (tmp_path / "p.csv").write_text("\n".join(["name,x,y", *rows]) + "\n")
    return tmp_path


def _run(scans, network, **options):
    files = {name: scans / "scans" / f"{name}.nii.gz" for name in "ab"}
    landmarks = FileLandmarks(network=network, spec=_spec(), folder=scans / "out", **options)
    rows = landmarks.run(files["a"], scans / "p.csv", files)
    with (scans / "out" / "landmarks.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["name"] for row in written] == [row["name"] for row in rows]
    return {(row["case"], row["name"]): row for row in written}


def test_points_go_where_the_image_of_the_points_is_the_fixed_one(scans):
    """A shift of (1, 2) voxels of the moving scan is 2 and 6 mm; nothing leads back."""
    rows = _run(scans, There(image(0), 1, 2), start="center", tolerance=3.0)
    for name, (x, y) in POINTS.items():
        row = rows["b", name]
        assert [float(row["x"]), float(row["y"])] == pytest.approx([x + 2, y + 6 + AWAY], abs=1e-4)
        assert float(row["consistency_mm"]) == pytest.approx(np.hypot(2, 6), abs=1e-4)
        assert (row["z"], row["flag"]) == ("", "inconsistent")
        own = rows["a", name]
        assert [float(own["x"]), float(own["y"])] == [x, y]
        assert (float(own["consistency_mm"]), own["flag"]) == (0, "clicked")


def test_an_inverse_that_is_one_has_no_error_and_no_flag(scans):
    rows = _run(scans, Shift(0, 0), start="center")
    assert [float(rows["b", name]["consistency_mm"]) for name in POINTS] == pytest.approx([0, 0])
    assert {rows["b", name]["flag"] for name in POINTS} == {""}


def test_a_point_that_leaves_the_scan_is_flagged(scans):
    rows = _run(scans, Shift(0, -40), start="center")
    assert {rows["b", name]["flag"] for name in POINTS} == {"outside"}


@pytest.mark.parametrize("suffix", WRITERS)
def test_files_of_every_kind_are_read_again(scans, suffix):
    rows = _run(scans, Shift(1, 2), start="center", suffix=suffix)
    read = read_landmarks(scans / "out" / f"b_landmarks{suffix}", axes=2)
    assert {name: place.tolist() for name, place in read.items()} == {
        name: pytest.approx([float(rows["b", name][axis]) for axis in "xy"]) for name in POINTS
    }


PLACES = st.dictionaries(
    st.text(st.characters(blacklist_categories=("C", "Z"), blacklist_characters=',"'), min_size=1),
    st.tuples(*[st.floats(-1e4, 1e4, width=32)] * 3),
    min_size=1,
    max_size=4,
)


@settings(max_examples=20)
@given(places=PLACES, suffix=st.sampled_from(sorted(WRITERS)))
def test_whatever_is_written_is_read(tmp_path_factory, places, suffix):
    path = tmp_path_factory.mktemp("p") / f"x{suffix}"
    points = {name: torch.tensor(place, dtype=torch.float64) for name, place in places.items()}
    write_landmarks(path, points, notes=dict.fromkeys(points, "0.1 mm"))
    read = read_landmarks(path, axes=3)
    assert {n: p.tolist() for n, p in read.items()} == {n: p.tolist() for n, p in points.items()}


def test_point_lists_say_their_directions_and_how_far_each_is_off(scans):
    _run(scans, Shift(0, 0), start="center")
    markup = json.loads((scans / "out" / "b_landmarks.mrk.json").read_text())["markups"][0]
    assert (markup["type"], markup["coordinateSystem"]) == ("Fiducial", "LPS")
    point = markup["controlPoints"][0]
    assert point["label"] == "apex"
    assert point["description"] == "0.00 mm there and back"
    assert point["position"] == pytest.approx([-20, -10 - AWAY, 0])


def test_true_fields_carry_points_truly(tmp_path):
    """Of two subjects of the phantom, by their own fields, against compositions voxel by voxel."""
    from gemini_monai.data.phantom_subjects import make_subject
    from gemini_monai.transforms import preprocessing

    size, spec = (48, 48), _spec(size=(48, 48))
    subjects = [make_subject(size, seed=(3, k)) for k in range(2)]
    files = [tmp_path / f"{k}.nii.gz" for k in range(2)]
    for file, subject in zip(files, subjects, strict=True):
        save(file, subject["image"].numpy())
    seen = preprocessing(spec, keys=["image"])
    items = [
        subject | {"image": seen({"image": str(file)})["image"].as_tensor()}
        for subject, file in zip(subjects, files, strict=True)
    ]
    points = {f"{x},{y}": torch.tensor([x, y]) for x in (12, 24, 30) for y in (15, 33)}
    carried = carry_landmarks(Truth(items), points, *files, spec=spec)
    first, second = subjects
    for name, place in points.items():
        x, y = place.tolist()
        t = torch.tensor([x, y]) + first["field"][:, x, y]  # the place in the anatomy
        near = second["inverse_field"][(slice(None), *t.round().int().tolist())]
        assert torch.linalg.vector_norm(carried[name].position - t - near) < 0.8, name
        assert carried[name].consistency < 0.3
        assert carried[name].flag == ""


def test_what_cannot_be_is_named_before_anything_is_written(scans):
    (scans / "far.csv").write_text("name,x,y\na,2000,10\n")
    files = {"b": scans / "scans" / "b.nii.gz"}
    landmarks = FileLandmarks(network=Shift(0, 0), spec=_spec(), folder=scans / "out")
    with pytest.raises(InputError, match=r"far\.csv: 'a': lies outside of the image, at voxel"):
        landmarks.run(scans / "scans" / "a.nii.gz", scans / "far.csv", files)
    with pytest.raises(InputError, match=r"none\.csv"):
        landmarks.run(scans / "scans" / "a.nii.gz", scans / "none.csv", files)
    assert not (scans / "out").exists()
    save(scans / "v.nii.gz", image(0, (12, 10, 8)))
    with pytest.raises(InputError, match="a point of 2 axes in an image of 3"):
        landmarks.run(scans / "v.nii.gz", scans / "p.csv", files)
    landmarks.run(scans / "scans" / "a.nii.gz", scans / "p.csv", files)
    with pytest.raises(InputError, match=r"landmarks\.csv: is there already \(and 1 more\)"):
        landmarks.run(scans / "scans" / "a.nii.gz", scans / "p.csv", files)


def test_formats_and_names_that_cannot_be_written(tmp_path):
    point = {"a": torch.zeros(2)}
    with pytest.raises(InputError, match=r"x\.txt: expected one of \.mrk\.json \.fcsv \.csv"):
        write_landmarks(tmp_path / "x.txt", point)
    with pytest.raises(InputError, match=r"'a,b' is no name for \.fcsv"):
        write_landmarks(tmp_path / "x.fcsv", {"a,b": torch.zeros(2)})
