"""Registration: tensors, pairs of a test, and files that other tools read."""

from __future__ import annotations

import csv
import json

import itk
import nibabel as nib
import numpy as np
import pytest
import torch
from monai.transforms import Compose, ScaleIntensityd
from torch import nn

from gemini_monai.data.dataset import read_dataset
from gemini_monai.data.load import LoadScand
from gemini_monai.data.subjects import make_subject
from gemini_monai.engines import RegistrationTest, register
from gemini_monai.engines.pairwise import PairwiseRegistration, read_pairs
from gemini_monai.errors import InputError, input_error_in
from gemini_monai.networks import Correspondence
from tests.data.prepare.sources import image, label, save


class _Shift(nn.Module):
    """A network that moves everything by a fixed number of voxels."""

    def __init__(self, *voxels):
        super().__init__()
        self.voxels = torch.tensor(voxels, dtype=torch.float32)

    def forward(self, image_a, image_b=None, correspond=False):
        ddf = self.voxels.view(1, -1, *[1] * len(self.voxels))
        ddf = ddf.expand(len(image_a), -1, *image_a.shape[2:])
        return Correspondence(image_a, image_b, ddf, -ddf)


def test_registering_by_whole_voxels_is_a_slice():
    moving = torch.rand(1, 1, 8, 9)
    result = register(_Shift(2, 1), moving, moving)
    torch.testing.assert_close(result.warped[..., :-2, :-1], moving[..., 2:, 1:])
    assert result.folding_percent == 0


class _Truth(nn.Module):
    """A network that knows the subjects."""

    def __init__(self, items):
        super().__init__()
        self.items = items

    def _find(self, image):
        return next(i for i in self.items if torch.equal(i["image"], image[0]))

    def forward(self, image_a, image_b=None, correspond=False):
        from gemini_monai.metrics import true_displacement

        moving, fixed = self._find(image_a), self._find(image_b)
        ddf = true_displacement(fixed["field"][None], moving["inverse_field"][None])
        return Correspondence(image_a, image_b, ddf, ddf)


def _subjects(count):
    items = []
    for k in range(count):
        subject = make_subject((48, 48), seed=(0, k))
        items.append({key: subject[key] for key in ("field", "inverse_field")})
        items[-1] |= {
            "case": f"s{k}",
            "image": subject["image"][None],
            "label": subject["label"][None],
        }
    return items


STRUCTURES = ["right lung", "left lung", "heart", "clavicles"]


def _test(folder, network, items, **options):
    RegistrationTest(
        network=network, data=items, folder=folder, structures=STRUCTURES, **options
    ).run()
    with (folder / "registration.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_true_fields_have_no_error_and_register(tmp_path):
    items = _subjects(3)
    rows = _test(tmp_path, _Truth(items), items)
    assert len(rows) == 6
    for row in rows:
        assert float(row["error_after"]) == pytest.approx(0, abs=1e-5)
        assert float(row["error_before"]) > 0.5
        assert float(row["dice_after"]) > float(row["dice_before"])
    found = json.loads((tmp_path / "registration.json").read_text())
    assert found["pairs"] == 6
    assert found["dice_after"]["mean"] > 0.8
    assert found["folding_percent"]["mean"] < 1


def test_standing_still_changes_nothing(tmp_path):
    rows = _test(tmp_path, _Shift(0, 0), _subjects(3), max_pairs=4)
    assert len(rows) == 4
    assert {(r["fixed"], r["moving"]) for r in rows} == {(r["moving"], r["fixed"]) for r in rows}
    for row in rows:
        assert row["dice_before"] == row["dice_after"]
        assert row["error_before"] == row["error_after"]


def test_best_median_and_worst_are_kept(tmp_path):
    rows = _test(tmp_path, _Shift(1, 1), _subjects(3))
    kept = {path.stem: np.load(path) for path in (tmp_path / "pairs").iterdir()}
    assert set(kept) == {"best", "median", "worst"}
    worst = min(rows, key=lambda row: float(row["dice_after"]))
    assert str(kept["worst"]["moving_case"]) == worst["moving"]
    assert kept["best"]["ddf"].shape == (2, 48, 48)
    np.testing.assert_allclose(
        kept["best"]["warped"][0, :-1, :-1], kept["best"]["moving"][0, 1:, 1:], atol=1e-5
    )


def test_one_case_makes_no_pair(tmp_path):
    test = RegistrationTest(
        network=_Shift(0, 0), data=_subjects(1), folder=tmp_path, structures=STRUCTURES
    )
    assert test.run() == []
    assert list(tmp_path.iterdir()) == []


def test_a_phantoms_fields_are_found_in_its_files(tiny_phantom):
    assert {"field", "inverse_field"} <= set(read_dataset(tiny_phantom).test[0])


AFFINE = np.diag([2.0, 3.0, 1.0, 1.0])


def _pairwise(folder, network):
    preprocessing = Compose(
        [LoadScand("image", spatial_dims=2, in_channels=1), ScaleIntensityd("image")]
    )
    return PairwiseRegistration(network=network, preprocessing=preprocessing, folder=folder)


def test_files_of_a_pair_are_in_mm_on_the_fixed_grid(tmp_path, capsys):
    for name, seed in (("a", 0), ("b", 1)):
        save(tmp_path / f"{name}.nii.gz", image(seed), affine=AFFINE)
    save(tmp_path / "a_label.nii.gz", label(), affine=AFFINE)
    files = {
        key: str(tmp_path / f"{name}.nii.gz") for key, name in (("moving", "a"), ("fixed", "b"))
    }
    pairs = read_pairs(**files, moving_label=str(tmp_path / "a_label.nii.gz"))
    _pairwise(tmp_path / "out", _Shift(1, 2)).run(pairs)
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
    registration = _pairwise(tmp_path / "out", _Shift(1, 1))
    fixed = {"fixed": str(tmp_path / "a.nii.gz")}
    absent = read_pairs(moving=str(tmp_path / "absent.nii.gz"), **fixed)
    with pytest.raises(InputError, match=r"absent\.nii\.gz: no such file"):
        registration.run(absent)
    volume = read_pairs(moving=str(tmp_path / "v.nii.gz"), **fixed)
    with pytest.raises(RuntimeError) as raised:
        registration.run(volume)
    assert "v.nii.gz: a 3-D image" in str(input_error_in(raised.value))
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
    _pairwise(tmp_path / "out", _Shift(1, 1)).run(pairs)
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"one_field.nii.gz", "two_field.nii.gz", "registration.csv"} < written


def test_registration_replaces_nothing_unless_asked(tmp_path):
    save(tmp_path / "a.nii.gz", image(0))
    pair = read_pairs(moving=str(tmp_path / "a.nii.gz"), fixed=str(tmp_path / "a.nii.gz"))
    registration = _pairwise(tmp_path / "out", _Shift(1, 1))
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
