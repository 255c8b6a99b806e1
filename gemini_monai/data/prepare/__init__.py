"""From what a person has to a ``dataset.json``: one room per kind of source."""

from __future__ import annotations

from gemini_monai.data.prepare.prepare_on_demand import prepared
from gemini_monai.data.prepare.sources.candi import prepare_candi
from gemini_monai.data.prepare.sources.chestxray8 import prepare_chestxray8
from gemini_monai.data.prepare.sources.decathlon import prepare_decathlon
from gemini_monai.data.prepare.sources.heart_ct import prepare_heart_ct
from gemini_monai.data.prepare.sources.kipa22 import prepare_kipa22
from gemini_monai.data.prepare.sources.own_folder import prepare_folder
from gemini_monai.data.prepare.sources.ppmi import prepare_ppmi
from gemini_monai.data.prepare.sources.scr import prepare_scr

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
