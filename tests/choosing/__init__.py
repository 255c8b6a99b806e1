"""Tests of ``gemini_monai.choosing``."""
