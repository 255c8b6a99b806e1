"""The page that a person looks at after a run, and the picture of a README."""

from __future__ import annotations

from gemini_monai.report.page import write_report
from gemini_monai.report.readme import readme_picture
from gemini_monai.report.terminal import print_findings

__all__ = ["print_findings", "readme_picture", "write_report"]
