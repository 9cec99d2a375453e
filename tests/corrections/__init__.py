"""Tests of the corrections of raters."""
