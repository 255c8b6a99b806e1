"""Tests of the page and of the printout."""
