"""Tests of the review of recordings."""
