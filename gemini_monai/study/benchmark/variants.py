"""GEMINI with some knobs otherwise, as arms of a comparison; the paper's ablations among them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from gemini_monai.base.errors import InputError

PAIRS = "--method pairs"
"""The authors' objectives, without the contrast that is ours."""
ONE_WAY = f"{PAIRS} --bijective False"
ROUGH = f"{ONE_WAY} --smoothness 0"

DEFAULTS = {
    "smoothness": 0.4,
    "visual": 1,
    "positive": 0.1,
    "positive_start": 0.0,
    "deformer_stages": 3,
}
"""What the bundle has of the knobs that are swept: an arm of that value is the one of ``PAIRS``."""


def _sweep(name: str, knob: str, values: Iterable[float]) -> dict[str, str]:
    return {
        f"{name}_{value}": PAIRS if value == DEFAULTS[knob] else f"{PAIRS} --{knob} {value}"
        for value in values
    }


PRESETS: Mapping[str, Mapping[str, str]] = {
    "ablation": {  # figure 8: each line adds what its name says
        "gvs": f"{ROUGH} --semantic 0",
        "gvs+gss": ROUGH,
        "gvs+gss+smooth": ONE_WAY,
        "gvs+gss+smooth+both": PAIRS,
    },
    "similarity": {  # table 5: without smoothness, one way
        "visual": f"{ROUGH} --semantic 0",
        "semantic": f"{ROUGH} --visual 0",
    },
    "smoothness": _sweep("smoothness", "smoothness", (0.0, 0.1, 0.4, 1, 4)),
    "visual": _sweep("visual", "visual", (0.0, 0.25, 1, 4)),
    "positive": _sweep("positive", "positive", (0.0, 0.01, 0.1, 1)),
    "schedule": _sweep("positive_from", "positive_start", (0.0, 0.5, 1.0)),  # table 4
    "reach": _sweep("stages", "deformer_stages", range(1, 7)),  # figure 16 a
    "width": {  # figure 16 b
        f"width_{w}": f"{PAIRS} --channels {[w * 2**k for k in range(5)]}".replace(", ", ",")
        for w in (4, 8, 16, 32)
    },
    "data": {  # figure 11 a
        f"share_{share}": f"--unlabeled_share {share}" for share in (0.25, 0.5, 0.75, 1.0)
    },
    "fundament": {  # figure 13: of pre-trainings, whose runs keep the visual term of each iteration
        "with_restoration": f"{PAIRS} --restoration_weight 100",
        "without_restoration": f"{PAIRS} --restoration_weight 0",
    },
    "scales": {
        f"scales_{v}": f"{PAIRS} --contrast_weight 1 --deformer_scales {v}" for v in (1, 2, 3)
    },
}
"""By name: arms and their overrides. Figure 9's sweeps are smoothness, visual and positive; the
schedule is the share of training after which the positive path counts."""


def variants_of(given: Any) -> dict[str, tuple[str, ...]]:
    """Arms and the words of their overrides.

    Args:
        given: Name of a preset, or of several, whose arms with the same overrides are one, by its
            first name; or overrides by the name of the arm.

    Raises:
        InputError: If there is no such preset, or a name cannot be one of a folder.
    """
    if isinstance(given, str):
        given = _preset(given)
    elif isinstance(given, list) and given:
        arms = [arm for name in given for arm in _preset(name).items()]
        first = {words: name for name, words in reversed(arms)}
        given = {name: words for name, words in arms if first[words] == name}
    if not isinstance(given, Mapping) or not all(
        isinstance(words, str) for words in given.values()
    ):
        raise InputError(
            "--variants: expected a preset or \"{'NAME':'--KEY VALUE'}\", got " + repr(given)
        )
    for name in given:
        if not isinstance(name, str) or not re.fullmatch(r"[\w.+]+", name):
            raise InputError(
                f"--variants: a name is letters, digits, '_', '.' or '+', got {name!r}"
            )
    return {name: tuple(shlex.split(words)) for name, words in given.items()}


def _preset(name: Any) -> Mapping[str, str]:
    if not isinstance(name, str) or name not in PRESETS:
        raise InputError(f"--variants: expected one of {', '.join(PRESETS)}, got {name!r}")
    return PRESETS[name]
