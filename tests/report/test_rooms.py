"""The rooms of the report: imports go one way, and no name stands twice in the package."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "gemini_monai"
REPORT = PACKAGE / "report"


@pytest.mark.parametrize(
    ("room", "allowed"),
    [("read", {"read"}), ("figures", {"figures", "read"}), ("page", {"page", "figures", "read"})],
)
def test_imports_go_from_page_over_figures_to_read(room: str, allowed: set[str]) -> None:
    for path in (REPORT / room).glob("*.py"):
        imported = re.findall(r"from gemini_monai\.report(?:\.(\w+))?", path.read_text())
        assert set(imported) <= allowed, path


def defined_in(path: Path) -> set[str]:
    """Public functions and classes of a module."""
    nodes = ast.parse(path.read_text()).body
    names = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    return {name for name in names if not name.startswith("_")}


def test_no_function_class_or_module_of_the_report_has_a_namesake_in_the_package() -> None:
    homes: dict[str, list[Path]] = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        if path.stem not in ("__init__", "__main__"):
            for name in {*defined_in(path), f"{path.stem}.py"}:
                homes[name].append(path)
    twice = {
        name: paths
        for name, paths in homes.items()
        if len(paths) > 1 and any(path.is_relative_to(REPORT) for path in paths)
    }
    assert twice == {}
