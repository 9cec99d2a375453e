"""Measure finger tapping from ordinary video."""

__version__ = "0.1.0"
