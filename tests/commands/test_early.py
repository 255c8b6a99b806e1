"""What is wrong for certain is said before anything heavy is imported, in the words of the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from gemini_monai.base import presence
from gemini_monai.base.errors import InputError
from gemini_monai.commands.parser import build_parser
from gemini_monai.configuration import check_configuration
from gemini_monai.configuration.overrides import RUN_ARGUMENTS, read_configuration
from gemini_monai.data.prepare.split import Wanted
from gemini_monai.images import find_images
from gemini_monai.report import write_report
from gemini_monai.weights import package_bundle, read_card
from tests.bundles.runs import CONFIGS
from tests.commands.calls import leaves, refused, used_run
from tests.conftest import ROOT

HEAVY = ("torch", "monai", "nibabel", "scipy", "matplotlib", "numpy")
CODE = f"""
import contextlib, io, json, os, sys
from gemini_monai.commands import main

os.execve = lambda *words: sys.exit("the run was started")
found = {{}}
for words in json.load(sys.stdin):
    sys.argv, told = ["gemini", *words.split()], io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code
    found[words] = [code, told.getvalue(), [own for own in {HEAVY} if own in sys.modules]]
print(json.dumps(found))
"""
NO_FILE, NO_RUN, NO_DATA = "no such file", "no such run folder", "no such file; prepare the data"
NO_WEIGHTS = "no such weights file; train first or give another path"
DOORS = {
    "segment RUN none OUT": "error: none: no such folder",
    "segment RUN images OUT --overlap 7": "error: key 'overlap': expected a number",
    "segment RUN images OUT --overlp 0.5": "has no key 'overlp'; did you mean 'overlap'?",
    "segment RUN images OUT --spacing 2": "has no key 'spacing'; did you mean 'spec#spacing'?",
    "register RUN images images OUT --foreground True": "did you mean 'spec#foreground'?",
    "register RUN OUT": "expected RUN MOVING FIXED OUT, or RUN OUT --pairs LIST; got RUN and OUT",
    "register RUN images images OUT --pairs images": "got RUN and images, images, OUT",
    "segment RUN images OUT --output_ext .foo": "key 'output_ext': expected one of .nii.gz, .nii,",
    "segment RUN images OUT --weights none.pt": f"error: none.pt: {NO_WEIGHTS}",
    "segment RUN images OUT --overlay none.json": "none.json: no such configuration file",
    "segment EMPTY images OUT": "EMPTY: not a run folder, EMPTY/run.json is missing",
    "segment BARE images OUT": f"BARE/models/model.pt: {NO_WEIGHTS}",
    "segment RUN images OUT --output_ext .png --probabilities True": ".png holds no probabilities",
    "segment RUN images OUT --output_ext=.dcm --probabilities": ".dcm holds no probabilities; give",
    "segment RUN images OUT --quality x": "error: key 'quality': expected one of off, auto, on",
    "trust none": NO_RUN,
    "trust PRE": "PRE: a run for pre-training, expected one for segmentation",
    "trust RUN --data none": NO_DATA,
    "check RUN images": "check: expected RUN IMAGES MASKS OUT",
    "check RUN none images OUT": "error: none: no such folder",
    "check images images images OUT": "images: not a run folder, images/run.json is missing",
    "segment RUN images OUT --flips x": "error: key 'flips': expected True or False, got 'x'",
    "segment RUN images OUT --fill_holes heart": "key 'fill_holes': expected a list of 0 or more",
    "segment [] images OUT": "error: no run is given, expected a list such as ['runs/a','runs/b']",
    "segment ['RUN','none'] images OUT": f"error: none: {NO_RUN}",
    "segment ['RUN','PRE'] images OUT": "PRE: a run for pre-training, expected one for segmentat",
    "segment ['RUN','LUNG'] images OUT": "LUNG: has structures ['lung'], but RUN has None; runs of",
    "segment ['RUN','RUN'] images OUT --weights RUN/models/model.pt": "has no key 'weights'",
    "segment ['RUN','RUN'] none OUT": "error: none: no such folder",
    "segment PRE images OUT": "PRE: a run for pre-training, expected one for segmentation",
    "register RUN none.nii images OUT": f"error: none.nii: {NO_FILE}",
    "register RUN images images OUT --moving_label none.nii": f"error: none.nii: {NO_FILE}",
    "register RUN images images OUT --refine -1": "error: key 'refine': expected a whole number",
    "register ALONE images images OUT": "which trains no displacement field",
    "landmark none images images images OUT": f"error: none: {NO_RUN}",
    "landmark RUN none.nii images images OUT": f"error: none.nii: {NO_FILE}",
    "landmark RUN images none.csv images OUT": f"error: none.csv: {NO_FILE}",
    "landmark RUN images images none OUT": "error: none: no such folder",
    "landmark RUN images images images OUT --output_ext .nii": "expected one of .mrk.json, .fcsv,",
    "landmark RUN images images images OUT --tolerance 0": "error: key 'tolerance': expected a num",
    "landmark ALONE images images images OUT": "which trains no displacement field",
    "propose none images OUT": f"error: none: {NO_RUN}",
    "propose RUN none OUT": "error: none: no such folder",
    "propose RUN images OUT --count 0": "error: key 'count': expected a whole number, 1 or more",
    "propose RUN images OUT --order none.csv": f"error: none.csv: {NO_FILE}",
    "propose RUN images OUT --output_ext .nii": "expected one of .seg.nrrd, .nii.gz",
    "propose PRE images OUT": "PRE: a run for pre-training, expected one for segmentation",
    "evaluate none": f"error: none: {NO_RUN}",
    "evaluate RUN --datalist none.json": f"error: none.json: {NO_DATA}",
    "evaluate RUN --dataset_dir none": f"error: none/dataset.json: {NO_DATA}",
    "probe none DST": f"error: none: {NO_RUN}",
    "probe RUN none": f"error: none/dataset.json: {NO_DATA}",
    "train semi none": f"error: none/dataset.json: {NO_DATA}",
    "train mip none": f"error: none/dataset.json: {NO_DATA}",
    "train semi --epochs 0": "error: key 'epochs': expected a whole number, 1 or more, got 0",
    "train semi --epochs=2 --val_interval 3": "key 'val_interval': 3 is above epochs 2",
    "train semi --val_interval 17": "error: key 'val_interval': 17 is above epochs 16",
    "train semi --augmentation hevy": "key 'augmentation': expected one of none, light, strong,",
    "train semi --epoch 3": "has no key 'epoch'; did you mean 'epochs'?",
    "train semi --pretrained none.pt": f"error: none.pt: {NO_WEIGHTS}",
    "train semi --continue_from none": f"error: none: {NO_RUN}",
    "train semi --continue_from BARE": f"error: BARE/models/model.pt: {NO_WEIGHTS}",
    "prepare folder images OUT --after none": f"error: none/dataset.json: {NO_DATA}",
    "train semi --method none": "error: --method: expected one of abd,",
    "finetune none --pretrained none": f"error: none/dataset.json: {NO_DATA}",
    "finetune --pretrained none.pt": f"error: none.pt: {NO_WEIGHTS}",
    "cost semi none": f"error: none/dataset.json: {NO_DATA}",
    "cost mip none": f"error: none/dataset.json: {NO_DATA}",
    "cost finetune none": f"error: none/dataset.json: {NO_DATA}",
    "export none new.pt": f"error: none: {NO_RUN}",
    "export BARE new.pt": f"error: BARE/models/model.pt: {NO_WEIGHTS}",
    "export RUN RUN/run.json": "error: RUN/run.json: is there already",
    "export RUN new.pt --part encoder --format nnunet": "error: --part encoder: nnU-Net takes",
    "plans none.json new.json": f"error: none.json: {NO_FILE}",
    "inspect none.pt": f"error: none.pt: {NO_WEIGHTS}",
    "push none.pt owner/name": f"error: none.pt: {NO_WEIGHTS}",
    "pull owner/name RUN/run.json": "error: RUN/run.json: is there already",
    "package none RUN": "metadata.json: no such file; expected a bundle's folder",
    "package bundles/gemini_semi none": f"error: none: {NO_RUN}",
    "bundle none": "error: no bundle 'gemini_none'; there are gemini_mip, gemini_semi",
    "package other/gemini_mip RUN": "'s folder; 'gemini bundle mip' copies that bundle here",
    "check bundles/gemini_semi/x.json": "no such configuration file; 'gemini bundle semi' copies",
    "report none": f"error: none: {NO_RUN}",
    "report RUN EMPTY": "error: EMPTY: not a run folder, EMPTY/run.json is missing",
    "check none.json": "error: none.json: no such configuration file",
    "check bundles/gemini_semi/configs/train.json,none.json": "error: none.json: no such conf",
    "benchmark few_labels none --output OUT": f"error: none/dataset.json: {NO_DATA}",
    "compare none RUN --output OUT": f"error: none/dataset.json: {NO_DATA}",
    "compare DST none.pt --output OUT": f"error: none.pt: {NO_WEIGHTS}",
    "compare DST none --output OUT": "error: compare: no start given but none; give a run or",
    "compare DST RUN a=RUN a=PRE --output OUT": "the name 'a' is another start's; give NAME=PRE",
    "compare DST RUN --output OUT --draws 0": "error: --draws: expected a whole number, 1 or more",
    "benchmark many DST --output OUT": "error: suite: expected one of few_labels, pretraining",
    "benchmark few_labels DST --output OUT --methods ['non']": "error: --methods: expected one of",
    "choose none 5": f"error: none/dataset.json: {NO_DATA}",
    "choose images 5": f"error: images/dataset.json: {NO_DATA}",
    "choose DST 0": "error: N: expected a whole number, 1 or more, got 0",
    "choose DST 5 --strategy x": "error: --strategy: expected one of k_medoids, typical,",
    "choose DST 5 --features x": "error: --features: expected one of thumbnail, histogram,",
    "choose DST 5 --unused_labels x": "error: --unused_labels: expected one of count, choose",
    "choose DST 5 --pretrained none.pt": f"error: none.pt: {NO_WEIGHTS}",
    "choose DST 5 --pretrained RUN --features histogram": "error: --pretrained is for --features",
    "prepare folder images OUT --labeled_from none.csv": f"error: none.csv: {NO_FILE}",
    "nnunet none --minutes 3 --output_dir OUT": f"error: none/dataset.json: {NO_DATA}",
    "nnunet DST --output_dir OUT": "error: --minutes or --iterations: give one of them",
    "nnunet DST --output_dir OUT --minutes 0": "error: --minutes: expected a number, above 0",
    "analyze track RUN there": "error: there/track.csv: is there already",
    "analyze embed none DST OUT": f"error: none: {NO_RUN}",
    "analyze gap none.csv none.csv OUT": f"error: none.csv: {NO_FILE}",
    "analyze noise none OUT": f"error: none/dataset.json: {NO_DATA}",
    "analyze pairs RUN none OUT": f"error: none/dataset.json: {NO_DATA}",
    "analyze partners none DST OUT": f"error: none: {NO_RUN}",
    "analyze reliability RUN none OUT": f"error: none: {NO_RUN}",
    "analyze track none OUT": f"error: none: {NO_RUN}",
    "completion fish": "error: argument SHELL: invalid choice: 'fish'",
    "prepare phantom OUT --spatial_dims 5": "error: spatial_dims: expected a whole number, 2 to 3",
    "prepare folder images OUT --labeled x": "error: --labeled: expected a whole number, 0 or more",
    "prepare folder images OUT --spacing 1": "error: --spacing: expected a list of 2 or more",
    **{
        f"prepare {name} none OUT": "error: none: no such folder"
        for name in "folder decathlon heart_ct scr kipa22 candi chestxray8 ppmi".split()
    },
}
"""By words: how the error begins, or a part of it."""
ALONE = {"viewer"}
"""Commands without a word that could be wrong."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working directory with bundles, runs, images and a data set."""
    folder = tmp_path_factory.mktemp("doors")
    (folder / "bundles").symlink_to(ROOT / "bundles")
    for name in ("EMPTY", "images", "DST"):
        (folder / name).mkdir()
    (folder / "there").mkdir()
    (folder / "there" / "track.csv").touch()
    (folder / "DST" / "dataset.json").write_text("{}")
    used_run(folder / "RUN", bundle="gemini_semi", dataset={"path": "/gone/dataset.json"})
    used_run(folder / "PRE", task="pre-training")
    used_run(folder / "LUNG", settings={"structures": ["lung"]})
    used_run(folder / "ALONE", method="supervised", registers=False)
    (used_run(folder / "BARE") / "models" / "model.pt").unlink()
    return folder


@pytest.fixture(scope="module")
def told(place):
    """Exit code, stderr and heavy modules after each call, all of one process."""
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        input=json.dumps(list(DOORS)),
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("words", DOORS)
def test_an_error_of_the_words_imports_nothing_heavy(told, words):
    code, error, heavy = told[words]
    assert (code, error.count("\n"), heavy) == (1, 1, [])
    assert DOORS[words] in error


def test_every_command_has_a_call_above():
    every = {" ".join(words) for words, _ in leaves(build_parser())}
    assert {one for one in every if not any(f"{w} ".startswith(f"{one} ") for w in DOORS)} == ALONE


def _said(function, *arguments, **options):
    with pytest.raises(InputError) as raised:
        function(*arguments, **options)
    return str(raised.value)


def test_the_words_are_those_of_whoever_opens_the_file(place, monkeypatch, told):
    monkeypatch.chdir(place)
    later = {
        "segment RUN none OUT": _said(find_images, "none"),
        "check none.json": _said(read_configuration, "none.json"),
        "inspect none.pt": _said(read_card, "none.pt"),
        "package none RUN": _said(package_bundle, "none", "RUN"),
        "report none": _said(write_report, ["none"]),
        "report RUN EMPTY": _said(write_report, ["EMPTY"]),
        "train semi --epoch 3": _said(check_configuration, str(CONFIGS / "train.json"), epoch=3),
        "prepare folder images OUT --labeled x": _said(Wanted(labeled="x").check),
        "prepare folder images OUT --spacing 1": _said(Wanted(spacing=1).check),
    }
    for words, text in later.items():
        assert told[words][1] == f"error: {text}\n"


def test_keys_of_monais_run_are_no_keys_of_a_configuration():
    from gemini_monai.base import ids

    assert list(ids.RUN_ARGUMENTS) == list(RUN_ARGUMENTS)


@pytest.mark.parametrize(
    "words",
    [
        ["--optimiser", "x", "--train#trainer#optimizer", "@optimiser"],
        ["--epochs", "$2+1"],
        ["--channels", "@backbone#channels"],
        ["--tracking", "mlflow", "--experiment_name", "x"],
        ["--device", "cuda:1"],
        ["--augmentation", "$'light'"],
        ["--augmentation", "own", "--augmentations#own", "{}"],
        ["--epochs#x", "3"],
        ["--out_channels", "x"],
    ],
)
def test_what_only_the_run_can_know_is_left_to_it(monkeypatch, place, words):
    from gemini_monai.commands import early

    monkeypatch.chdir(place)
    early.refuse_early([CONFIGS / "train.json"], words, places={})


def test_a_bundles_name_stands_for_its_weights(monkeypatch, tmp_path):
    from gemini_monai.commands.early import refuse_absent_pretrained

    monkeypatch.chdir(tmp_path)
    (tmp_path / "bundles" / "here").mkdir(parents=True)
    refuse_absent_pretrained("here")
    monkeypatch.setattr(presence.sys.modules["torch"].hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "bundle" / "there").mkdir(parents=True)
    refuse_absent_pretrained("there")


def test_a_device_that_is_none_is_said_by_name(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    said = refused(monkeypatch, capsys, "train", "semi", "--device", "nothere")
    assert said == "error: key 'device': 'nothere' is no device, try cpu, cuda or mps"
