"""The command that says which scans to label first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gemini_monai.base.bundles import literal
from gemini_monai.base.errors import InputError
from gemini_monai.base.files import refuse_existing
from gemini_monai.base.limits import flag, one_of, optional, whole
from gemini_monai.base.presence import refuse_absent_data
from gemini_monai.commands.early import refuse_absent_pretrained
from gemini_monai.commands.preparation import add_overwrite

TEXT = "Which scans to label first, before any label exists: tables, a page, and what goes on."
STRATEGIES = ("k_medoids", "typical", "k_center", "random")
FEATURES = ("thumbnail", "histogram", "network", "combined", "registered")
UNUSED = ("count", "choose")
FILES = ("chosen.csv", "outstanding.csv", "labeled_from.csv", "choice.html")
OPTIONS: tuple[tuple[str, str, str], ...] = (
    ("output", "FOLDER", "where the files go; default: DST/chosen"),
    ("strategy", f"{{{','.join(STRATEGIES)}}}", "the rule that chooses; default: k_medoids"),
    ("features", f"{{{','.join(FEATURES)}}}", "what scans are compared by; default: network"),
    ("pretrained", "RUN", "a run or a file of weights whose features to use; default: random ones"),
    ("labeled_already", "FILE", "table with a 'case' column, or names, of scans with labels"),
    (
        "unused_labels",
        "{count,choose}",
        "scans whose label file the split does not use count as labeled, or may be chosen",
    ),
)
"""Those that are text."""


def add_commands(commands: Any) -> None:
    """Add ``choose DST N``."""
    command = commands.add_parser("choose", help=TEXT, description=TEXT)
    command.add_argument("data", metavar="DST", help="a prepared data set; labels are not needed")
    command.add_argument("count", metavar="N", type=literal, help="how many scans to choose")
    for name, kind, text in OPTIONS:
        spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        command.add_argument(*spellings, metavar=kind, help=text)
    text = "of the strategy random; default: 0"
    command.add_argument("--seed", type=literal, default=0, metavar="N", help=text)
    text = "a page with tables and the map alone, to share"
    command.add_argument("--without_images", action="store_true", help=text)
    add_overwrite(command)
    command.set_defaults(function=choose)


def choose(
    data: str,
    count: Any,
    output: str | None,
    strategy: str | None,
    features: str | None,
    pretrained: str | None,
    labeled_already: str | None,
    unused_labels: str | None,
    seed: Any,
    without_images: bool,
    overwrite: Any,
) -> None:
    """``choose DST N``.

    Raises:
        InputError: If an option cannot be, the data set is not there or not prepared, or its scans
            cannot be chosen from.
    """
    whole(1)(count, "N")
    whole(0)(seed, "--seed")
    flag(overwrite, "--overwrite")
    optional(one_of(*STRATEGIES))(strategy, "--strategy")
    optional(one_of(*FEATURES))(features, "--features")
    optional(one_of(*UNUSED))(unused_labels, "--unused_labels")
    if pretrained is not None:
        refuse_absent_pretrained(pretrained)
        if features not in (None, "network"):
            raise InputError(f"--pretrained is for --features network, got '{features}'")
    refuse_absent_data(Path(data) / "dataset.json")
    folder = Path(output) if output else Path(data) / "chosen"
    refuse_existing([folder / name for name in FILES], overwrite=overwrite)
    from gemini_monai import choosing
    from gemini_monai.report import write_choice_page

    given = {"strategy": strategy, "features": features, "pretrained": pretrained}
    given["unused_labels"] = unused_labels
    choice = choosing.choose(
        data,
        count,
        labeled_already=_already(labeled_already),
        seed=seed,
        **{name: value for name, value in given.items() if value is not None},
    )
    files = choosing.write_choice(choice, folder, overwrite=overwrite)
    page = folder / FILES[-1]
    write_choice_page(choice, page, images=not without_images, overwrite=overwrite)
    for case, why in zip(choice.cases, choice.reasons, strict=True):
        print(f"{case}: {why}")
    if choice.outstanding:
        print(f"{len(choice.outstanding)} scan(s) stand out: see {files[1]}")
    print("\n".join(map(str, (*files, page))))


def _already(given: str | None) -> list[str]:
    """Cases of a table, or names with commas between them."""
    if given is None:
        return []
    if not Path(given).is_file():
        return [name.strip() for name in given.split(",")]
    from gemini_monai.base.tables import read_table

    return [row["case"] for row in read_table(given, required=["case"])]
