"""Puts the bundles into the wheel; everything else of the build is in setup.cfg."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PARTS = ("configs/*.json", "configs/*.conf", "docs/*", "LICENSE")
"""What a bundle is, without data and runs that lie in it after use."""


class WithBundles(build_py):
    """``build_py`` with ``bundles/NAME`` as ``gemini_monai/bundle_files/NAME``."""

    def run(self):
        """Copy what ``build_py`` copies, and the bundles unless the install is editable."""
        super().run()
        if self.editable_mode:
            return
        for bundle in sorted(Path("bundles").iterdir()):
            for pattern in PARTS:
                for file in sorted(bundle.glob(pattern)):
                    own = file.relative_to("bundles")
                    target = Path(self.build_lib, "gemini_monai", "bundle_files", own)
                    self.mkpath(str(target.parent))
                    self.copy_file(str(file), str(target))


setup(cmdclass={"build_py": WithBundles})
