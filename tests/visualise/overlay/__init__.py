"""Tests of the clips with what was measured."""
