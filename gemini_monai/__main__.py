"""``python -m gemini_monai``, the same as ``gemini``."""

from __future__ import annotations

from gemini_monai.commands import main

if __name__ == "__main__":
    main()
