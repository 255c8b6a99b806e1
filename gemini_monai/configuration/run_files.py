"""Files that a configuration reads, and those that its test writes, by the cases of its cohort."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from monai.bundle import ConfigParser

from gemini_monai.configuration.parser_access import has_key
from gemini_monai.data.checks import FILE_KEYS, SPLITS
from gemini_monai.runs import RunFolder


def predicted_files(parser: ConfigParser) -> list[str]:
    """Names of the predictions of a test, one of each case; none where none are written.

    Args:
        parser: Of the configuration.
    """
    if not has_key(parser, "test#postprocessing#folder"):
        return []
    suffix = "test#postprocessing#suffix"
    ending = parser.get_parsed_content(suffix) if has_key(parser, suffix) else ".nii.gz"
    return [f"{item['case']}{ending}" for item in parser.get_parsed_content("cohort").test]


def input_files(parser: ConfigParser) -> Iterator[Path]:
    """Files of the data set, and what training starts from.

    Args:
        parser: Of the configuration.
    """
    cohort = parser.get_parsed_content("cohort")
    yield cohort.path
    for entry in (entry for split in SPLITS for entry in getattr(cohort, split)):
        for files in (entry[key] for key in FILE_KEYS if key in entry):
            yield from map(Path, [files] if isinstance(files, str) else files)
    for name in ("pretrained", "continue_from"):
        if has_key(parser, name):
            source = Path(str(parser.get_parsed_content(name)))
            yield from (source, RunFolder(source).model)
