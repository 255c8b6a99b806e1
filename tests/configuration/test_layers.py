"""Keys of overlays: known, referred to, or refused with the nearest; in files and in Python."""

from __future__ import annotations

import json
import sys

import pytest

from gemini_monai.base.errors import InputError, input_error_in
from gemini_monai.configuration import check_configuration, refuse_unknown_overrides
from gemini_monai.configuration.arguments import ANY, Arguments
from gemini_monai.configuration.arms import refuse_unknown_arms
from gemini_monai.configuration.layers import ConfigurationLayer, Overlaid
from tests.bundles.runs import BUNDLE, CONFIGS, MIP, files, workflow

TRAIN, FINETUNE = str(CONFIGS / "train.json"), str(MIP / "configs" / "finetune.json")
SGD = {"_target_": "torch.optim.SGD", "params": "$@learner.trainable()", "lr": 0.1}


def _written(folder, content, name="own.json"):
    path = folder / name
    path.write_text(json.dumps(content))
    return str(path)


UNKNOWN = [
    ({"optimiser": SGD}, "no key 'optimiser'; did you mean 'optimizer'?"),
    ({"schedular": {"_target_": "x.Y"}}, "no key 'schedular'; did you mean 'scheduler'?"),
    ({"random_transform": []}, "no key 'random_transform'; did you mean 'random_transforms'?"),
    ({"befor": [{"_target_": "Flipd", "keys": "image"}]}, "no key 'befor'; did you mean 'before'"),
    ({"+objective": {"homeomorphism": None}}, "no key 'objective'; did you mean 'objectives'?"),
    ({"+objectives": {"homeomorphsm": None}}, "did you mean 'objectives#homeomorphism'?"),
    ({"objectives#contrst": None}, "did you mean 'objectives#contrast'?"),
    ({"train#trainer#amq": True}, "no key 'train#trainer#amq'; did you mean 'train#trainer#amp'?"),
    ({"train::trainer::amq": True}, "no key 'train#trainer#amq'"),
    ({"train#trainr#amp": True}, "no key 'train#trainr#amp'; did you mean 'train#trainer#amp'?"),
    ({"train": {"trainr": {"amp": True}}}, "no key 'train#trainr'; did you mean 'train#trainer'"),
    ({"+train": {"handler": []}}, "no key 'train#handler'; did you mean 'train#handlers'?"),
    ({"+test": {"folderr": "x"}}, "no key 'test#folderr'; did you mean 'test#folder'?"),
    ({"train#handlers#99": {"_target_": "Flipd", "keys": "a"}}, "no key 'train#handlers#99'"),
    ({"epochs#more": 1}, "no key 'epochs#more'"),
    ({"optimizer#momentun": 0.9}, "no key 'optimizer#momentun'"),
    ({"+optimizer": {"weight_decai": 0.1}}, "did you mean 'optimizer#weight_decay'?"),
    ({"helper": "@optimiser", "optimiser": SGD}, "no key 'helper'"),
    ({"optimiser": SGD, "+imports": ["$import json"]}, "no key 'optimiser'"),
    ({"optimizer": {"lr": 0.1}}, "key 'optimizer': values without a '_target_'"),
    ({"optimizer": SGD | {"momentun": 0.9}}, "torch.optim.SGD takes no 'momentun'; did you mean"),
    ({"optimizer#_target_": "torch.optim.LBFGS"}, "torch.optim.LBFGS takes no 'fused'"),
    ({"optimizer": SGD | {"_target_": "torch.optim.SDG"}}, "there is no 'torch.optim.SDG'; did y"),
    ({"optimizer": {"_taget_": "torch.optim.SGD"}}, "no key '_taget_'; did you mean '_target_'?"),
    ({"+objectives": {"a": {"_taget_": "x.Y"}}}, "no key '_taget_'; did you mean '_target_'?"),
    (
        {
            "+objectives": {
                "contrast": {"_target_": "gemini_monai.objectives.ContrastObjective", "weigth": 1.0}
            }
        },
        "ContrastObjective takes no 'weigth'; did you mean 'weight'?",
    ),
    ({"objectives#contrast#wieght": 1.0}, "did you mean 'contrast#weight'?"),
    ({"before": [{"_target_": "Flipd", "kys": "image"}]}, "Flipd takes no 'kys'; did you mean"),
    ({"+objectives": {"contrast": {"weight": 2.0}}}, "'+contrast' changes some of its arguments"),
    ({"network_def#channals": [8, 16]}, "did you mean 'channels'?"),
    (
        {
            "random_transforms": {
                "_target_": "Compose",
                "transforms": [{"_target_": "RandFlipd", "keys": ["image"], "porb": 0.5}],
            }
        },
        "RandFlipd takes no 'porb'; did you mean 'prob'?",
    ),
    ({"+epochs": 3}, "key '+epochs': '+' adds dictionaries or lists"),
    (
        {"train": {"trainer": {"_target_": "gemini_monai.engines.ObjectiveTrainer"}}},
        "which does not exist; an overlay replaces what it was in, where '+train' adds",
    ),
]


@pytest.mark.parametrize(("content", "message"), UNKNOWN, ids=[str(c)[:40] for c, _ in UNKNOWN])
def test_a_key_that_changes_nothing_is_refused_with_the_nearest(tmp_path, content, message):
    with pytest.raises(InputError) as raised:
        check_configuration([TRAIN, _written(tmp_path, content)])
    assert message in str(raised.value)
    assert "'_" in message or "key '" in str(raised.value)


KNOWN = [
    {"optimizer": SGD | {"momentum": 0.9}},
    {"optimizer#weight_decay": 0.1},
    {"+optimizer": {"weight_decay": 0.1}},
    {"train#dataloader#prefetch_factor": 2},
    {"my_rate": 0.01, "learning_rate": "$2 * @my_rate"},
    {"mine": {"rate": 0.01}, "learning_rate": "@mine#rate"},
    {"mine": {"rate": 0.01}, "learning_rate": "@mine::rate"},
    {"inner": 1, "outer": "$@inner + 1", "epochs": "@outer"},
    {"mine": {"seed": "@##inner"}, "inner": 1, "seed": "@mine#seed"},
    {"again": ["@train#trainer"], "run": "%again"},
    {"+objectives": {"contrast": None, "mine": {"_target_": "not_here.Mine", "any": 1}}},
    {"+train": {"extra": 2}, "epochs": "@train#extra"},
    {"+train#handlers": [{"_target_": "StatsHandler", "name": "x"}]},
    {"+imports": ["$import json"]},
    {"_why_": "a comment", "+train": {"_why_": "another"}},
    {"intensity": {"kind": "range", "lower": 0.0, "upper": 1.0}},
    {"backbone": {"_target_": "BasicUNet", "spatial_dims": 2, "features": [4] * 6}},
    {
        "datalist": {
            "_target_": "gemini_monai.data.prepare.prepared",
            "folder": "@dataset_dir",
            "destination": "x",
            "prepare": {
                "_target_": "gemini_monai.data.prepare.prepare_folder",
                "_mode_": "callable",
            },
        }
    },
]


@pytest.mark.parametrize("content", KNOWN, ids=[str(c)[:40] for c in KNOWN])
def test_what_is_known_or_referred_to_passes(tmp_path, content):
    assert check_configuration([TRAIN, _written(tmp_path, content)]) == []


def test_one_overlay_may_use_what_another_brings(tmp_path):
    brings = _written(tmp_path, {"own_rate": 0.1}, "a.json")
    uses = _written(tmp_path, {"learning_rate": "@own_rate"}, "b.json")
    for order in ([brings, uses], [uses, brings]):
        assert check_configuration([TRAIN, *order]) == []
        assert check_configuration(",".join([TRAIN, *order])) == []
    with pytest.raises(InputError, match=r"a\.json: the configuration has no key 'own_rate'"):
        check_configuration([TRAIN, brings])


def test_a_command_line_may_use_what_an_overlay_brings(tmp_path):
    overlay = _written(
        tmp_path, {"+objectives": {"mine": {"_target_": "torch.nn.Flatten", "start_dim": 1}}}
    )
    given = {"objectives#mine#start_dim": 2, "objectives#mine#end_dim": 3}
    assert check_configuration([TRAIN, overlay], **given) == sorted(given)
    with pytest.raises(InputError, match="command line: .*'objectives#mine#end_dim'"):
        check_configuration([TRAIN, overlay], **{"objectives#mine#end_dm": 3})


@pytest.mark.parametrize("bundle", [BUNDLE, MIP], ids=["semi", "mip"])
def test_every_shipped_overlay_passes_with_its_imports(bundle):
    """Also where components are imported, as in a run."""
    folder = bundle / "configs"
    bases = {"inference": ["inference"], "finetune": ["finetune"]}
    bases |= {"dataset": ["train", *["finetune"] * (bundle is MIP)]}
    for path in sorted(folder.glob("*.json")):
        kind = path.stem.partition("_")[0]
        if "imports" in json.loads(path.read_text()) or path.stem == "metadata":
            continue
        for base in bases.get(kind, ["train"]):
            if (base, bundle, kind) == ("train", MIP, "evaluate"):
                continue
            if path.stem in ("recorded", "multi_gpu_evaluate"):  # below
                continue
            if bundle is MIP and kind == "dataset" and base == "finetune":
                base = "finetune" if path.stem == "dataset_folder" else "train"
            whole = Overlaid(json.loads((folder / f"{base}.json").read_text()), folders=[bundle])
            whole.add(ConfigurationLayer(path.name, json.loads(path.read_text())))
            whole.check()


def test_overlays_of_scores_pass():
    for base, bundle in (("train", BUNDLE), ("finetune", MIP)):
        assert check_configuration(files(base, "evaluate", "recorded", bundle=bundle)) == []
        for names in (("multi_gpu_train", "evaluate"), ("evaluate", "multi_gpu_evaluate")):
            assert check_configuration(files(base, *names, bundle=bundle)) == []
        every = ("evaluate", "recorded", "multi_gpu_evaluate")
        assert check_configuration(files(base, *every, bundle=bundle)) == []


def test_an_overlay_of_a_training_is_given_again_to_use_its_run(tmp_path):
    overlay = _written(tmp_path, {"optimizer": SGD, "learning_rate": 0.1, "before": []})
    for name in ("inference", "register"):
        assert check_configuration([*files(name), overlay]) == []
    wrong = _written(tmp_path, {"optimiser": SGD})
    with pytest.raises(InputError, match="no key 'optimiser'"):
        check_configuration([*files("inference"), wrong])
    with pytest.raises(InputError, match="no key 'overlap'"):  # of inference.json alone
        check_configuration([TRAIN, _written(tmp_path, {"overlap": 0.5})])


def _run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["monai/bundle/__main__.py", "run", *words])
    refuse_unknown_overrides()


def test_a_run_tells_of_it_too_and_of_ones_own_classes(monkeypatch, tmp_path):
    (tmp_path / "h3_own_objective.py").write_text(
        "class Mine:\n    def __init__(self, *, weight=1.0): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    mine = {"_target_": "h3_own_objective.Mine", "weight": 2.0}
    good = _written(tmp_path, {"+objectives": {"mine": mine}}, "good.json")
    _run(monkeypatch, "training", "--config_file", str([TRAIN, good]))
    for change, message in (
        ({"wieght": 2.0}, "takes no 'wieght'; did you mean 'weight'"),
        ({"_target_": "h3_own_objective.Mine2"}, "there is no 'h3_own_objective.Mine2'; did you"),
        ({"_target_": "h3_not_here.Mine"}, "there is no 'h3_not_here.Mine'"),
    ):
        bad = _written(tmp_path, {"+objectives": {"mine": mine | change}}, "bad.json")
        with pytest.raises(InputError, match=message):
            _run(monkeypatch, "training", "--config_file", str([TRAIN, bad]))
    own = _written(tmp_path, {"my_steps": ["$print(1)"]}, "steps.json")
    _run(monkeypatch, "my_steps", "--config_file", str([TRAIN, own]))
    with pytest.raises(InputError, match="no key 'my_steps'"):
        _run(monkeypatch, "training", "--config_file", str([TRAIN, own]))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("optimiser", SGD, "key 'optimiser': nothing reads it; did you mean 'optimizer'?"),
        (
            "train#trainer#amq",
            True,
            "'train#trainer': gemini_monai.engines.ObjectiveTrainer takes no",
        ),
        ("optimizer", SGD | {"momentun": 1}, "torch.optim.SGD takes no 'momentun'"),
    ],
)
def test_a_workflow_in_python_tells_of_it(key, value, message):
    with pytest.raises(Exception, match="Failed to evaluate") as failed:
        workflow("train", device="cpu", **{key: value}).initialize()
    assert message in str(input_error_in(failed.value))


def test_the_overlay_of_an_arm_is_checked_before_anything_is_trained(tmp_path, tiny_phantom):
    overlay = _written(tmp_path, {"method": "mine", "optimiser": SGD})
    places = {"dataset_dir": str(tiny_phantom.parent), "datalist": str(tiny_phantom)}
    flow = workflow("train", **places, output_dir=str(tmp_path / "run"), compare=[overlay])
    flow.initialize()
    with pytest.raises(Exception, match="Failed to evaluate") as failed:
        flow.run()
    assert "own.json: the configuration has no key 'optimiser'" in str(input_error_in(failed.value))
    assert not (tmp_path / "run").exists()
    assert callable(refuse_unknown_arms)


def test_what_a_maker_of_a_class_hands_on_is_taken_by_the_class():
    known = Arguments(None).known("gemini_monai.transforms.InputSpec.of", "here")
    assert {"settings", "spacing", "intensity"} <= set(known)
    assert "spacng" not in known
    assert ANY not in known
