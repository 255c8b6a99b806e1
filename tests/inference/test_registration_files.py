"""Registration of files: what other tools read, and what is refused."""

from __future__ import annotations

import csv
import json

import itk
import nibabel as nib
import numpy as np
import pytest

from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.inference import FileRegistration, read_pairs
from gemini_monai.transforms import InputSpec
from tests.data.prepare.made import image, label, save
from tests.inference.networks import Shift

SPEC = InputSpec(
    spatial_dims=2,
    in_channels=1,
    spatial_size=image(0).shape,
    intensity={"kind": "percentile", "lower": 0, "upper": 100},
)
AFFINE = np.diag([2.0, 3.0, 1.0, 1.0])


def _pairwise(folder, network):
    return FileRegistration(network=network, spec=SPEC, folder=folder)


def test_files_of_a_pair_are_in_mm_on_the_fixed_grid(tmp_path, capsys):
    for name, seed in (("a", 0), ("b", 1)):
        save(tmp_path / f"{name}.nii.gz", image(seed), affine=AFFINE)
    save(tmp_path / "a_label.nii.gz", label(), affine=AFFINE)
    files = {
        key: str(tmp_path / f"{name}.nii.gz") for key, name in (("moving", "a"), ("fixed", "b"))
    }
    pairs = read_pairs(**files, moving_label=str(tmp_path / "a_label.nii.gz"))
    _pairwise(tmp_path / "out", Shift(1, 2)).run(pairs)
    out = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert set(out) == {
        "a_to_b_field.nii.gz",
        "a_to_b_warped.nii.gz",
        "a_to_b_label.nii.gz",
        "registration.csv",
    }
    field = itk.array_from_image(itk.imread(str(out["a_to_b_field.nii.gz"])))
    np.testing.assert_allclose(field, np.broadcast_to([-2.0, -6.0], field.shape))  # mm, LPS
    warped, labels = (nib.load(out[f"a_to_b_{kind}.nii.gz"]) for kind in ("warped", "label"))
    np.testing.assert_allclose(warped.affine, AFFINE)
    np.testing.assert_allclose(warped.get_fdata()[:-1, :-2], image(0)[1:, 2:], atol=1e-3)
    np.testing.assert_array_equal(labels.get_fdata()[:-1, :-2], label()[1:, 2:])
    assert labels.get_data_dtype() == np.uint8
    assert "0.000 % folded" in capsys.readouterr().out


VOLUMES = InputSpec(
    spatial_dims=3,
    in_channels=1,
    spatial_size=[12, 12, 12],
    spacing=[1.0, 1.0, 1.0],
    orientation="RAS",
    intensity={"kind": "percentile", "lower": 0, "upper": 100},
)


@pytest.fixture
def scans(tmp_path):
    """A scan, its first slices, and the scan 990 mm away."""
    values = image(0, (12, 10, 20))
    far = np.eye(4)
    far[2, 3] = 990
    save(tmp_path / "whole.nii.gz", values)
    save(tmp_path / "lower.nii.gz", values[..., :11])
    save(tmp_path / "far.nii.gz", values, affine=far)
    return tmp_path


def _rows(folder):
    with (folder / "registration.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_landmarks_at_equal_millimeters_stay_and_the_start_is_told(scans, capsys):
    (scans / "p.csv").write_text("name,x,y,z\na,5,6,7\nb,2,3,4\n")
    points = dict.fromkeys(("moving_landmarks", "fixed_landmarks"), "p.csv")
    both = ("whole", "lower"), ("lower", "whole")
    pairs = [{"moving": f"{a}.nii.gz", "fixed": f"{b}.nii.gz"} | points for a, b in both]
    (scans / "pairs.json").write_text(json.dumps(pairs))
    options = {"network": Shift(0, 0, 0), "spec": VOLUMES, "inverse": True}
    FileRegistration(**options, folder=scans / "out").run(read_pairs(scans / "pairs.json"))
    for row in _rows(scans / "out"):
        numbers = ("start_mm", "overlap_percent", "error_before", "error_after")
        assert [float(row[name]) for name in numbers] == [0, 100, 0, 0]
        assert row["start"] == "world"
    for name in ("whole_to_lower", "lower_to_whole"):
        for kind in ("field", "inverse_field"):
            assert not nib.load(scans / "out" / f"{name}_{kind}.nii.gz").get_fdata().any()
    said = capsys.readouterr().out
    line = "start world, moved by 0.00 mm; 100% of the smaller field of view is in the other"
    assert said.count(line) == 2
    centered = FileRegistration(**options, folder=scans / "centered", start="center")
    centered.run(read_pairs(scans / "pairs.json"))
    for row in _rows(scans / "centered"):
        assert (row["start"], float(row["start_mm"])) == ("center", 4.5)
        assert float(row["error_after"]) == pytest.approx(4.5)
    for (moving, fixed), offset in zip(both, (4.5, -4.5), strict=True):
        field = nib.load(scans / "centered" / f"{moving}_to_{fixed}_field.nii.gz").get_fdata()
        np.testing.assert_allclose(field, np.broadcast_to([0, 0, offset], field.shape), atol=1e-5)


def test_scans_that_do_not_overlap_are_told_and_refused_before_any_is_written(scans, capsys):
    names = ("lower", "whole"), ("far", "whole")
    pairs = [{"moving": f"{a}.nii.gz", "fixed": f"{b}.nii.gz"} for a, b in names]
    (scans / "pairs.json").write_text(json.dumps(pairs))
    options = {"network": Shift(0, 0, 0), "spec": VOLUMES, "folder": scans / "out"}
    with pytest.raises(InputError, match=r"far\.nii\.gz and .*whole\.nii\.gz: .* 970\.0 mm lie"):
        FileRegistration(**options, start="world").run(read_pairs(scans / "pairs.json"))
    assert not (scans / "out").exists()
    FileRegistration(**options).run(read_pairs(scans / "pairs.json"))
    assert [row["start"] for row in _rows(scans / "out")] == ["world", "center"]
    assert [float(row["start_mm"]) for row in _rows(scans / "out")] == [0, 990]
    said = capsys.readouterr().out
    assert f"{scans / 'far.nii.gz'} -> {scans / 'whole.nii.gz'}: start center" in said
    assert "970.0 mm lie between them, 990.0 mm between their centers" in said


def test_landmarks_that_cannot_be_are_named_before_any_pair_is_written(scans):
    (scans / "p.csv").write_text("name,x,y,z\na,5,6,7\n")
    (scans / "q.csv").write_text("name,x,y,z\nb,5,6,7\n")
    pairs = [{"moving": "whole.nii.gz", "fixed": "lower.nii.gz"}]
    pairs.append({"moving": "lower.nii.gz", "fixed": "whole.nii.gz"})
    pairs[1] |= {"moving_landmarks": "p.csv", "fixed_landmarks": "q.csv"}
    (scans / "pairs.json").write_text(json.dumps(pairs))
    registration = FileRegistration(network=Shift(0, 0, 0), spec=VOLUMES, folder=scans / "out")
    with pytest.raises(InputError, match=r"q\.csv: 'a' is in one of this and .*p\.csv alone"):
        registration.run(read_pairs(scans / "pairs.json"))
    assert not (scans / "out").exists()


def test_the_way_back_is_written_if_it_is_asked_for(tmp_path):
    for name, seed in (("a", 0), ("b", 1)):
        save(tmp_path / f"{name}.nii.gz", image(seed), affine=AFFINE)
    files = {k: str(tmp_path / f"{n}.nii.gz") for k, n in (("moving", "a"), ("fixed", "b"))}
    registration = _pairwise(tmp_path / "out", Shift(1, 2))
    registration.inverse = True
    registration.run(read_pairs(**files))
    path = tmp_path / "out" / "a_to_b_inverse_field.nii.gz"
    field = itk.array_from_image(itk.imread(str(path)))
    np.testing.assert_allclose(field, np.broadcast_to([2.0, 6.0], field.shape))  # mm, LPS


def test_lists_of_pairs_are_relative_to_the_list(tmp_path):
    (tmp_path / "p.csv").write_text("moving,fixed,moving_label\na.nii,b.nii,\nb.nii,c.nii,l.nii\n")
    (tmp_path / "p.json").write_text('[{"moving": "a.nii", "fixed": "b.nii"}]')
    assert [pair.moving_label for pair in read_pairs(tmp_path / "p.csv")] == [
        None,
        tmp_path / "l.nii",
    ]
    assert read_pairs(tmp_path / "p.json")[0].fixed == tmp_path / "b.nii"


def test_wrong_pairs_are_named(tmp_path):
    (tmp_path / "p.csv").write_text("moving,fixed\na.nii,\n")
    (tmp_path / "q.csv").write_text("moving,fixed\n")
    for options, message in (
        ({}, "give --moving FILE and --fixed FILE"),
        ({"pairs": tmp_path / "p.csv"}, r"p\.csv: entry 1 needs 'moving' and 'fixed'"),
        ({"pairs": tmp_path / "q.csv"}, r"q\.csv: no pairs in it"),
        ({"pairs": tmp_path / "r.csv"}, r"r\.csv: no such file"),
    ):
        with pytest.raises(InputError, match=message):
            read_pairs(**options)


def test_a_missing_image_and_other_dimensions_are_named(tmp_path):
    save(tmp_path / "a.nii.gz", image(0))
    save(tmp_path / "v.nii.gz", image(0, (8, 8, 8)))
    registration = _pairwise(tmp_path / "out", Shift(1, 1))
    fixed = {"fixed": str(tmp_path / "a.nii.gz")}
    absent = read_pairs(moving=str(tmp_path / "absent.nii.gz"), **fixed)
    with pytest.raises(InputError, match=r"absent\.nii\.gz: no such file"):
        registration.run(absent)
    volume = read_pairs(moving=str(tmp_path / "v.nii.gz"), **fixed)
    with pytest.raises(RuntimeError) as raised:
        registration.run(volume)
    assert "v.nii.gz: a 3-D image" in str(input_error_in(raised.value))
    assert not (tmp_path / "out").exists()


SHIFTED = np.array([[2.0, 0, 0, 0.3], [0, 3, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
ON_ANOTHER_GRID = {
    "smaller": (label((8, 6)), AFFINE, "label of shape (8, 6), its image"),
    "a volume": (label((*image(0).shape, 3)), AFFINE, "label of shape"),
    "turned": (label().T, AFFINE, "label of shape"),
    "without an affine": (label(), np.eye(4), "label with another affine than its image"),
    "beside it": (label(), SHIFTED, "a corner lies 0.15 voxels away"),
}


@pytest.mark.parametrize("kind", ON_ANOTHER_GRID)
def test_a_moving_label_on_another_grid_is_named_before_any_pair(tmp_path, kind):
    values, affine, message = ON_ANOTHER_GRID[kind]
    for name, seed in (("a", 0), ("b", 1)):
        save(tmp_path / f"{name}.nii.gz", image(seed), affine=AFFINE)
    save(tmp_path / "fine.nii.gz", label(), affine=AFFINE)
    save(tmp_path / "other.nii.gz", values, affine=affine)
    table = "moving,fixed,moving_label,name\na.nii.gz,b.nii.gz,fine.nii.gz,one\n"
    (tmp_path / "p.csv").write_text(table + "b.nii.gz,a.nii.gz,other.nii.gz,two\n")
    with pytest.raises(InputError) as raised:
        _pairwise(tmp_path / "out", Shift(1, 1)).run(read_pairs(tmp_path / "p.csv"))
    assert str(raised.value).startswith(f"{tmp_path}/other.nii.gz: ")
    assert message in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_two_pairs_never_share_their_files(tmp_path):
    for place in "ab":
        save(tmp_path / place / "s.nii.gz", image(ord(place)))
    (tmp_path / "p.csv").write_text("moving,fixed\na/s.nii.gz,a/s.nii.gz\nb/s.nii.gz,a/s.nii.gz\n")
    with pytest.raises(
        InputError, match=r"entry 2: would be written to the files of entry 1, 's_to"
    ):
        read_pairs(tmp_path / "p.csv")
    named = "moving;fixed;name\na/s.nii.gz;a/s.nii.gz;one\nb/s.nii.gz;a/s.nii.gz;two\n"
    (tmp_path / "p.csv").write_text(named, encoding="utf-8-sig")
    pairs = read_pairs(tmp_path / "p.csv")
    assert [pair.name for pair in pairs] == ["one", "two"]
    _pairwise(tmp_path / "out", Shift(1, 1)).run(pairs)
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"one_field.nii.gz", "two_field.nii.gz", "registration.csv"} < written


def test_registration_replaces_nothing_unless_asked(tmp_path):
    save(tmp_path / "a.nii.gz", image(0))
    pair = read_pairs(moving=str(tmp_path / "a.nii.gz"), fixed=str(tmp_path / "a.nii.gz"))
    registration = _pairwise(tmp_path / "out", Shift(1, 1))
    registration.run(pair)
    with pytest.raises(InputError, match=r"registration\.csv: is there already \(and 2 more\)"):
        registration.run(pair)
    registration.overwrite = True
    registration.run(pair)
    save(tmp_path / "out" / "x_warped.nii.gz", image(0))
    table = tmp_path / "p.json"
    entry = {"moving": "out/x_warped.nii.gz", "fixed": "a.nii.gz", "name": "x"}
    table.write_text(json.dumps([entry]))
    with pytest.raises(InputError, match="is an input and would be replaced"):
        registration.run(read_pairs(table))


@pytest.mark.parametrize(
    "entry", [7, [], {"moving": "a"}, {"moving": 3, "fixed": "a"}, {"moving": "a", "fixed": ""}]
)
def test_entries_of_another_kind_are_named(tmp_path, entry):
    (tmp_path / "p.json").write_text(json.dumps([entry]))
    with pytest.raises(InputError, match=r"p\.json: entry 1"):
        read_pairs(tmp_path / "p.json")
