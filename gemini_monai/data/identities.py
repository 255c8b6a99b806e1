"""What a data set is, as hashes: of files as they are now, and of who is on which side."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from gemini_monai.data.checks import FILE_KEYS, SPLITS
from gemini_monai.data.entries import sources_of

if TYPE_CHECKING:
    from gemini_monai.data.cohort import Cohort


def identities(cohort: Cohort) -> dict[str, str]:
    """Hashes by what they are of.

    ``images`` and ``labels`` are of what each case's files hold, and where they lie; structures'
    names and values are among the latter. ``split`` is of which case is where, and may be paired
    with whom.

    Args:
        cohort: With ``digests``.
    """
    entries = _entries(cohort)
    labeled = [entry for entry in entries if "label" in entry]
    structures = [sorted(cohort.labels.items()), cohort.overlapping, *_ignored(cohort)]
    images = [key for key in FILE_KEYS if key != "label"]
    return {
        "images": hash_of([_contents(cohort, entry, images) for entry in entries]),
        "labels": hash_of([structures, *(_contents(cohort, e, ["label"]) for e in labeled)]),
        "split": hash_of({split: list(map(_place, getattr(cohort, split))) for split in SPLITS}),
    }


def content_hash(cohort: Cohort) -> str:
    """The cohort's ``hash``; where images changed, a hash of what their files hold now."""
    named = [pair for entry in _entries(cohort) for pair in sources_of(entry)]
    images = [source for key, source in named if key == "image"]
    if not set(images) & cohort.changes.keys():
        return cohort.hash
    return hash_of(sorted(cohort.digests[source] for source in images))


def prepared_identity(cohort: Cohort) -> str:
    """Hash of the images as they were prepared, of names of labels, and of who is on which side."""
    cases = {split: sorted(entry["case"] for entry in getattr(cohort, split)) for split in SPLITS}
    known = [cohort.hash, cohort.overlapping, sorted(cohort.labels.items()), cases]
    known += _ignored(cohort)
    if not all(cohort.paired):
        known.append(sorted(e["case"] for e in cohort.unlabeled if not is_paired(e)))
    return hash_of(known)


def _ignored(cohort: Cohort) -> list[dict[str, int]]:
    """The value of voxels that do not count; nothing where all do, as of early data sets."""
    return [] if cohort.ignore is None else [{"ignore": cohort.ignore}]


def _entries(cohort: Cohort) -> list[dict[str, Any]]:
    entries = [entry for split in SPLITS for entry in getattr(cohort, split)]
    return sorted(entries, key=lambda entry: str(entry["case"]))


def _contents(cohort: Cohort, entry: Mapping[str, Any], keys: Collection[str]) -> list[str]:
    """The case, its grid if it has one, and keys and hashes of its files."""
    own = [(key, cohort.digests[source]) for key, source in sources_of(entry) if key in keys]
    return [str(entry["case"]), str(entry.get("grid")), *(part for pair in own for part in pair)]


def _place(entry: Mapping[str, Any]) -> list[str]:
    """Which case it is, and what says with whom it may be paired."""
    known = [str(entry.get(key, "")) for key in ("case", "patient", "group")]
    return [*known, str(is_paired(entry))]


def is_paired(entry: Mapping[str, Any]) -> bool:
    """Whether an unlabeled entry may be paired with others."""
    return bool(entry.get("paired", True))


def hash_of(known: Any) -> str:
    """SHA-256 of what JSON can hold."""
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
