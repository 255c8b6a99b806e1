"""Labels carried along fields that are known, and which of two masks is proposed."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.base.tables import read_table
from gemini_monai.images import read_label
from gemini_monai.inference import Proposals
from gemini_monai.quality import (
    CarriedLabels,
    Quality,
    TrustedProposer,
    carried_labels,
    learn,
    learning,
)
from gemini_monai.quality.carried import NEAREST
from tests.data.prepare.made import save
from tests.quality.made import Bright, blob, cohort, run_of


class Moving(Bright):
    """Its field is the same everywhere, in voxels."""

    def __init__(self, *voxels):
        super().__init__((40.0, 0.38))
        self.fields = 0
        self.voxels = voxels

    def deformer(self, moving, fixed):
        self.fields += 1
        ddf = torch.tensor(self.voxels, dtype=torch.float32)
        return ddf.view(1, -1, *[1] * len(self.voxels)).expand(1, -1, *fixed.shape[2:])


class Oracle(Quality):
    """Expects the share of a mask's voxels that a known label has, for any image."""

    truth = None

    def judge(self, image, masks=None, *, case="", look=None):
        found, look = super().judge(image, masks, case=case, look=look)
        masks = look.found if masks is None else masks
        both = 2 * float((masks[0] * self.truth).sum())
        value = both / float(masks[0].sum() + self.truth.sum())
        (own,) = found.structures
        structure = own._replace(expected=own.expected._replace(value=value))
        return replace(found, structures=[structure]), look


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A cohort of six labeled scans, and trust numbers of a run whose field is zero."""
    folder = tmp_path_factory.mktemp("carried")
    found = cohort(folder, images=10, labels=7)
    found = replace(found, labeled=[*found.labeled, *found.validation], validation=[])
    run = run_of(folder, found)
    run.record = run.record | {"registers": True}
    run.network = Moving(0, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "LOOKS", 12)
        return folder, found, Quality(run, learn(run, found))


@pytest.fixture
def quality(known):
    """The same with a network of one's own."""
    _, found, own = known
    run = run_of(own.run.folder, found)
    run.record, run.network = own.run.record, Moving(0, 0)
    return Quality(run, own.learned)


def _entry(folder, name, number, *, moved=0, affine=None):
    """A labeled scan of its own, rolled by voxels of the first axis."""
    files = {"case": name}
    for key, array in zip(("image", "label"), blob(number), strict=True):
        path = folder / "own" / f"{name}_{key}.nii.gz"
        save(path, np.roll(array, moved, 0), affine=affine)
        files[key] = str(path)
    return files


def _votes(quality, labeled, scan):
    carried = CarriedLabels(quality, labeled)
    proposer = TrustedProposer(quality)
    item = proposer.proposed(scan).item
    look = quality.judge(item["image"].as_tensor().float())[1]
    return carried, carried.votes(item["image"], look.features, file=scan["image"])


def _label(entry):
    return read_label(entry["label"]).as_tensor()[0]


def test_a_labeled_scan_gets_its_own_label_along_a_field_of_zeros(quality, tmp_path):
    scan = _entry(tmp_path, "scan", 50)
    carried, votes = _votes(quality, [scan], scan)
    label = _label(scan)
    torch.testing.assert_close(votes, torch.stack([label == 0, label == 1]).float())
    assert torch.equal(carried.masks(votes)[0], label.float())


def test_a_shifted_copy_gets_the_label_shifted_by_the_field(quality, tmp_path):
    scan, copy = _entry(tmp_path, "scan", 51), _entry(tmp_path, "copy", 51, moved=3)
    quality.run.network = Moving(-3, 0)  # pulls from three voxels before
    votes = _votes(quality, [scan], copy)[1]
    assert torch.equal(votes.argmax(dim=0), _label(copy))


def test_a_copy_that_lies_elsewhere_in_the_world_gets_its_label_there(quality, tmp_path):
    affine = np.eye(4)
    affine[0, 3] = -3.0
    scan = _entry(tmp_path, "scan", 52)
    copy = _entry(tmp_path, "copy", 52, moved=3, affine=affine)
    votes = _votes(quality, [scan], copy)[1]
    assert torch.equal(votes.argmax(dim=0), _label(copy))


def test_only_the_nearest_vote_and_a_scan_is_nearest_to_itself(quality, known):
    _, found, _ = known
    assert len(found.labeled) > NEAREST
    carried = CarriedLabels(quality, found.labeled)
    for entry in found.labeled[-2:]:
        item = TrustedProposer(quality).proposed(entry).item
        features = quality.judge(item["image"].as_tensor().float())[1].features
        cases = [own["case"] for own in carried.nearest(features)]
        assert (cases[0], len(set(cases))) == (entry["case"], NEAREST)
        quality.run.network.fields = 0
        carried.votes(item["image"], features, file=entry["image"])
        assert quality.run.network.fields == NEAREST


def test_the_carried_mask_is_judged_as_a_mask_of_others(quality, known, tmp_path):
    """The higher of what ``gemini check`` expects of both masks is proposed."""
    _, found, _ = known
    carried = CarriedLabels(quality, found.labeled)
    proposer = TrustedProposer(quality, carried=carried)
    image, _ = blob(61)
    for name, scan in {"clean": image, "dark": (image * 0.55).astype(np.uint8)}.items():
        save(tmp_path / f"{name}.nii.gz", scan)
        item = {"case": name, "image": str(tmp_path / f"{name}.nii.gz")}
        votes = _votes(quality, found.labeled, item)[1]
        save(tmp_path / "mask.nii.gz", carried.masks(votes)[0].numpy().astype(np.uint8))
        own = quality.check(item["image"]).expected
        other = quality.check(item["image"], tmp_path / "mask.nii.gz", others=True).expected
        proposal = proposer.proposed(item)
        assert own != other
        assert proposal.expected == pytest.approx(max(own, other))
        assert proposal.by == ("network" if own >= other else "fields")


@pytest.mark.parametrize("by", ["fields", "network"])
def test_what_is_expected_to_be_better_is_written_and_named(quality, tmp_path, by):
    scan = _entry(tmp_path, "scan", 53)
    wrong = _entry(tmp_path, "wrong", 53, moved=6)
    oracle = Oracle(quality.run, quality.learned)
    oracle.truth = _label(scan).float()
    dark = {"case": "dark", "image": str(tmp_path / "dark.nii.gz")}
    if by == "fields":  # the network finds nothing in it
        save(tmp_path / "dark.nii.gz", (blob(53)[0] * 0.3).astype(np.uint8))
    else:
        save(tmp_path / "dark.nii.gz", blob(53)[0])
    labeled = [scan if by == "fields" else wrong]
    proposer = TrustedProposer(oracle, carried=CarriedLabels(oracle, labeled))
    (tmp_path / "order.csv").write_text("case\ndark\n", encoding="utf-8")
    options = {"folder": tmp_path / "out", "order": tmp_path / "order.csv"}
    spec = quality.run.spec
    Proposals(spec=spec, suffix=".nii.gz", **options).run([dark], proposer)
    (row,) = read_table(tmp_path / "out" / "proposals.csv")
    assert row["by"] == by
    written = read_label(tmp_path / "out" / row["file"]).as_tensor()[0]
    expected = float(row["expected_dice"])
    assert expected == pytest.approx(_dice(written, _label(scan)), abs=1e-4)
    if by == "fields":
        assert torch.equal(written, _label(scan))


def _dice(first, second):
    return 2 * float((first * second).sum()) / float(first.sum() + second.sum())


def test_who_does_not_register_says_nothing(quality, known, caplog):
    quality.run.record = quality.run.record | {"registers": False}
    with caplog.at_level(logging.WARNING):
        assert carried_labels(quality, data=known[1].path) is None
    assert not caplog.records


def test_who_registers_carries_labels_of_the_run_s_data(quality, known):
    carried = carried_labels(quality, data=known[1].path)
    cases = [entry["case"] for entry in carried.labeled]
    assert cases == [entry["case"] for entry in known[1].labeled[:3]]  # none of validation


def test_who_cannot_carry_labels_says_why_in_one_line(quality, caplog):
    with caplog.at_level(logging.WARNING):
        assert carried_labels(quality, data="none.json") is None
    (line,) = [own.getMessage() for own in caplog.records]
    assert "by the network alone" in line
    assert "not there (none.json)" in line


@pytest.mark.parametrize(
    ("spec", "count", "reason"),
    [
        ({"slices": True}, 1, "sees volumes slice by slice"),
        ({"overlapping": True}, 1, "structures overlap"),
        ({}, 0, "no labeled scan"),
    ],
)
def test_what_cannot_be_carried_is_refused(quality, known, spec, count, reason):
    quality.run.spec = replace(quality.run.spec, **spec)
    with pytest.raises(InputError, match=f"{known[0].name}.*: .*{reason}"):
        CarriedLabels(quality, known[1].labeled[:count])


def test_a_label_that_cannot_be_read_is_named_before_any_scan(quality, tmp_path):
    scan = _entry(tmp_path, "scan", 54)
    (tmp_path / "own" / "scan_label.nii.gz").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"scan_label\.nii\.gz"):
        CarriedLabels(quality, [scan])
