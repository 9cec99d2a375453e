"""Repair of clocks: wraps, resets, disorder, duplicates; or refusal."""

from pathlib import Path

import numpy as np
import pytest

from tapscope.errors import SensorError
from tapscope.sensors.clock import repair_clock, unwrap_counter

LOG = Path("log.csv")
EVEN_S = np.arange(200) / 100


def test_clock_that_rises_is_left_alone() -> None:
    keep, time_s, repairs = repair_clock(EVEN_S, LOG)
    assert keep == slice(None)
    np.testing.assert_array_equal(time_s, EVEN_S)
    assert repairs == {}


def test_missing_times_are_dropped_and_counted() -> None:
    logged = EVEN_S.copy()
    logged[[3, 9]] = np.nan
    keep, time_s, repairs = repair_clock(logged, LOG)
    np.testing.assert_array_equal(logged[keep], time_s)
    assert len(time_s) == 198
    assert repairs == {"rows_without_time_dropped": 2}


@pytest.mark.parametrize("span_s", [2**32 * 1e-6, 2**32 * 1e-3])
def test_wrap_of_32_bits_is_undone(span_s: float) -> None:
    true_s = EVEN_S + span_s - 1.005
    keep, time_s, repairs = repair_clock(true_s % span_s, LOG)
    np.testing.assert_allclose(time_s, true_s)
    assert len(EVEN_S[keep]) == 200
    assert repairs == {"counter_wraps_undone": 1}


def test_longest_stretch_between_resets_is_kept() -> None:
    logged = np.concatenate([EVEN_S[:50] + 500, EVEN_S, EVEN_S[:30] - 40])
    keep, time_s, repairs = repair_clock(logged, LOG)
    np.testing.assert_array_equal(time_s, EVEN_S)
    np.testing.assert_array_equal(np.arange(len(logged))[keep], np.arange(50, 250))
    assert repairs == {"clock_resets": 2, "rows_outside_longest_stretch_dropped": 80}


def test_rows_in_the_wrong_order_are_sorted() -> None:
    logged = EVEN_S.copy()
    logged[[20, 21]] = logged[[21, 20]]
    keep, time_s, repairs = repair_clock(logged, LOG)
    np.testing.assert_array_equal(time_s, EVEN_S)
    np.testing.assert_array_equal(logged[keep], EVEN_S)
    assert repairs == {"rows_reordered": 1}


def test_first_of_equal_times_is_kept() -> None:
    logged = np.insert(EVEN_S, 10, EVEN_S[10])
    keep, time_s, repairs = repair_clock(logged, LOG)
    np.testing.assert_array_equal(time_s, EVEN_S)
    assert 11 not in np.arange(201)[keep]
    assert repairs == {"duplicate_times_dropped": 1}


@pytest.mark.parametrize(
    ("logged", "message"),
    [
        (np.zeros(50), "never rises"),
        (EVEN_S[::-1], "never rises"),
        (np.array([1.0, np.nan]), "1 samples with a time"),
        (np.repeat(EVEN_S[:80], 3), "too coarse"),
        (np.tile([0.0, 0.5, 0.2, 0.7], 50) + np.arange(200) / 1000, "steps back"),
    ],
)
def test_clock_past_repair_is_refused(logged: np.ndarray, message: str) -> None:
    with pytest.raises(SensorError, match=message):
        repair_clock(logged, LOG)


def test_counter_keeps_missing_values_and_small_steps_back() -> None:
    counter = np.array([65530.0, np.nan, 65534.0, 2.0, 1.0, 7.0])
    unwrapped, wraps = unwrap_counter(counter, 16)
    np.testing.assert_array_equal(unwrapped, [65530.0, np.nan, 65534.0, 65538.0, 65537.0, 65543.0])
    assert wraps == 1
    assert unwrap_counter(np.array([np.nan]), 16)[1] == 0
