"""What a grid knows of its data sets and methods by their files."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from gemini_monai.base.bundles import shipped_bundle
from gemini_monai.base.files import read_json
from gemini_monai.data.dataset_file import lasting_content


def content_hash(data: Path) -> str:
    """Of its ``dataset.json``, whenever its files were copied."""
    path = data / "dataset.json"
    content = read_json(path, dict)
    lasting = json.dumps(lasting_content(content)).encode() if "files" in content else None
    return hashlib.sha256(path.read_bytes() if lasting is None else lasting).hexdigest()


def data_name(data: Path) -> str:
    """Name of a prepared data set: its own and its folder's, as several may be draws of one.

    It is part of names of folders and of commands, so of letters, digits and a few signs alone.

    Args:
        data: Its folder.
    """
    name = f"{read_json(data / 'dataset.json', dict)['name']}_{data.absolute().name}"
    return re.sub(r"[^\w.+-]+", "_", name).lstrip("._+-") or "data"


def is_segmenter(method: str) -> bool:
    """Whether runs of a method segment by a network of their own, and not by an atlas.

    Args:
        method: Its name.
    """
    overlay = shipped_bundle("gemini_semi") / "configs" / f"method_{method}.json"
    content = read_json(overlay, dict) if overlay.is_file() else {}
    return bool(content.get("train#task", "segmentation") == "segmentation")
