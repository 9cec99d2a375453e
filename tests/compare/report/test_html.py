"""Numbers as texts: of what is not known there is one dash, not '- to -'."""

import math

import pytest

from tapscope.agreement.estimate import Estimate
from tapscope.compare.report.html import DASH, between, with_interval


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (-0.25, 1.25, "−0.250 to 1.25"),
        (math.nan, math.nan, DASH),
        (math.nan, 1.25, DASH),
        (-0.25, math.inf, DASH),
    ],
)
def test_a_range_with_an_unknown_end_is_one_dash(low: float, high: float, text: str) -> None:
    assert between(low, high) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(-1.0, 2.0, "0.500 [−1.00, 2.00]"), (math.nan, math.nan, "0.500")],
)
def test_an_estimate_without_an_interval_is_the_value_alone(
    low: float, high: float, text: str
) -> None:
    assert with_interval(Estimate("bias", 0.5, low, high, 0.95, "mean", 9)) == text


def test_an_estimate_that_is_missing_is_a_dash() -> None:
    assert with_interval(None) == DASH
