"""Tests of the report about recordings."""
