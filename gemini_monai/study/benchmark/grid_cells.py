"""Which runs a comparison needs: the cells of its grid, each a command of its own."""

from __future__ import annotations

import hashlib
import itertools
import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import gemini_monai
from gemini_monai.networks import NETWORK_SETTINGS
from gemini_monai.study.benchmark.grid import GridSpec
from gemini_monai.study.benchmark.grid_data import content_hash, data_name, is_segmenter
from gemini_monai.study.benchmark.grid_run import PROGRAM, GridRun, other_test

DEFAULT = "gemini"
"""The bundle without a ``method_*.json``."""
NNUNET = "nnunet"
"""The arm that is nnU-Net itself, which takes no override of ours and no validation."""
NO_PAIRS = {"few_labels": ("--registers", "False"), "pretraining": (), "starts": ()}
"""What leaves out the registration of test pairs, which the run itself has tested."""


class Repetition(NamedTuple):
    """Which repetition of an arm on a data set a run is; no labels for a pre-training."""

    labels: int
    draw: int
    seed: int


def grid_runs(spec: GridSpec) -> list[GridRun]:
    """All cells; a pre-training stands before what is fine-tuned from it.

    Args:
        spec: What is to be compared.
    """
    make = _few_labels if spec.suite == "few_labels" else _pretraining
    return list(make(spec))


def _few_labels(spec: GridSpec) -> Iterator[GridRun]:
    cells = itertools.product(spec.data, spec.labels, spec.repetitions, spec.arms)
    for data, labels, (draw, seed), method in cells:
        if (data_name(data), method) in spec.left_out:
            continue
        words = _train(spec, "semi", spec.split(data, draw), method)
        words += _labels(labels, draw=draw, seed=seed)
        words += _overrides(spec, data, method)
        repetition = Repetition(labels, draw, seed)
        yield _run(spec, words, data=data, method=method, repetition=repetition)


def _pretraining(spec: GridSpec) -> Iterator[GridRun]:
    for seed in dict.fromkeys(seed for _, seed in spec.repetitions):
        for method in spec.arms:
            tested = [d for d in spec.tested if (data_name(d), method) not in spec.left_out]
            source = spec.given.get(method, ("none",))[0]
            before: tuple[str, ...] = ()
            if method not in (spec.baseline, *spec.given) and tested:
                start = _start(spec, method, seed)
                source, before = str(start.folder), (start.name,)
                yield start
            cells = itertools.product(tested, spec.labels, _draws_of(spec, seed))
            for data, labels, draw in cells:
                repetition = Repetition(labels, draw, seed)
                words = _finetune(spec, source, data=data, method=method, repetition=repetition)
                yield _run(
                    spec, words, data=data, method=method, repetition=repetition, after=before
                )


def _start(spec: GridSpec, method: str, seed: int) -> GridRun:
    """The pre-training of an arm."""
    data = spec.data[0]
    words = [*_train(spec, "mip", data, method), *spec.pretraining]
    words += spec.lengths.get((spec.pretrained_on, method), ())
    return _run(spec, words, data=data, method=method, repetition=Repetition(0, seed, seed))


def _finetune(
    spec: GridSpec, source: str, *, data: Path, method: str, repetition: Repetition
) -> list[str]:
    labels, draw, seed = repetition
    words = ["finetune", str(spec.split(data, draw)), "--pretrained", source]
    words += _labels(labels, draw=draw, seed=seed)
    return [
        *words,
        *spec.given.get(method, ())[1:],
        *_network(spec, method),
        *_overrides(spec, data, method),
    ]


def _train(spec: GridSpec, bundle: str, data: Path, method: str) -> list[str]:
    if method == NNUNET:
        return [NNUNET, str(data.absolute())]
    words = ["train", bundle, str(data.absolute())]
    if method in spec.variants:
        words += spec.variants[method]
    elif method != DEFAULT:
        words += ["--method", method]
    return [*words, "--compare", "[]"] if bundle == "semi" else words


def _other_test(spec: GridSpec, folder: Path, method: str) -> str:
    """The command that tests the last checkpoint, of a segmenter that was validated."""
    if spec.reads_no_validation or method == NNUNET or not is_segmenter(method):
        return ""
    pairs = [pair for pair in itertools.pairwise(spec.overrides) if pair[0] == "--overlay"]
    words = ["evaluate", str(folder), str(other_test(folder)), *itertools.chain(*pairs)]
    words += ["--weights", str(folder / "models" / "last.pt"), "--overwrite", "True"]
    return shlex.join([PROGRAM, *words, *NO_PAIRS[spec.suite]])


def _draws_of(spec: GridSpec, seed: int) -> list[int]:
    return [draw for draw, of_draw in spec.repetitions if of_draw == seed]


def _labels(labels: int, *, draw: int, seed: int) -> list[str]:
    words = ["--labeled_cases", str(labels)]
    return words if draw == seed else [*words, "--labeled_draw", str(draw)]


def _network(spec: GridSpec, method: str) -> list[str]:
    """What a variant says of the network, whose pre-trained weights fit no other."""
    pairs = itertools.pairwise(spec.variants.get(method, ()))
    known = {f"--{name}" for name in NETWORK_SETTINGS}
    return [word for key, value in pairs if key in known for word in (key, value)]


def _overrides(spec: GridSpec, data: Path, method: str) -> tuple[str, ...]:
    key = (data_name(data), method)
    length = spec.lengths.get(key, ()) if spec.suite != "pretraining" else ()
    if method == NNUNET:
        return (*spec.nnunet, *length)
    return (*spec.overrides, *length, *spec.tuned.get(key, ()))


def _run(
    spec: GridSpec,
    words: Sequence[str],
    *,
    data: Path,
    method: str,
    repetition: Repetition,
    after: tuple[str, ...] = (),
) -> GridRun:
    """A cell whose folder is another one as soon as its settings, data or code are others."""
    words = [*words, "--seed", str(repetition.seed)]
    held = content_hash(spec.split(data, repetition.draw))
    identity = json.dumps([words, held, gemini_monai.__version__, after])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
    part = f"{repetition.labels}_labels" if repetition.labels else "pretraining"
    name = f"{data_name(data)}-{method}-{part}-{repetition.draw}-{digest}"
    folder = spec.output.absolute() / name
    again = "--overwrite" if method == NNUNET else "--resume"
    command = [PROGRAM, *words, "--output_dir", str(folder), again, "True"]
    return GridRun(
        name=name,
        command=shlex.join(command),
        done=str(folder / "report.html"),
        after=after,
        data=data_name(data) if repetition.labels else "",
        method=method,
        **repetition._asdict(),
        also=_other_test(spec, folder, method) if repetition.labels else "",
    )
