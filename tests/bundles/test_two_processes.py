"""Two processes that train together: own images, one network, one writer."""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess

import pytest
import torch

from gemini_monai.base.errors import InputError
from gemini_monai.configuration import start, start_together
from gemini_monai.engines.processes import process_device, share_of
from tests.bundles.doubled import EXACT, doubled_state
from tests.bundles.runs import CONFIGS, SMALL, command, overrides_of, paths
from tests.bundles.two_processes import TOGETHER, score
from tests.conftest import ROOT
from tests.pages import Page
from tests.preloaded import interpreter


def _together(*arguments, processes=2, cwd=ROOT):
    words = [interpreter(), "-m", "torch.distributed.run", "--standalone"]
    words += [f"--nproc_per_node={processes}", "-m", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        words, env=environment, cwd=cwd, capture_output=True, text=True, timeout=600
    )


@pytest.fixture(scope="module")
def in_two_processes(datasets, tmp_path_factory):
    """Folder and findings of each case, trained together under gloo."""
    output = tmp_path_factory.mktemp("two") / "found.json"
    names = json.dumps({dims: str(path) for dims, path in datasets.items()})
    done = _together("tests.bundles.two_processes", names, output, output.parent)
    assert done.returncode == 0, done.stderr[-3000:]
    return output.parent, json.loads(output.read_text())


@pytest.mark.parametrize("case", TOGETHER, ids=str)
def test_two_processes_stay_equal(in_two_processes, case):
    found = in_two_processes[1][str(case)]
    assert found == {"other_images": True, "equal_at_the_end": True, "moved": True}


@pytest.mark.parametrize("case", EXACT, ids=str)
def test_they_come_to_what_one_does_with_the_images_of_both(
    in_two_processes, datasets, case, tmp_path
):
    found = torch.load(in_two_processes[0] / f"{case}.pt", weights_only=True)
    expected = doubled_state(case, datasets, tmp_path)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_a_step_that_is_bad_in_one_is_left_out_in_both(in_two_processes):
    found = in_two_processes[1]["skipped"]
    assert list(found["steps"].values()) == [1]
    assert found["equal_at_the_end"]


def test_shares_of_the_test_cases_are_scored_as_all_of_them(in_two_processes, tiny_phantom):
    folder = in_two_processes[0]
    score(tiny_phantom, folder, "alone")
    for name in ("segmentation.json", "registration.csv"):
        alone, together = ((folder / own / "test" / name) for own in ("alone", "together"))
        assert alone.read_text() == together.read_text()
    alone, together = (folder / own / "test" for own in ("alone", "together"))
    table = (alone / "segmentation.csv").read_text().replace("/alone/", "/together/")
    assert table == (together / "segmentation.csv").read_text()
    assert len(list((folder / "together" / "test" / "predictions").iterdir())) > 1


def test_more_processes_than_cases_are_refused(monkeypatch):
    monkeypatch.setattr("gemini_monai.engines.processes.process_count", lambda: 3)
    with pytest.raises(InputError, match=r"3 processes, but 2 test case\(s\); start as many as"):
        share_of(["a", "b"])


def test_the_pages_command_trains_tests_compares_and_goes_on(tiny_phantom, tmp_path):
    folder = tmp_path / "run"
    page = Page(ROOT / "docs" / "how_to" / "more_than_one_gpu.md")
    words = shlex.split(page.fences["command", "together"])
    assert words[:3] == ["torchrun", "--nproc_per_node=2", "-m"]
    run = words[3 : words.index("--output_dir")]
    given = overrides_of(paths(tiny_phantom, folder) | SMALL)
    done = _together(*run, *given)
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads((folder / "run.json").read_text())
    assert (record["processes"], record["compare"]) == (2, ["supervised"])
    assert (folder / "supervised" / "test" / "segmentation.csv").is_file()
    assert done.stdout.count("Report:") == 2  # of the run and of its arm, each told once
    more = {"epochs": 3, "resume": True, "compare": [], "memory": "low"}
    again = _together(*run, *given, *overrides_of(more))
    assert again.returncode == 0, again.stderr[-3000:]
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["iteration"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    alone = command(*run[1:4], CONFIGS / "train.json", *given, *overrides_of(more))
    assert "trained with processes 2, now not set" in alone.stderr


def test_several_processes_without_the_overlay_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match=r"WORLD_SIZE is 2, .* put multi_gpu_train\.json last"):
        start()  # before it looks for a configuration


def test_the_overlay_without_several_processes_is_refused(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(InputError, match="start them by torchrun --nproc_per_node=GPUS"):
        start_together()


def test_each_process_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    for there, expected in ((0, torch.device("cpu")), (2, torch.device("cuda", 1))):
        monkeypatch.setattr(torch.cuda, "device_count", lambda there=there: there)
        assert process_device() == expected
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match="process 1 of this machine has no GPU: there are 1"):
        process_device()
