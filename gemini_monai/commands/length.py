"""As many epochs as some minutes hold on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

from gemini_monai.base.bundles import command_line_overrides
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.limits import real
from gemini_monai.base.system import child_environment
from gemini_monai.commands.monai_call import Call

COPY_PASTE = {2: 1000, 3: 2000}
"""Iterations by axes below which labels alone taught more than copy-paste, by equal_time.md in
docs/results. Of volumes they did so at 1,000, the most that was measured; 2,000 is a guess."""
OTHERWISE = ("pretrained", "continue_from", "pairs_interval", "contrast_weight", "objectives")
"""Overrides that make another training of the default than the one that was measured."""
TIMING = "timing"
"""What a configuration runs to tell how long its iterations take."""


def within(call: Call, minutes: Any) -> Call:
    """The same training, of as many epochs as the minutes hold by a measurement made here.

    Loading, the test and the page come on top.

    Args:
        call: The training.
        minutes: Of the clock, above 0; ``None`` leaves it as it is.

    Raises:
        InputError: If the number of epochs is given too, or the measurement fails.
    """
    if minutes is None:
        return call
    real(above=0)(minutes, "--minutes")
    given = command_line_overrides(call.options)
    for name in ("epochs", "resume"):
        if given.get(name):
            raise InputError(f"--minutes chooses the epochs of a new training; leave out --{name}")
    call.refuse()
    length, interval = (int(knob(call, name)) for name in ("epoch_length", "val_interval"))
    seconds = measured(replace(call, name=TIMING))
    epoch = seconds["iteration"] * length + seconds["validation"] / interval
    epochs = max(1, round(60 * minutes / epoch))
    print(
        f"{minutes:g} minutes: an iteration takes {seconds['iteration']:.2g} s and a validation "
        f"{seconds['validation']:.2g} s here, so {epochs} epochs of {length} iterations"
    )
    return replace(call, options=[*call.options, "--epochs", str(epochs)])


def too_few_for_copy_paste(call: Call, *, axes: int) -> bool:
    """Whether a training by the default of GEMINI-Semi is too short for it.

    An overlay, or an override of ``OTHERWISE``, asks for what was not measured; it has its way.

    Args:
        call: The training, with its epochs.
        axes: Of its images, 2 or 3.
    """
    given = {name.split("#")[0] for name in command_line_overrides(call.options)}
    if call.overlays or given & set(OTHERWISE):
        return False
    return int(knob(call, "epochs")) * int(knob(call, "epoch_length")) < COPY_PASTE[axes]


def knob(call: Call, name: str) -> Any:
    """A knob as the last of files and options says it; ``None`` where none does.

    Args:
        call: The training.
        name: Of the knob.
    """
    layers = [read_json(file, dict) for file in call.layers]
    found = [own[name] for own in (*layers, command_line_overrides(call.options)) if name in own]
    return found[-1] if found else None


def measured(call: Call) -> dict[str, float]:
    """Seconds of an iteration and of a validation of a training, which starts as it would.

    Args:
        call: Of a configuration's ``timing``, of which nothing is kept.

    Raises:
        InputError: With what it says instead.
    """
    print("measuring how long an iteration takes here ...", flush=True)
    done = subprocess.run(
        [sys.executable, *call.words],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=child_environment(),
    )
    lines = done.stdout.strip().splitlines()
    try:
        found: dict[str, float] = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        reason = said[-1].removeprefix("error: ") if said else done.stderr[-300:].strip()
        raise InputError(reason or "--minutes: nothing could be measured") from error
    return found
