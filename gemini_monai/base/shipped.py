"""What came with the package beside its code: bundles and pages, in a wheel or in a clone."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def shipped_bundles() -> Path:
    """Folder of the bundles of a wheel, or of the clone that an editable install runs from."""
    installed = package_folder() / "bundle_files"
    return installed if installed.is_dir() else package_folder().parent / "bundles"


def first_page() -> Path:
    """Where to start reading."""
    installed = package_folder() / "doc_files"
    return (installed if installed.is_dir() else package_folder().parent) / "docs" / "index.md"


def is_in_package(path: Path) -> bool:
    """Whether a file or folder lies in the installed package, where nothing is to be written."""
    return path.resolve().is_relative_to(package_folder().resolve())


def package_folder() -> Path:
    """The installed package; MONAI takes paths, so it has to be a folder."""
    return Path(str(files("gemini_monai")))
