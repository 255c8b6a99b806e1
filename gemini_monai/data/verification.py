"""A data set compared with what was recorded of its files when it was prepared."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gemini_monai.base.errors import InputError
from gemini_monai.data.checks import SPLITS
from gemini_monai.data.cohort import Cohort
from gemini_monai.data.content import Change, compared
from gemini_monai.data.copies import refuse_copies
from gemini_monai.data.entries import sources_of

NAMED = 3
"""Changes that are named in one line."""
_said: set[tuple[Path, str]] = set()


def verified(cohort: Cohort, *, data_changed: bool) -> Cohort:
    """The cohort with the hashes of what its files hold now.

    Of a ``dataset.json`` that records nothing, such as one that was written by hand, a line says so
    once.

    Args:
        cohort: With absolute paths.
        data_changed: Files may hold something else than they did; it is said, and kept as
            ``changes``.

    Raises:
        InputError: If a file holds something else, is gone or new and that was not said to be
            meant, a file cannot be read, or two images are one.
    """
    splits = {split: getattr(cohort, split) for split in SPLITS}
    if not cohort.files:
        _say(
            cohort.path, "records no sizes and hashes of its files, so changes in them are not seen"
        )
        refuse_copies(splits, where=str(cohort.path))
        return cohort
    roles = roles_of(cohort)
    content = compared(roles, cohort.files)
    changes = _told(content.changes, roles)
    told = list(changes.values())
    if told and not data_changed:
        raise InputError(
            f"{cohort.path}: not as it was prepared: {_listed(told)}; prepare again, or if that is "
            "meant, give --data_changed True"
        )
    if told:
        _say(cohort.path, f"not as it was prepared, which is said to be meant: {_listed(told)}")
    if content.unrecorded:
        _say(cohort.path, f"records nothing of {_listed(content.unrecorded)}")
        refuse_copies(splits, where=str(cohort.path))
    refuse_copies(splits, where=str(cohort.path), digests=content.digests)
    return replace(cohort, digests=content.digests, changes=changes)


def roles_of(cohort: Cohort) -> dict[str, str]:
    """What each file or folder of a cohort is, in words, by its path."""
    roles = {} if cohort.reference is None else {str(cohort.reference): "reference"}
    for split in SPLITS:
        for entry in getattr(cohort, split):
            roles |= {source: f"{key} of '{entry['case']}'" for key, source in sources_of(entry)}
    return roles


def _told(changes: Iterable[Change], roles: Mapping[str, str]) -> dict[str, str]:
    """Changes in words by the path of an entry, the first of its files by name."""
    files: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        files[change.source].append(change)
    return {
        source: f"{roles[source]} {own[0].what}: {own[0].file}"
        + (f" (and {len(own) - 1} more of its files)" if len(own) > 1 else "")
        for source, own in files.items()
    }


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return f"{'; '.join(texts[:NAMED])}{more}"


def _say(path: Path, text: str) -> None:
    """Once in a process."""
    if (path, text) not in _said:
        _said.add((path, text))
        logging.getLogger(__name__).warning("%s: %s", path, text)
