"""Tests of charts and pictures."""
