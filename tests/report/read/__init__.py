"""Tests of reading a run folder for the report."""
