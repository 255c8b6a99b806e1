"""From what a person has to a ``dataset.json``: one room per kind of source."""

from __future__ import annotations

from gemini_monai.data.prepare.candi import prepare_candi
from gemini_monai.data.prepare.chestxray8 import prepare_chestxray8
from gemini_monai.data.prepare.decathlon import prepare_decathlon
from gemini_monai.data.prepare.folder import prepare_folder
from gemini_monai.data.prepare.ppmi import prepare_ppmi

__all__ = [
    "prepare_candi",
    "prepare_chestxray8",
    "prepare_decathlon",
    "prepare_folder",
    "prepare_ppmi",
]
