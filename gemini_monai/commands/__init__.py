"""Commands: what a person types. Nothing here is imported by another room, nor imports much."""

from __future__ import annotations

from gemini_monai.commands.parser import main

__all__ = ["main"]
