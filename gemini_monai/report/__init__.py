"""The page that a person looks at after a run, and the picture of a README.

``read`` makes dataclasses of a run folder, ``figures`` draws what they hold, ``page`` says what it
means; each imports only from those before it.
"""

from __future__ import annotations

from gemini_monai.report.figures.readme_picture import readme_picture
from gemini_monai.report.page.choice_page import write_choice_page
from gemini_monai.report.page.quality_page import write_quality_page
from gemini_monai.report.page.report_page import write_report
from gemini_monai.report.page.terminal import print_findings
from gemini_monai.report.page.viewer_code import install_viewer

__all__ = [
    "install_viewer",
    "print_findings",
    "readme_picture",
    "write_choice_page",
    "write_quality_page",
    "write_report",
]
