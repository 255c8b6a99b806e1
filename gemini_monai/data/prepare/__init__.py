"""From what a person has to a ``dataset.json``: one room per kind of source."""

from __future__ import annotations

from gemini_monai.data.prepare.at_once import prepared
from gemini_monai.data.prepare.candi import prepare_candi
from gemini_monai.data.prepare.chestxray8 import prepare_chestxray8
from gemini_monai.data.prepare.decathlon import prepare_decathlon
from gemini_monai.data.prepare.folder import prepare_folder
from gemini_monai.data.prepare.heart_ct import prepare_heart_ct
from gemini_monai.data.prepare.kipa22 import prepare_kipa22
from gemini_monai.data.prepare.ppmi import prepare_ppmi
from gemini_monai.data.prepare.scr import prepare_scr

__all__ = [
    "prepare_candi",
    "prepare_chestxray8",
    "prepare_decathlon",
    "prepare_folder",
    "prepare_heart_ct",
    "prepare_kipa22",
    "prepare_ppmi",
    "prepare_scr",
    "prepared",
]
