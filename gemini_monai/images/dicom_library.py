"""The optional libraries for DICOM that is more than slices."""

from __future__ import annotations

from typing import Any, NamedTuple

from gemini_monai.base.extras import optional


class DicomLibraries(NamedTuple):
    """Imported, which takes seconds."""

    highdicom: Any
    pydicom: Any


def dicom_libraries(purpose: str) -> DicomLibraries:
    """Import highdicom and pydicom.

    Args:
        purpose: What needs them, the first words of the message.

    Raises:
        InputError: If they are not installed.
    """
    names = ("highdicom", "pydicom")
    return DicomLibraries(*(optional(name, extra="dicom", purpose=purpose) for name in names))
