"""What is said of structures, and of what found them, in DICOM's own codes."""

from __future__ import annotations

import re
from typing import Any

from gemini_monai import __version__
from gemini_monai.images.dicom_library import DicomLibraries

MAKER = "gemini_monai"
UTF_8 = "ISO_IR 192"
"""Character set of what is written: names of structures are anybody's."""
KNOWN = ("cid7152", "cid7153", "cid7154", "cid7155")
"""DICOM's lists of structures of the heart, the nervous system, the abdomen and the chest."""


def algorithm_name(method: str) -> str:
    """What an algorithm is called in a file.

    Args:
        method: Of the run.
    """
    return f"{MAKER} {method}".strip()


def made_by(libraries: DicomLibraries) -> dict[str, Any]:
    """Attributes by which every file says what wrote it, and in which characters.

    Args:
        libraries: To write with.
    """
    return {
        "sop_instance_uid": libraries.highdicom.UID(),
        "series_instance_uid": libraries.highdicom.UID(),
        "instance_number": 1,
        "manufacturer": MAKER,
        "manufacturer_model_name": MAKER,
        "software_versions": __version__,
        "device_serial_number": "0",
        "specific_character_set": UTF_8,
    }


def concept_of(name: str, codes: Any) -> Any:
    """DICOM's own code for a name that is word by word in its lists, else a general one.

    Args:
        name: Of a structure.
        codes: The dictionary of pydicom.
    """
    keyword = "".join(word.capitalize() for word in re.split(r"[\s_-]+", name))
    lists = [getattr(codes, code_list) for code_list in KNOWN]
    matches = (getattr(code_list, keyword) for code_list in lists if keyword in code_list.dir())
    return next(matches, codes.SCT.AnatomicalStructure)
