"""``README.md`` of released weights, in the sections that MONAI's model zoo asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gemini_monai.base.command_lines import pasted_command
from gemini_monai.base.files import read_json
from gemini_monai.runs import RunFolder

TAGS = ("GEMINI", "Self-Supervised")


class Markdown(str):
    """Text that is markup and stays so."""


def plain(value: Any) -> Any:
    """A value as one line of Markdown that is no markup; ``Markdown`` as it is."""
    if not isinstance(value, str) or isinstance(value, Markdown):
        return value
    escaped = re.sub(r"([\\`|\[\]])", r"\\\1", " ".join(value.split()))
    return escaped.replace("<", "&lt;")


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("gemini_monai.weights"),
        undefined=StrictUndefined,
        finalize=plain,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def model_card(
    run: str | Path, record: Mapping[str, Any], release: Mapping[str, Any], *, terms: bool = False
) -> str:
    """The card as Markdown: what the run recorded, and what ``release.json`` adds.

    Args:
        run: The run folder, whose scores are told where it was tested.
        record: Its record.
        release: What a person said.
        terms: Whether ``data_license.txt`` lies beside the card.
    """
    settings, data = record["settings"], record.get("dataset", {})
    release = {name: _marked(value) for name, value in release.items()}
    template = _templates().get_template("model_card.md")
    return template.render(
        record=_Known(record),
        release=_Known(release),
        settings=settings,
        data=_Known(data),
        terms=terms,
        title=release.get("title", f"{record['method']} on {data.get('name')}"),
        tags=Markdown(", ".join(release.get("tags", TAGS))),
        network=_network(settings),
        cases=", ".join(f"{n} {role}" for role, n in data.get("cases", {}).items() if n),
        spacing=_by("x", settings["spacing"], unit=" mm") if settings["spacing"] else "as they are",
        intensity=_intensity(settings),
        minutes=f"{record.get('seconds', 0) / 60:.0f}",
        versions=", ".join(f"{n} {v}" for n, v in record.get("versions", {}).items()),
        commands=list(_commands(record)),
        **_scores(RunFolder(run)),
    )


def _marked(value: Any) -> Any:
    return Markdown(value) if isinstance(value, str) else value


class _Known(dict[str, Any]):
    """What an early record, or a short ``release.json``, does not have is empty."""

    def __missing__(self, key: str) -> None:
        return None


def _network(settings: Mapping[str, Any]) -> str:
    backbone = settings.get("backbone")
    if backbone is not None:
        return f"backbone {backbone['_target_']}"
    return f"channels {_by(', ', settings['channels'])}"


def _intensity(settings: Mapping[str, Any]) -> str:
    """What becomes 0 and 1, a channel at a time where each has a scale of its own."""
    rules = settings["intensity"]
    if isinstance(rules, Mapping):
        apart = settings["in_channels"] > 1 and not settings["color"]
        return _rule(rules) + (" of each channel by itself" if apart else "")
    return ", ".join(f"{_rule(rule)} of channel {k}" for k, rule in enumerate(rules, start=1))


def _rule(rule: Mapping[str, Any]) -> str:
    if rule["kind"] == "zscore":
        return "mean to mean and standard deviation (zscore)"
    return "{lower:g} to {upper:g} ({kind})".format(**rule)


def _by(separator: str, values: Any, *, unit: str = "") -> str:
    return separator.join(f"{value:g}" for value in values) + unit


def _commands(record: Mapping[str, Any]) -> Iterator[Markdown]:
    """The commands of the training, each as it would be typed again."""
    for part in (record, *record.get("resumed", [])):
        line = pasted_command(str(part["command"]))
        yield Markdown(line.replace("```", "` ` `"))  # it stands in a fence


def _scores(run: RunFolder) -> dict[str, Any]:
    found: dict[str, Any] = {"segmentation": {}, "registration": {}, "tested": 0}
    path = run.test / "segmentation.json"
    if path.is_file():
        structures = read_json(path, dict)["structures"]
        found["segmentation"] = {name: _percent(own["dice"]) for name, own in structures.items()}
        found["tested"] = max(own["dice"]["n"] for own in structures.values())
    path = run.test / "registration.json"
    if path.is_file():
        own = read_json(path, dict)
        found["registration"] = {
            "pairs": own["pairs"],
            "before": _percent(own["dice_before"]),
            "after": _percent(own["dice_after"]),
            "folding": f"{own['folding_percent']['mean']:.2f}",
        }
    return found


def _percent(value: Mapping[str, Any]) -> str:
    if value["mean"] is None:
        return "not defined"
    if value["std"] is None:  # of one case
        return f"{100 * value['mean']:.1f}"
    return f"{100 * value['mean']:.1f} ± {100 * value['std']:.1f}"
