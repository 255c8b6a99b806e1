"""Streams: what a batch is made of, each drawn by random numbers of its own.

The numbers of a stream depend on the seed, the rank, the iteration and the stream alone, so that
every method sees the same labeled images, the same pairs and the same random transforms.
"""

from __future__ import annotations

from gemini_monai.data.streams.images import Labeled, Partners, Unlabeled
from gemini_monai.data.streams.looks import Looks
from gemini_monai.data.streams.named import named_streams
from gemini_monai.data.streams.paired import Corrupted, Pairs, corrupted
from gemini_monai.data.streams.stream import Stream
from gemini_monai.data.streams.views import Views, displacement_between

__all__ = [
    "Corrupted",
    "Labeled",
    "Looks",
    "Pairs",
    "Partners",
    "Stream",
    "Unlabeled",
    "Views",
    "corrupted",
    "displacement_between",
    "named_streams",
]
