"""Puts bundles and pages into the wheel; everything else of the build is in setup.cfg."""

import configparser
import re
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BUNDLES = ("*/configs/*.json", "*/configs/*.conf", "*/docs/*", "*/LICENSE")
"""What bundles are, without data and runs that lie in them after use."""
PAGES = (
    *("README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md"),
    *("docs/**/*", "bundles/*/docs/*", "examples/*.py", "examples/*.ipynb"),
)
"""What the pages are, and what they link to."""
DOC_FILES = "gemini_monai/doc_files"
LINK = re.compile(r"(!?)(\[[^\]]*\])\((?!\w+:|#)([^)\s]+)\)")


class WithFiles(build_py):
    """``build_py`` with bundles as ``bundle_files`` and pages as ``doc_files`` of the package."""

    def run(self):
        """Copy what ``build_py`` copies, and the rest unless the install is editable."""
        super().run()
        if self.editable_mode:
            return
        self._copy(Path("bundles"), BUNDLES, "gemini_monai/bundle_files")
        self._copy(Path(), PAGES, DOC_FILES)

    def _copy(self, root, patterns, destination):
        for file in sorted({file for pattern in patterns for file in root.glob(pattern)}):
            if file.is_file():
                target = Path(self.build_lib, destination, file.relative_to(root))
                self.mkpath(str(target.parent))
                self.copy_file(str(file), str(target))


def description(readme, source, version):
    """The README for an index of packages, whose links lead to a page wherever it is read.

    Args:
        readme: Its text, with links that are relative to it.
        source: Address of the repository; ``None`` for links to the files in the wheel.
        version: Whose tag is linked to.
    """

    def linked(found):
        picture, text, path = found.groups()
        place = f"{source}/{'raw' if picture else 'blob'}/v{version}" if source else DOC_FILES
        return f"{picture}{text}({place}/{path})"

    return LINK.sub(linked, readme)


def address():
    """``Source`` of ``project_urls``, as soon as the repository has a public address."""
    config = configparser.ConfigParser()
    config.read("setup.cfg")
    lines = config["metadata"]["project_urls"].strip().splitlines()
    return dict(re.split(r"\s*=\s*", line, maxsplit=1) for line in lines).get("Source")


def version():
    """That of the package."""
    text = Path("gemini_monai/__init__.py").read_text(encoding="utf-8")
    return re.search(r'__version__ = "(.+)"', text)[1]


if __name__ == "__main__":
    page = Path("README.md").read_text(encoding="utf-8")
    setup(
        cmdclass={"build_py": WithFiles},
        long_description=description(page, address(), version()),
    )
