"""Whether all images can be read, before the first of them costs anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from tqdm import tqdm

from gemini_monai.base.errors import InputError
from gemini_monai.inference.segmentation import loaded
from gemini_monai.transforms import InputSpec, preprocessing

NAMED = 5
"""Images that an error tells of."""


def refuse_unreadable(data: Sequence[Mapping[str, Any]], spec: InputSpec) -> None:
    """Read every image once, so that a damaged one stops a night's work before it begins.

    Nothing is kept. An image alone is not read twice.

    Args:
        data: Items with ``image``, a file, and ``case``.
        spec: How a network sees images, which says their axes and channels.

    Raises:
        InputError: Telling of the images that cannot be read or are not such as the network takes.
    """
    if len(data) < 2:
        return
    read = partial(preprocessing(spec, keys=["image"]), end=1)  # the files, as they lie
    found = []
    for item in tqdm(data, desc="reading", leave=False):
        try:
            loaded(read, dict(item))
        except InputError as error:
            found.append(str(error))
    if found:
        more = [f"and {len(found) - NAMED} more"] * (len(found) > NAMED)
        raise InputError(
            f"{len(found)} of {len(data)} images cannot be used, so none was begun; mend them or "
            f"move them away: {'; '.join([*found[:NAMED], *more])}"
        )
