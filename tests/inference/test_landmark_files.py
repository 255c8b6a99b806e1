"""Files of landmarks of other tools: the directions that each says, and what is refused."""

from __future__ import annotations

import json

import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.inference.landmark_files import read_landmarks

APEX, BASE = [10.5, -20.0, 30.0], [-1.0, 2.0, 3.5]
"""RAS+ mm."""
LPS = [[-x, -y, z] for x, y, z in (APEX, BASE)]


def _markups(points, **options):
    known = {"type": "Fiducial", "coordinateSystem": "LPS"} | options
    controls = [
        {"id": str(k), "label": name, "position": position, "positionStatus": "defined"}
        for k, (name, position) in enumerate(points.items())
    ]
    return json.dumps({"markups": [known | {"controlPoints": controls}]})


def _fcsv(points, *, system="LPS", columns="id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,node"):
    rows = [
        f"{k},{','.join(map(str, place))},0,0,0,1,1,1,0,{name},,"
        for k, (name, place) in enumerate(points.items())
    ]
    notes = ["# Markups fiducial file version = 4.11"]
    notes += [f"# CoordinateSystem = {system}"] * (system is not None) + [f"# columns = {columns}"]
    return "\n".join([*notes, *rows]) + "\n"


def _table(header, points, row="{name},{x},{y},{z}"):
    lines = [row.format(name=name, x=x, y=y, z=z) for name, (x, y, z) in points.items()]
    return "\n".join([header, *lines]) + "\n"


RAS_POINTS = {"apex": APEX, "base": BASE}
LPS_POINTS = dict(zip(RAS_POINTS, LPS, strict=True))
FILES = {
    "ours": ("p.csv", _table("name,x,y,z", RAS_POINTS)),
    "ours as LPS": (
        "p.csv",
        _table("name,coordinate_system,x,y,z", LPS_POINTS, "{name},LPS,{x},{y},{z}"),
    ),
    "ours as RAS": (
        "p.csv",
        _table("name,t,coordinate_system,x,y,z", RAS_POINTS, "{name},0,RAS,{x},{y},{z}"),
    ),
    "ANTs": ("p.csv", _table("x,y,z,t,label", LPS_POINTS, "{x},{y},{z},0,{name}")),
    "ANTs with more": (
        "p.csv",
        _table("x,y,z,t,label,comment", LPS_POINTS, "{x},{y},{z},0,{name},nan"),
    ),
    "Slicer, JSON": ("p.mrk.json", _markups(LPS_POINTS)),
    "Slicer, JSON, RAS": ("p.MRK.JSON", _markups(RAS_POINTS, coordinateSystem="RAS")),
    "Slicer, units": ("p.json", _markups(LPS_POINTS, coordinateUnits=["mm", "mm", "mm"])),
    "Slicer, fcsv": ("p.fcsv", _fcsv(LPS_POINTS)),
    "Slicer, fcsv, RAS": ("p.FCSV", _fcsv(RAS_POINTS, system="RAS")),
    "Slicer, old fcsv": ("p.fcsv", _fcsv(RAS_POINTS, system="0")),
    "Slicer, old fcsv, LPS": ("p.fcsv", _fcsv(LPS_POINTS, system="1")),
    "Slicer, exported": (
        "p.csv",
        _table("label,r,a,s,defined", RAS_POINTS, "{name},{x},{y},{z},1"),
    ),
    "Slicer, exported, LPS": (
        "p.tsv",
        _table("label\tl\tp\ts", LPS_POINTS, "{name}\t{x}\t{y}\t{z}"),
    ),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("axes", [2, 3])
def test_every_format_says_the_same_places(tmp_path, kind, axes):
    name, text = FILES[kind]
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    found = read_landmarks(tmp_path / name, axes=axes)
    assert {key: place.tolist() for key, place in found.items()} == {
        "apex": APEX[:axes],
        "base": BASE[:axes],
    }


def test_points_of_ants_are_named_by_their_labels_or_their_numbers(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("x,y,z,t,label\n1,2,3,0,7\n4,5,6,0,8.0\n")
    assert list(read_landmarks(path, axes=3)) == ["7", "8"]
    path.write_text("x,y,z,t\n1,2,3,0\n4,5,6,0\n")
    assert list(read_landmarks(path, axes=3)) == ["1", "2"]
    path.write_text("x,y,z,t,label\n1,2,3,0,0\n4,5,6,0,0\n")
    with pytest.raises(InputError, match=r"p\.csv: line 3: expected a name of its own, got '0'"):
        read_landmarks(path, axes=3)


def test_names_may_hold_commas(tmp_path):
    (tmp_path / "p.fcsv").write_text(_fcsv({'"left, upper"': LPS[0]}))
    assert list(read_landmarks(tmp_path / "p.fcsv", axes=3)) == ["left, upper"]


WRONG = {
    "no system": ("p.mrk.json", _markups(LPS_POINTS, coordinateSystem=None), "expected RAS or LPS"),
    "no system in fcsv": (
        "p.fcsv",
        _fcsv(LPS_POINTS, system=None),
        "CoordinateSystem: expected RAS",
    ),
    "voxels": ("p.fcsv", _fcsv(LPS_POINTS, system="IJK"), "expected RAS or LPS, got 'IJK'"),
    "units": ("p.json", _markups(LPS_POINTS, coordinateUnits="um"), "expected mm, got 'um'"),
    "no place": ("p.json", _markups({"a": None}), "point 1: has no position"),
    "no label": ("p.json", _markups({"": APEX}), "point 1: expected a name of its own"),
    "other JSON": ("p.json", "{}", "expected a point list of 3D Slicer"),
    "no columns": ("p.fcsv", _fcsv(LPS_POINTS, columns="id,x,y"), "column 'z' is missing"),
    "a word": ("p.fcsv", _fcsv({"a": [1, "x", 3]}), "line 4: column 'y': expected mm, got 'x'"),
    "another word": (
        "p.csv",
        _table("name,coordinate_system,x,y,z", RAS_POINTS, "{name},MNI,{x},{y},{z}"),
        "line 2: column 'coordinate_system': expected RAS or LPS, got 'MNI'",
    ),
    "ours or of ANTs": (
        "p.csv",
        _table("name,x,y,z,t", RAS_POINTS, "{name},{x},{y},{z},0"),
        "both 'name', .* and 't', .* say which by a column 'coordinate_system'",
    ),
    "none": ("p.fcsv", _fcsv({}), "no landmarks in it"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_read_for_sure_is_named(tmp_path, kind):
    name, text, message = WRONG[kind]
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message) as raised:
        read_landmarks(tmp_path / name, axes=3)
    assert name in str(raised.value)


def test_an_undefined_point_of_slicer_is_named_and_not_taken_for_the_origin(tmp_path):
    content = json.loads(_markups(LPS_POINTS))
    point = content["markups"][0]["controlPoints"][1]
    point |= {"position": [0.0, 0.0, 0.0], "positionStatus": "undefined"}
    (tmp_path / "p.mrk.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="point 2: has no position; place it or take it out"):
        read_landmarks(tmp_path / "p.mrk.json", axes=3)
