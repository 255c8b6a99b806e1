"""Every draw of the labels with test patients of its own."""

from __future__ import annotations

from dataclasses import replace

from gemini_monai.base.errors import InputError
from gemini_monai.data.folds import write_folds
from gemini_monai.study.benchmark.grid import GridSpec
from gemini_monai.study.benchmark.grid_data import data_name
from gemini_monai.study.benchmark.writing import refuse_foreign

FOLDER = "folds"
"""Of the folds, in the folder of the runs."""


def with_folds(spec: GridSpec, folds: int) -> GridSpec:
    """The comparison with each data set split anew by patient, draw ``k`` on fold ``k``.

    The folds are written as data sets into the folder of the runs; no image is copied.

    Args:
        spec: What is to be compared.
        folds: How many; 0 for each data set's own split.

    Raises:
        InputError: As ``write_folds``; if fewer draws are wanted than folds, or what is tested is
            also what is pre-trained on, whose images without labels would be those of the test.
    """
    if not folds:
        return spec
    if len(spec.draws) < folds:
        raise InputError(
            f"--folds {folds}: expected as many --draws or more, got {len(spec.draws)}"
        )
    if spec.suite == "pretraining" and spec.data[0] in spec.tested:
        raise InputError("--folds: pretraining needs another data set to pre-train on first")
    refuse_foreign(spec.output)
    places = {
        data_name(folder): write_folds(
            folder / "dataset.json",
            spec.output.absolute() / FOLDER / data_name(folder),
            folds=folds,
            data_changed=spec.data_changed,
        )
        for folder in spec.tested
    }
    return replace(spec, folds=places)
