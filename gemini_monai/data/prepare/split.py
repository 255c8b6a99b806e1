"""Who is trained on, validated on and tested on: by seed, and never one patient on two sides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gemini_monai.base.errors import InputError
from gemini_monai.base.files import read_json
from gemini_monai.base.limits import flag, optional, real, several, whole
from gemini_monai.base.presence import refuse_absent_data
from gemini_monai.data.checks import check_content
from gemini_monai.data.prepare.named_cases import named_cases
from gemini_monai.data.prepare.scan import SMALLEST


class Wanted(NamedTuple):
    """What a person asks of ``prepare``."""

    labeled: int | None = None
    """Cases to train on with their label; the rest of the labeled ones are used without.
    ``None`` for all that validation and test leave."""
    validation: int | None = None
    """Labeled cases to choose on; ``None`` for a tenth, or none below ten."""
    test: int | None = None
    """Labeled cases to report on; ``None`` for a fifth, or none below ten."""
    seed: int = 0
    """Seed of the split: another one puts other cases into validation and test."""
    labeled_draw: int = 0
    """Which of the possible choices to train on, of the same rest."""
    align: str | None = None
    """How to register every image to one: ``"itk"``, ``"ants"``, or not at all."""
    reference: str | None = None
    """Case or file to register to; ``None`` for a training image of median extent."""
    spacing: Sequence[float] | None = None
    """Voxel size for the network in mm; ``None`` for the proposal."""
    spatial_size: Sequence[int] | None = None
    """Voxels that the network sees; ``None`` for the proposal."""
    after: str | None = None
    """Folder of an earlier preparation: its validation and test cases stay what they are, and every
    other label may be trained on. ``None`` for none."""
    overwrite: bool = False
    """Replace an earlier ``dataset.json`` of another content."""
    labeled_from: str | None = None
    """Table of the cases to train on with their label, in its column ``case``, such as
    ``labeled_from.csv``; the first ``labeled`` of them."""

    def or_else(self, **counts: int) -> Wanted:
        """The same with counts, such as a paper's, where none was asked for."""
        missing: dict[str, Any] = {k: v for k, v in counts.items() if getattr(self, k) is None}
        return self._replace(**missing)

    def divides(self) -> bool:
        """Whether a split was asked for, and not only how images are to be seen."""
        later = self.labeled_from is not None or self.after is not None
        return self[:5] != Wanted()[:5] or later

    def view(self) -> dict[str, list[float]]:
        """Keys of ``dataset.json`` that were asked for instead of proposed."""
        asked = {"spacing": self.spacing, "spatial_size": self.spatial_size}
        return {key: list(value) for key, value in asked.items() if value is not None}

    def check(self) -> Wanted:
        """The same, if every value can be.

        Raises:
            InputError: Naming the option, what was found and what was expected.
        """
        for name in ("labeled", "validation", "test"):
            optional(whole(0))(getattr(self, name), f"--{name}")
        for name in ("seed", "labeled_draw"):
            whole(0)(getattr(self, name), f"--{name}")
        optional(several(real(above=0), least=2))(self.spacing, "--spacing")
        optional(several(whole(SMALLEST), least=2))(self.spatial_size, "--spatial_size")
        if self.after is not None:
            refuse_absent_data(Path(self.after) / "dataset.json")
            for name in ("validation", "test"):
                if getattr(self, name) is not None:
                    raise InputError(f"--{name}: is that of --after {self.after}; leave one out")
        flag(self.overwrite, "--overwrite")
        if self.labeled_from is not None and self.labeled_draw:
            raise InputError(
                f"--labeled_draw {self.labeled_draw}: {self.labeled_from} says which cases are "
                "labeled; leave one of them out"
            )
        return self


class Split(NamedTuple):
    """Cases of each part; ``dropped`` are unlabeled images of validation or test patients."""

    labeled: list[str]
    unlabeled: list[str]
    validation: list[str]
    test: list[str]
    dropped: list[str]


def split_cases(
    cases: Iterable[str],
    *,
    with_label: Iterable[str],
    wanted: Wanted,
    patients: Mapping[str, str] | None = None,
) -> Split:
    """Divide cases by a seeded rule.

    Args:
        cases: All of them.
        with_label: Those that have a label file.
        wanted: How many of each part, and which choice of them.
        patients: Patient of each case; a case alone is its own patient.

    Raises:
        InputError: If there are fewer labeled cases than asked for, a named one has no label, or a
            case that was validated or tested on before has lost its label.
    """
    cases = sorted(cases)
    owners = {case: (patients or {}).get(case, case) for case in cases}
    pool = sorted(with_label)
    named = _named(wanted, cases, with_label=pool)
    apart = {owners[case] for case in named}
    others = [case for case in pool if owners[case] not in apart]
    tested, validated = _held_out(others, owners, wanted)
    apart = {owners[case] for case in [*tested, *validated]}
    left = [case for case in pool if owners[case] not in apart]
    random = np.random.default_rng([wanted.seed, wanted.labeled_draw])
    left = named or random.permutation(left).tolist()
    labeled = len(left) if wanted.labeled is None else wanted.labeled
    least = max(labeled, 1) if pool else labeled
    if len(left) < least:
        raise _too_few(pool, wanted, labeled=least)
    held_out = {owners[case] for case in [*tested, *validated]}
    trained = left[:labeled]
    rest = [case for case in cases if case not in {*trained, *tested, *validated}]
    return Split(
        labeled=trained if named else sorted(trained),
        unlabeled=[case for case in rest if owners[case] not in held_out],
        validation=sorted(validated),
        test=sorted(tested),
        dropped=[case for case in rest if owners[case] in held_out],
    )


def _named(wanted: Wanted, cases: Collection[str], *, with_label: Collection[str]) -> list[str]:
    """The cases that a table says are to be labeled; none where there is no table."""
    if wanted.labeled_from is None:
        return []
    named = named_cases(wanted.labeled_from, cases)
    count = len(named) if wanted.labeled is None else wanted.labeled
    if count > len(named):
        raise InputError(f"--labeled {count}: {wanted.labeled_from} names {len(named)} case(s)")
    missing = [case for case in named[:count] if case not in with_label]
    if missing:
        raise InputError(
            f"{wanted.labeled_from}: no label file of {', '.join(missing)}; label them first, or "
            "say by --labeled N how many of the table have one"
        )
    return named


def _held_out(
    pool: Sequence[str], owners: Mapping[str, str], wanted: Wanted
) -> tuple[list[str], list[str]]:
    """Cases to test on, and those to validate on."""
    if wanted.after is not None:
        return _kept(pool, Path(wanted.after) / "dataset.json")
    test, validation = _counts(pool, wanted)
    shuffled = _by_patient(list(pool), owners, seed=wanted.seed)
    tested = _take(shuffled, test)
    validated = _take(shuffled, validation)
    if len(tested) + len(validated) < test + validation:
        raise _too_few(pool, wanted, labeled=max(wanted.labeled or 1, 1))
    return tested, validated


def _counts(pool: Sequence[str], wanted: Wanted) -> tuple[int, int]:
    """Of test and validation."""
    few = len(pool) < 10
    tenth, fifth = (0 if few else round(len(pool) / part) for part in (10, 5))
    test = fifth if wanted.test is None else wanted.test
    return test, tenth if wanted.validation is None else wanted.validation


def _too_few(pool: Sequence[str], wanted: Wanted, *, labeled: int) -> InputError:
    test, validation = _counts(pool, wanted)
    held_out = " ".join(
        f"--{name} {count}" for name, count in (("validation", validation), ("test", test)) if count
    )
    if wanted.after is not None:
        held_out = f"beside those that --after {wanted.after} validates and tests on"
    words = f"--labeled {labeled} {held_out}".rstrip()
    return InputError(f"{len(pool)} labeled case(s) are too few for {words}")


def _kept(pool: Sequence[str], path: Path) -> tuple[list[str], list[str]]:
    """Those that an earlier ``dataset.json`` tests and validates on."""
    content = read_json(path, dict)
    check_content(content, path)
    kept = tuple([entry["case"] for entry in content[part]] for part in ("test", "validation"))
    for case in (*kept[0], *kept[1]):
        if case not in pool:
            raise InputError(f"{path}: tests or validates on case '{case}', which has no label now")
    return kept[0], kept[1]


def _by_patient(cases: list[str], owners: Mapping[str, str], *, seed: int) -> list[list[str]]:
    names = sorted({owners[case] for case in cases})
    order = np.random.default_rng(seed).permutation(len(names))
    return [[case for case in cases if owners[case] == names[k]] for k in order]


def _take(groups: list[list[str]], count: int) -> list[str]:
    """Whole groups off the front until there are at least ``count`` cases."""
    taken: list[str] = []
    while len(taken) < count and groups:
        taken.extend(groups.pop(0))
    return taken
