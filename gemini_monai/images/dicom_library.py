"""The optional libraries for DICOM that is more than slices."""

from __future__ import annotations

from typing import Any, NamedTuple

from gemini_monai.base.errors import InputError


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
    try:
        import highdicom
        import pydicom
    except ImportError as error:
        raise InputError(
            f"{purpose} needs the package highdicom: pip install 'gemini_monai[dicom]'"
        ) from error
    return DicomLibraries(highdicom, pydicom)
