"""The pages of docs: their commands and code run as written on small data, and the site builds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from benchmarks import work
from gemini_monai import Run
from gemini_monai.images import read
from gemini_monai.networks import Gemini
from tests.conftest import ROOT
from tests.data.prepare.made import folder, image, label, save
from tests.images.dicom import write_slices
from tests.images.enhanced import segment_points, turned, write_enhanced
from tests.networks import nnunet
from tests.pages import Page
from tests.report.synthetic_run import write_run

DOCS = ROOT / "docs"


@pytest.fixture
def place(tmp_path):
    """A working directory like the root of a clone, with small scans, and data prepared."""
    (tmp_path / "bundles").symlink_to(ROOT / "bundles")
    folder(tmp_path, images=9, labels=6, shape=(32, 32)).rename(tmp_path / "scans")
    return tmp_path


def _prepared(place):
    Page.run_line("gemini prepare folder scans data --labeled 5", place)


def test_the_tutorial(place):
    (place / "scans").rename(place / "unused")
    page = Page(DOCS / "tutorial.md")
    commands = ["scans", "prepare", "train", "report", "segment", "register", "evaluate"]
    assert page.commands() == commands
    printed = {name: page.run(name, place) for name in commands}
    shown = page.text.split("```text\n")[1].split("```")[0]
    assert shown in printed["prepare"]
    runs = place / "runs"
    for left in ("first/report.html", "both.html", "scores/test/segmentation.csv"):
        assert (runs / left).is_file(), left
    assert len(list((runs / "labels").iterdir())) == 85
    names = {path.name for path in (runs / "fields").iterdir()}
    assert {"registration.csv", "subject_000_to_subject_001_field.nii.gz"} < names
    assert len(names) == 4  # the warped label too


def test_own_scans(place):
    page = Page(DOCS / "how_to" / "own_data.md")
    for name in page.commands():
        page.run(name, place)
    assert len(list((place / "labels").iterdir())) == 9
    run = json.loads((place / "runs/small/run.json").read_text())
    assert run["settings"]["spatial_size"] == [32, 32]
    assert run["settings"]["intensity"]["kind"] == "range"
    assert (place / "runs/both/supervised/run.json").is_file()


def test_registering_well(place):
    _prepared(place)
    page = Page(DOCS / "how_to" / "registration.md").write_files(place)
    assert page.commands() == ["train", "register"]
    told = [page.run(name, place) for name in page.commands()][-1]
    assert "landmarks are" in told
    written = set(re.findall(r"^\| `(\S+)` \|", page.text, re.M))
    assert {path.name for path in (place / "fields").iterdir()} == written


def test_dicom_in_and_out(place):
    shutil.rmtree(place / "scans")
    images = place / "scans" / "images"
    for k in range(9):
        source = _dicom_scan(images, k, image(k, (12, 10, 8)).T.astype(np.int16))
        if k < 6:
            path = place / "scans" / "labels" / f"patient{k}.nii.gz"
            save(path, label((12, 10, 8)), affine=np.asarray(read(source).affine))
    page = Page(DOCS / "how_to" / "dicom.md")
    page.run("train", place)
    page.run("segment", place)
    opened = Run.open(place / "runs/own")
    assert len(list((place / "segments").iterdir())) == 9
    for source in (images / "patient0", images / "patient1.dcm", images / "patient2"):
        found = opened.segment(source)
        points = segment_points(place / "segments" / f"{source.stem}.dcm")
        assert list(points) == list(opened.structures.values())
        for value, name in opened.structures.items():
            lps = np.array(sorted(points[name])).reshape(-1, 3) / 1000
            steps, origin = np.asarray(found.affine)[:3, :3], np.asarray(found.affine)[:3, 3]
            voxels = np.round((lps * [-1, -1, 1] - origin) @ np.linalg.inv(steps).T).astype(int)
            assert {*map(tuple, voxels)} == {*map(tuple, np.argwhere(found[0].numpy() == value))}
    assert any(points.values())


def _dicom_scan(folder, number, values):
    """A series, an enhanced file, or a folder with one, of frames in any order."""
    axes = turned(number)
    order = np.random.default_rng(number).permutation(len(values))
    places = [2.0 * k * axes[:, 2] for k in range(len(values))]
    path = folder / f"patient{number}"
    if number % 3 == 0:
        return write_slices(path, values, places, direction=axes)
    file = folder / f"patient{number}.dcm" if number % 3 == 1 else path / "1.dcm"
    write_enhanced(file, values[order], [places[k] for k in order], direction=axes)
    return file if number % 3 == 1 else path


def test_another_backbone(place):
    page = Page(DOCS / "how_to" / "another_backbone.md").write_files(place)
    _prepared(place)
    page.run("train", place)
    state = torch.load(place / "runs/basic_unet/models/model.pt", weights_only=True)
    assert "backbone.conv_0.conv_0.conv.weight" in state
    assert len(list((place / "labels").iterdir())) == 9
    assert (place / "basic_unet.pt").is_file()
    page.run("transunet", place)
    state = torch.load(place / "runs/transunet/models/model.pt", weights_only=True)
    assert state["backbone.bottleneck.position"].shape == (1, 192, 14, 14)
    page.execute(page.code()[-1], place)


def _tried():
    text = (DOCS / "how_to" / "another_backbone.md").read_text()
    return re.findall(r"^\| `(\w+)` \| `(\{.*\})` \| (\d+) \|$", text, re.M)


@pytest.mark.parametrize(("name", "arguments", "multiple"), _tried())
def test_backbones_that_were_tried(name, arguments, multiple):
    known = {"spatial_dims": 2, "in_channels": 1, "out_channels": 4, **json.loads(arguments)}
    theirs = ConfigParser({"net": {"_target_": name, **known}}).get_parsed_content("net")
    network = Gemini(2, 1, 3, backbone=theirs, feature_channels=4, backbone_multiple=int(multiple))
    images = torch.rand(2, 1, 36, 44)
    assert network(images).shape == (2, 3, 36, 44)
    network.correspond(images).ddf_ab.square().mean().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in theirs.parameters())


def test_there_are_backbones_in_the_table():
    assert len(_tried()) >= 5


def test_the_backbone_elsewhere(place):
    page = Page(DOCS / "how_to" / "backbone_elsewhere.md")
    assert '"part": "backbone"' in page.run("export", place)
    ours, theirs = page.code()
    page.execute(ours.replace("(16, 32, 64, 128)", "(4, 8)"), place)
    assert page.execute(theirs, place)["logits"].shape == (1, 3, 64, 64)
    page.run("finetune", place)
    assert (place / "curves.html").is_file()


def test_to_nnunet(place):
    pytest.importorskip(nnunet.PACKAGE, reason="heavy: pip install 'gemini_monai[nnunet]'")
    raw = place / "nnUNet_raw" / "Dataset501_Tiny"
    for k in range(7):
        save(raw / "imagesTr" / f"case_{k}_0000.nii.gz", image(k, (16, 12, 8)))
        if k < 5:
            save(raw / "labelsTr" / f"case_{k}.nii.gz", label((16, 12, 8)))
    plan = {"network_class_name": nnunet.PLAIN, "arch_kwargs": nnunet.ARCHITECTURE}
    plans = {"configurations": {"3d_fullres": {"spacing": [1, 1, 1], "architecture": plan}}}
    path = place / "nnUNet_preprocessed" / "Dataset501_Tiny" / "nnUNetPlans.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(plans))
    printed = Page(DOCS / "how_to" / "nnunet.md").run("there", place)
    assert '"_target_": "gemini_monai.networks.NnUNetBackbone"' in printed
    saved = torch.load(place / "gemini.pth", weights_only=True)
    assert "decoder.transpconvs.0.weight" in saved["network_weights"]


def test_a_new_method(place):
    page = Page(DOCS / "how_to" / "new_method.md").write_files(place)
    _prepared(place)
    assert page.run("train", place).startswith("ok: objectives#consistency#weight")
    history = (place / "runs/teacher/history.csv").read_text().splitlines()
    assert history[0] == "iteration,loss,dice,cross_entropy,consistency"
    last = [float(value) for value in history[-1].split(",")]
    assert last[-1] > 0
    page.run("compare", place)
    assert (place / "runs/compared/mean_teacher/run.json").is_file()
    found = page.execute(page.code()[-1], place)
    network, objective = found["network"], found["learner"].objectives["teacher"]
    before = [p.clone() for p in objective.teacher.parameters()]
    objective.after_step(network)
    for old, own, new in zip(
        before, objective.teacher.parameters(), network.parameters(), strict=True
    ):
        assert not own.requires_grad
        torch.testing.assert_close(own, 0.99 * old + 0.01 * new)


def test_a_new_data_set(place):
    page = Page(DOCS / "how_to" / "new_data_set.md").write_files(place)
    for k in range(10):
        patient = place / "clinic" / f"P{k:02d}"
        save(patient / "scan.nii.gz", image(k, (16, 16)))
        if k < 7:
            save(patient / "organs.nii.gz", label((16, 16)))
    page.run("train", place)
    run = json.loads((place / "runs/clinic/run.json").read_text())
    assert run["dataset"]["structures"] == ["liver", "spleen"]
    assert run["settings"]["pairing"] == "separate"
    assert json.loads((place / "prepared/dataset.json").read_text())["source"] == "clinic"


def test_transforms_of_ones_own(place):
    page = Page(DOCS / "concepts" / "preprocessing.md").write_files(place)
    _prepared(place)
    page.run("train", place)
    assert len(list((place / "labels").iterdir())) == 9
    Page.run_line("! gemini segment runs/equalized scans/images other", place)
    assert not (place / "other").exists()


@pytest.mark.parametrize("row", ["2-D, default", "3-D, default"])
def test_the_table_of_costs_is_what_is_counted(row):
    page = Page(DOCS / "concepts" / "cost.md")
    assert f"| {row} | {' | '.join(work.count(*work.ROWS[row]).cells())} |" in page.text


def test_the_picture_of_costs_has_what_was_measured(tmp_path, monkeypatch):
    cost = work.Cost(
        1_000_000, backbone=1, deformer=1, pair=1, labeled=1, held_pair=1, held_labeled=1
    )
    monkeypatch.setattr(work, "count", lambda dims, channels: cost)
    work.plot(str(tmp_path / "cost.png"), str(DOCS / "concepts" / "gpu.json"))
    assert (tmp_path / "cost.png").stat().st_size > 10_000


def test_one_run_per_device(place):
    _prepared(place)
    Page(DOCS / "how_to" / "more_than_one_gpu.md").run("seeds", place)
    assert (place / "seeds.html").is_file()


def test_from_python(place):
    run, loop = Page(DOCS / "how_to" / "python.md").code()
    _prepared(place)
    Page.run_line("gemini train semi data --output_dir runs/own --spatial_size '[32,32]'", place)
    names = Page.execute(run, place)
    assert names["labels"].shape[0] == 1
    assert names["pair"].displacement.shape[0] == 2
    Page.execute(loop, place)
    assert "encoder.0.0.conv.weight" in torch.load(place / "backbone.pt", weights_only=True)
    assert len([line for line in loop.splitlines() if line and "import" not in line]) <= 15


def test_a_federated_client(place):
    _prepared(place)
    page = Page(DOCS / "how_to" / "clients.md")
    small = '"epochs": 2, "epoch_length": 1, "channels": [4, 8], "compare": [],'
    code = page.code()[0].replace('"epochs": 2,', small)
    page.execute(code, place)
    rows = (place / "runs/site/history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["iteration", "1", "2"]


def test_the_script_of_a_cluster_starts_and_goes_on(place):
    _prepared(place)
    page = Page(DOCS / "how_to" / "cluster.md")
    assert "starts at the beginning" in page.run("slurm", place)
    rows = (place / "runs/cluster/history.csv").read_text()
    assert "starts at the beginning" not in page.run("slurm", place)
    assert (place / "runs/cluster/history.csv").read_text() == rows


def test_the_example_trains_from_python(place):
    code = (ROOT / "examples" / "train_from_python.py").read_text()
    small = {
        "spatial_size=(96, 96)": "spatial_size=(32, 32)",
        '{"epochs": 6, "epoch_length": 50,': '{"epochs": 2, "epoch_length": 2, "channels": [4, 8],',
    }
    for now, then in small.items():
        assert code.count(now) == 1
        code = code.replace(now, then)
    (place / "train_from_python.py").write_text(code)
    printed = Page.run_line("python train_from_python.py", place)
    assert re.search(r"^iteration +4  loss \d+\.\d\d$", printed, re.M)
    assert re.search(r"^ +heart  Dice \d+\.\d %$", printed, re.M)


def _imports():
    """Rooms that each room imports from, also within functions."""
    root = ROOT / "gemini_monai"
    found = {p.stem: set() for p in root.iterdir() if p.suffix in ("", ".py") and p.name[0] != "_"}
    for path in root.rglob("*.py"):
        room = path.relative_to(root).parts[0].removesuffix(".py")
        lines = re.findall(
            r"^ *from gemini_monai(?:\.(\w+)[\w.]*)? import (.+)", path.read_text(), re.M
        )
        for module, names in lines if room in found else ():
            found[room] |= {module} if module else set(re.findall(r"\w+", names)) & set(found)
    return {room: rooms - {room} for room, rooms in found.items()}


def test_an_analysis(place):
    for name in ("first", "second"):
        write_run(place / "runs" / name)
    assert "Pearson's r" in Page(DOCS / "analyses.md").run("reliability", place)
    assert (place / "agreement" / "reliability.png").is_file()


def test_rooms_import_only_what_the_table_says_and_from_above():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([^|]+) \|$", text, re.M)
    table = {room: set(re.findall(r"`(\w+)`", rooms)) for room, rooms in rows}
    rooms, imports = list(table), _imports()
    assert set(rooms) == set(imports)
    for place, room in enumerate(rooms):
        assert imports[room] <= table[room] <= set(rooms[:place]), room
    said = (ROOT / "gemini_monai" / "__init__.py").read_text().split('"""')[1]
    parts = ("streams", "prepare")
    assert [name for name in re.findall(r"``(\w+)``", said) if name not in parts] == rooms


def test_the_site_builds_without_a_warning(tmp_path):
    site = tmp_path / "site"
    words = ["-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},  # an advertisement
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "WARNING" not in done.stderr
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=\"?([^\" >]+)", page.read_text()
        )
        assert not [address for address in loaded if re.match(r"(https?:)?//", address)], page
