"""Two rounds of a lab: label, train, propose, correct, prepare again, go on."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.base.tables import read_table
from gemini_monai.configuration import proposer_of
from gemini_monai.data import read_cohort
from gemini_monai.data.phantom import write_phantom
from gemini_monai.data.prepare import prepare_folder
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import read, read_label, write_segments
from gemini_monai.images.segments import read_segmentation
from gemini_monai.inference import TrainedRun
from gemini_monai.quality import Quality
from gemini_monai.runs import read_record
from tests.bundles.runs import SMALL, paths, run, workflow

pytestmark = pytest.mark.usefixtures("no_page")
ROUND = SMALL | {"epochs": 1, "num_workers": 0}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Scans of which four have labels, the true labels of all, and a first round."""
    folder = tmp_path_factory.mktemp("lab")
    counts = dict.fromkeys(("unlabeled", "validation", "test"), 0)
    cohort = read_cohort(write_phantom(folder / "all", spatial_size=(32, 32), labeled=9, **counts))
    (folder / "scans" / "labels").mkdir(parents=True)
    shutil.copytree(folder / "all" / "images", folder / "scans" / "images")
    for entry in cohort.labeled[:4]:
        shutil.copy(entry["label"], folder / "scans" / "labels")
    (folder / "scans" / "labels.json").write_text(json.dumps(dict(cohort.labels)))
    first = prepare_folder(folder / "scans", folder / "data1", wanted=Wanted(test=1))
    run("train", **paths(first, folder / "round1"), **ROUND, pairs_interval=0, compare=[])
    return folder


def _propose(lab, out, **options):
    places = {"run_dir": str(lab / "round1"), "output_dir": str(lab / out)}
    flow = workflow(
        "propose", kind="infer", **({"dataset_dir": str(lab / "data1")} | places | options)
    )
    flow.initialize()
    flow.run()
    return read_table(lab / out / "proposals.csv")


def test_two_rounds(lab):
    first = read_cohort(lab / "data1" / "dataset.json")
    rows = _propose(lab, "proposed", count=2)
    unlabeled = {entry["case"]: entry["image"] for entry in first.unlabeled}
    assert [row["by"] for row in rows] == ["network"] * 2
    assert {row["case"] for row in rows} < unlabeled.keys()
    _correct(lab, [row["case"] for row in rows], names=list(first.labels)[1:])
    wanted = Wanted(after=str(lab / "data1"))
    path = prepare_folder(lab / "scans", lab / "data2", wanted=wanted.check())
    second = read_cohort(path)
    assert second.labels == first.labels
    assert [entry["case"] for entry in second.test] == [entry["case"] for entry in first.test]
    labels = {entry["case"]: entry["label"] for entry in second.labeled}
    assert labels.keys() == {e["case"] for e in first.labeled} | {row["case"] for row in rows}
    for row in rows:
        truth = read_label(lab / "all" / "labels" / f"{row['case']}.nii.gz")
        assert torch.equal(read_label(labels[row["case"]]).as_tensor(), truth.as_tensor())
    options = ROUND | {"learning_rate": 0.0, "continue_from": str(lab / "round1")}
    run("train", **paths(path, lab / "round2"), **options, pairs_interval=0)
    _is_the_second_round(lab, labels)


def _correct(lab, cases, *, names):
    """The hidden truth in the place of the proposals, by hand as 3D Slicer writes it."""
    for case in cases:
        proposed = lab / "proposed" / "labels" / f"{case}.seg.nrrd"
        assert [segment.name for segment in read_segmentation(proposed).segments] == names
        image = lab / "scans" / "images" / f"{case}.nii.gz"
        found = TrainedRun.open(lab / "round1").segment(image)
        assert torch.equal(read_label(proposed).as_tensor(), found.as_tensor().long())
        truth = read_label(lab / "all" / "labels" / f"{case}.nii.gz")
        target = lab / "scans" / "labels" / proposed.name
        values = range(1, len(names) + 1)
        write_segments(
            target,
            truth.numpy(),
            affine=read(image).affine,
            structures=names,
            values=values,
        )


def _is_the_second_round(lab, labels):
    before, record = (read_record(lab / name) for name in ("round1", "round2"))
    assert (before["round"], record["round"]) == (1, 2)
    assert record["continued_from"]["path"] == str(lab / "round1")
    assert record["continued_from"]["round"] == 1
    assert record["labels_seen"] == sorted(labels)
    assert (record["compare"], before.get("continued_from")) == ([], None)
    ours, theirs = (torch.load(lab / name / "models" / "model.pt") for name in ("round2", "round1"))
    learned = [name for name, value in ours.items() if value.is_floating_point()]
    assert all(
        torch.allclose(ours[name], theirs[name]) for name in learned if "running" not in name
    )


def test_the_least_expected_dice_comes_first(lab, capsys):
    rows = _propose(lab, "trusted", count=3)
    assert "order: the least expected Dice first" in capsys.readouterr().out
    quality = Quality.of(TrainedRun.open(lab / "round1"))
    unlabeled = read_cohort(lab / "data1" / "dataset.json").unlabeled
    checked = {e["case"]: quality.check(e["image"], case=e["case"]) for e in unlabeled}
    wanted = sorted(checked, key=lambda case: checked[case].expected)[:3]
    assert [row["case"] for row in rows] == wanted
    for row in rows:
        own = checked[row["case"]]
        assert float(row["expected_dice"]) == pytest.approx(own.expected, abs=1e-4)
        assert row["flags"] == "; ".join(own.flags)


@pytest.fixture
def moves(lab, tmp_path):
    """The first round, as if its deformer had been trained."""
    folder = shutil.copytree(lab / "round1", tmp_path / "moves")
    path = folder / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {"registers": True}), encoding="utf-8")
    return folder


def test_a_run_that_registers_proposes_the_better_mask_in_the_order_of_its_own(lab, moves):
    alone = _propose(lab, "alone", count=3)
    rows = _propose(lab, "along", count=3, run_dir=str(moves))
    assert [row["case"] for row in rows] == [row["case"] for row in alone]
    for row, own in zip(rows, alone, strict=True):
        better = float(row["expected_dice"]) > float(own["expected_dice"])
        assert row["by"] == ("fields" if better else "network")
        assert better or row["expected_dice"] == own["expected_dice"]
        assert read_segmentation(lab / "along" / row["file"]).segments


def test_a_run_that_registers_says_that_it_proposes_without_fields(lab, moves, caplog):
    (moves / "quality.npz").unlink(missing_ok=True)
    run, options = TrainedRun.open(moves, device="cpu"), {"data": str(lab / "none.json")}
    for mode, lines in {"off": 0, "auto": 1}.items():
        weights = str(moves / "models" / "model.pt")
        options |= {"run_dir": str(moves), "weights": weights, "mode": mode}
        proposer_of(run.network, run.spec, **options)
        said = [own.getMessage() for own in caplog.records]
        assert sum("by the network alone" in line for line in said) == lines


def test_without_trust_numbers_the_least_agreement_comes_first(lab, capsys):
    (lab / "round1" / "quality.npz").unlink(missing_ok=True)
    rows = _propose(lab, "agreed", count=3, quality_data=str(lab / "none.json"))
    agreements = [float(row["agreement"]) for row in rows]
    assert "order: the least agreement first" in capsys.readouterr().out
    assert agreements == sorted(agreements)
    assert {row["expected_dice"] for row in rows} == {""}
    options = {"quality": "on", "quality_data": str(lab / "none.json")}
    _refused(r"which are not there \(.*none\.json\)", _propose, lab, "stopped", **options)
    assert not (lab / "stopped").exists()


def test_the_order_of_a_table_comes_first_and_names_itk_snap_reads_lie_beside(lab):
    cases = [entry["case"] for entry in read_cohort(lab / "data1" / "dataset.json").unlabeled][:2]
    table = lab / "order.csv"
    table.write_text("case,trust\n" + "".join(f"{case},0.1\n" for case in ("x", *cases[::-1])))
    options = {"order": str(table), "output_ext": ".nii.gz"}
    rows = _propose(lab, "snap", **options)
    assert [row["case"] for row in rows] == cases[::-1]
    label = read_label(lab / "snap" / "labels" / f"{cases[0]}.nii.gz")
    values = read_cohort(lab / "data1" / "dataset.json").labels.values()
    assert set(np.unique(label.numpy())) <= set(values)
    text = (lab / "snap" / "itksnap_labels.txt").read_text()
    assert [line.split()[0] for line in text.splitlines()[5:]] == [*map(str, values)]
    _refused("is there already", _propose, lab, "snap", **options)
    table.write_text("case\nx\n")
    _refused(r"order\.csv: names none of the 5 scans", _propose, lab, "other", **options)
    assert not (lab / "other").exists()


def _refused(message, function, *arguments, **options):
    """What MONAI wraps is one of our errors."""

    def call():
        try:
            function(*arguments, **options)
        except Exception as error:
            raise input_error_in(error) from None

    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": [8, 16]}, "round1: trained with channels"),
        ({"pretrained": "round1"}, "got .*round1 beside pretrained round1"),
    ],
)
def test_a_round_of_another_network_is_refused(lab, options, message):
    places = paths(lab / "data1" / "dataset.json", lab / "other_round")
    given = places | ROUND | options | {"continue_from": str(lab / "round1")}
    _refused(message, run, "train", **given)
    assert not (lab / "other_round" / "run.json").exists()
