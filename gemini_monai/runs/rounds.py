"""Rounds: a run that goes on from the network of another, as more labels came in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import digest_of
from gemini_monai.base.presence import refuse_absent_run, refuse_absent_weights
from gemini_monai.runs.folder import RunFolder
from gemini_monai.runs.record import read_record, refuse_other_purpose

SEEN = "labels_seen"
"""Key of a record: cases that the run, or a round before it, was trained on with their labels."""
MEANING = ("overlapping", "structures", "label_values")
"""Settings that say what a head's channels are."""
OTHERWISE = "--pretrained takes the backbone alone"


def refuse_absent_round(run: str) -> None:
    """Stop at a run to go on from that is not there, or has no weights.

    Raises:
        InputError: Naming what is missing.
    """
    refuse_absent_run(run)
    refuse_absent_weights(RunFolder(run).model)


def refuse_other_round(
    run: str | Path,
    settings: Mapping[str, Any],
    *,
    architecture: Collection[str],
    held_out: Collection[str],
) -> None:
    """Stop at a run that a training cannot go on from, or that makes its scores worth nothing.

    Args:
        run: Folder of the run to go on from.
        settings: Of the training.
        architecture: Names of settings by which a network is made.
        held_out: Cases that the training validates or tests on.

    Raises:
        InputError: If the run is of another task, other structures or another network, or it was
            trained on the label of a case that is held out; naming the first.
    """
    refuse_absent_round(str(run))
    refuse_other_purpose(run, task="segmentation")
    record = read_record(run)
    trained = record["settings"]
    for name in (*MEANING, *architecture):
        before, now = trained.get(name), settings.get(name)
        if name in trained and _plain(before) != _plain(now):
            raise InputError(
                f"{run}: trained with {name} {before!r}, this training has {now!r}; "
                f"--continue_from goes on with the same network, {OTHERWISE}"
            )
    for case in sorted(set(record.get(SEEN, ())) & set(held_out)):
        raise InputError(
            f"{run}: was trained on the label of case '{case}', which is validated or tested on "
            "now; keep the split by gemini prepare ... --after DST, where DST is what it was "
            "trained on"
        )


def round_of(run: str | Path | None, *, labeled: Collection[str]) -> dict[str, Any]:
    """What a record says of rounds: its number, where it goes on from, and whose labels were seen.

    Args:
        run: Folder of the run that is gone on from; ``None`` in the first round.
        labeled: Cases that the training uses with their labels.

    Raises:
        InputError: If the run cannot be read.
    """
    if run is None:
        return {"round": 1, SEEN: sorted(labeled)}
    before, weights = read_record(run), RunFolder(run).model
    number = int(before.get("round", 1))
    return {
        "round": number + 1,
        "continued_from": {
            "path": str(Path(run).absolute()),
            "round": number,
            "sha256": digest_of(weights),
        },
        SEEN: sorted({*labeled, *before.get(SEEN, ())}),
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value
