"""From a run to trust numbers: learned, kept, read again, and right about what is bad."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import read_table, write_table
from gemini_monai.quality import (
    CaseQuality,
    Quality,
    StructureQuality,
    bound_volumes,
    check_cases,
    learn,
    refuse_quality,
    with_those_there,
    write_quality_table,
)
from gemini_monai.quality.estimate import Expectation
from gemini_monai.quality.kept import read_learned, write_learned
from gemini_monai.quality.writing import read_quality_table
from gemini_monai.report import write_quality_page
from tests.data.prepare.made import save
from tests.quality.made import blob, cohort, run_of


@pytest.fixture(scope="module", params=[2, 3])
def known(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("quality")
    found = cohort(folder, dims=request.param)
    run = run_of(folder, found)
    return folder, found, Quality(run, learn(run, found)), request.param


def _scan(folder, name, image):
    save(folder / "new" / f"{name}.nii.gz", image)
    return folder / "new" / f"{name}.nii.gz"


def test_a_good_scan_is_trusted_and_a_bad_one_comes_first(known):
    folder, _, quality, dims = known
    image, _ = blob(100, dims=dims)
    noise = np.random.default_rng(0).normal(0, 60, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    scans = {"good": image, "noisy": noisy, "turned": image[::-1, ::-1].copy()}
    items = [
        {"case": name, "image": _scan(folder, name, own), "mask": "none"}
        for name, own in scans.items()
    ]
    checked = check_cases(quality, items)
    by_case = {own.case: own for own, _ in checked}
    (good,), (bad,) = by_case["good"].structures, by_case["noisy"].structures
    assert good.expected.value > 0.8
    assert bad.expected.value < good.expected.value - 0.1
    assert good.expected.lower <= good.expected.value <= good.expected.upper
    assert not by_case["good"].flags
    assert any("mirrored along axis 0, 1" in text for text in by_case["turned"].flags)
    assert checked[-1][0].case == "good"


def test_a_mask_that_somebody_made_is_judged_by_itself(known):
    folder, _, quality, dims = known
    image, label = blob(104, dims=dims)
    scan, values = _scan(folder, "scan", image), {}
    for name, mask in (("right", label), ("shifted", np.roll(label, 5, 0)), ("none", label * 0)):
        save(folder / "masks" / f"{name}.nii.gz", mask)
        found = quality.check(scan, folder / "masks" / f"{name}.nii.gz", case=name)
        values[name] = found.structures[0]
    assert values["right"].expected.value > 0.8
    assert values["shifted"].expected.value < values["right"].expected.value - 0.1
    assert (values["none"].voxels, values["right"].voxels) == (0, label.sum())


def test_a_mask_lies_on_its_image_and_both_are_read_once(known, monkeypatch):
    folder, _, quality, dims = known
    image, label = blob(106, dims=dims)
    scan = _scan(folder, "lying", image)
    opened = []
    reading = sys.modules["gemini_monai.images.read"]
    stored_in = reading.stored_in

    def watched(files, **options):
        opened.append(files)
        return stored_in(files, **options)

    monkeypatch.setattr(reading, "stored_in", watched)
    for name, mask in {"on": label, "cut": label[:-1], "moved": label}.items():
        affine = np.eye(4)
        affine[0, 3] = 2.0 * (name == "moved")
        save(folder / "lying" / f"{name}.nii.gz", mask, affine=affine)
    quality.check(scan, folder / "lying" / "on.nii.gz")
    assert len(opened) == 2
    for name, said in (("cut", "label of shape"), ("moved", "label with another affine than")):
        with pytest.raises(InputError, match=rf"{name}\.nii\.gz: {said}"):
            quality.check(scan, folder / "lying" / f"{name}.nii.gz")


def test_only_labels_that_were_trained_or_validated_on_are_opened(known):
    _, found, quality, _ = known
    hidden = [entry | {"label": "nowhere.nii.gz"} for entry in found.test]
    again = learn(quality.run, replace(found, test=hidden))
    np.testing.assert_array_equal(again.estimator.value, quality.learned.estimator.value)


def test_it_is_kept_and_read_again(known, tmp_path):
    _, _, quality, _ = known
    path = tmp_path / "quality.npz"
    write_learned(path, quality.learned, weights="abc")
    again = read_learned(path, weights="abc")
    row = quality.learned.estimator.signs[0]
    assert again.estimator.expect(row, 0) == quality.learned.estimator.expect(row, 0)
    assert again.familiarity.limit == pytest.approx(quality.learned.familiarity.limit, rel=1e-4)
    assert again.validated
    assert read_learned(path, weights="other") is None
    path.write_bytes(b"PK something")
    with pytest.raises(InputError, match=r"quality.npz: damaged .* remove it"):
        read_learned(path, weights="abc")


def test_fewer_than_three_labels_are_refused(known):
    _, found, quality, _ = known
    few = replace(found, labeled=found.labeled[:2], validation=[])
    with pytest.raises(InputError, match=r"2 image\(s\) with labels; expected 3 or more"):
        learn(quality.run, few)


def test_the_table_grows_and_another_one_is_not_touched(known, tmp_path):
    folder, _, quality, dims = known
    items = [
        {"case": str(k), "image": _scan(folder, str(k), blob(k, dims=dims)[0]), "mask": f"{k}.nii"}
        for k in (110, 111)
    ]
    write_quality_table(check_cases(quality, items[:1]), tmp_path)
    both = with_those_there(check_cases(quality, items[1:]), tmp_path)
    write_quality_table(both, tmp_path)
    read = read_quality_table(tmp_path)
    assert [own.case for own, _ in read] == [own.case for own, _ in both]
    assert {files["mask"].split("/")[-1] for _, files in read} == {"110.nii", "111.nii"}
    refuse_quality(tmp_path)
    (tmp_path / "quality.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"quality.csv"):
        refuse_quality(tmp_path, overwrite=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "quality.html").write_text("mine")
    with pytest.raises(InputError, match="quality.html"):
        refuse_quality(tmp_path / "other")


def test_the_page_names_the_first_and_says_what_is_doubtful(known, tmp_path):
    folder, _, quality, dims = known
    image, label = blob(108, dims=dims)
    save(folder / "masks" / "there.nii.gz", label)
    places = {"there": folder / "masks" / "there.nii.gz", "gone": folder / "masks" / "gone.nii.gz"}
    items = [
        {"case": case, "image": _scan(folder, case, image), "mask": mask}
        for case, mask in places.items()
    ]
    options = {"spec": quality.run.spec, "validated": False}
    page = write_quality_page(check_cases(quality, items), tmp_path / "q.html", **options)
    text = page.read_text()
    for part in ("Look at these first", "there", "Not shown", "no validation images", "<svg"):
        assert part in text


def test_it_is_the_same_each_time(known):
    folder, found, quality, dims = known
    again = learn(quality.run, found)
    np.testing.assert_array_equal(again.estimator.signs, quality.learned.estimator.signs)
    scan = _scan(folder, "same", blob(120, dims=dims)[0])
    assert quality.check(scan) == quality.check(scan)


def test_the_size_of_a_structure_lies_between_its_bounds(known):
    folder, _, quality, dims = known
    image, label = blob(107, dims=dims)
    scan = _scan(folder, "sized", image)
    (own,) = quality.check(scan).structures
    assert own.size.lower < own.size.upper
    assert own.size.lower <= label.sum() / own.voxels <= own.size.upper
    save(folder / "sized.nii.gz", label)
    (other,) = quality.check(scan, folder / "sized.nii.gz", others=True).structures
    assert np.isnan(other.size).all()


def test_volumes_get_the_bounds_of_their_masks(tmp_path):
    found = StructureQuality("blob", Expectation(0.9, 0.8, 0.95), 10, Expectation(1, 0.75, 1.5))
    none = StructureQuality("other", Expectation(0.1, 0, 0.2), 0, Expectation(9, 5, 99))
    checked = [(CaseQuality("a", [found, none]), {})]
    rows = [
        {"case": "a", "structure": "blob", "voxels": 20, "volume_ml": 2.0},
        {"case": "a", "structure": "other", "voxels": 0, "volume_ml": 0.0},
        {"case": "b", "structure": "blob", "voxels": 7, "volume_ml": 0.7},
    ]
    write_table(tmp_path / "volumes.csv", rows)
    bound_volumes(checked, tmp_path / "volumes.csv")
    bounds = [
        (row["case"], row["volume_ml_lower"], row["volume_ml_upper"])
        for row in read_table(tmp_path / "volumes.csv")
    ]
    assert bounds == [("a", "1.5", "3.0"), ("a", "", ""), ("b", "", "")]
