"""Matching of taps and what is made of it."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tapscope.agreement.estimate import Estimate
from tapscope.agreement.events import EventMatch, event_agreement, match_events
from tapscope.errors import ComparisonError

times = st.lists(st.integers(0, 40).map(lambda tick: tick / 8), max_size=5)


def brute_force(video: list[float], sensor: list[float], tolerance: float) -> tuple[int, float]:
    """Try every matching; return the best one's pairs and total error."""
    best = (0, 0.0)
    for size in range(1, min(len(video), len(sensor)) + 1):
        for chosen in combinations(video, size):
            for partners in permutations(sensor, size):
                errors = [abs(a - b) for a, b in zip(chosen, partners, strict=True)]
                if max(errors) <= tolerance and (size, -sum(errors)) > (best[0], -best[1]):
                    best = (size, sum(errors))
    return best


@given(times, times, st.sampled_from([0.125, 0.25, 1.0]))
def test_matching_is_the_best_there_is(
    video: list[float], sensor: list[float], tolerance: float
) -> None:
    found = match_events(video, sensor, tolerance)
    count, error = brute_force(video, sensor, tolerance)
    assert found.matched == count
    assert np.abs(found.error_s).sum() == pytest.approx(error)
    video_places = [*found.video_index.tolist(), *found.extra_index.tolist()]
    sensor_places = [*found.sensor_index.tolist(), *found.missed_index.tolist()]
    assert sorted(video_places) == list(range(len(video)))
    assert sorted(sensor_places) == list(range(len(sensor)))


@given(times, times)
def test_exchanging_the_sides_turns_the_errors(video: list[float], sensor: list[float]) -> None:
    one, other = match_events(video, sensor, 0.5), match_events(sensor, video, 0.5)
    assert (one.matched, one.extra, one.missed) == (other.matched, other.missed, other.extra)
    assert np.abs(one.error_s).sum() == pytest.approx(np.abs(other.error_s).sum())


def test_greedy_matching_would_lose_a_pair() -> None:
    # The nearest neighbours 1.0 and 1.04 would leave 0.97 and 1.12 without a partner.
    found = match_events([1.0, 1.12], [0.92, 1.04], 0.09)
    assert found.matched == 2
    np.testing.assert_allclose(found.error_s, [0.08, 0.08])


def test_matches_do_not_cross() -> None:
    found = match_events([1.1, 1.0], [1.05, 1.15], 0.2)
    np.testing.assert_array_equal(found.video_index, [1, 0])
    np.testing.assert_array_equal(found.sensor_index, [0, 1])
    np.testing.assert_allclose(found.error_s, [-0.05, -0.05])


def test_a_decimal_tolerance_holds_its_end() -> None:
    assert match_events([0.35], [0.30], 0.05).matched == 1
    assert match_events([0.3501], [0.30], 0.05).matched == 0


def test_missing_times_are_left_out_and_counted() -> None:
    found = match_events([np.nan, 2.0, 1.0], [1.0, np.inf, 2.0, 3.0], 0.1)
    assert (found.matched, found.extra, found.missed, found.n_dropped) == (2, 0, 1, 2)
    np.testing.assert_array_equal(found.video_index, [2, 1])
    np.testing.assert_array_equal(found.missed_index, [3])


def agreement(*matches: EventMatch) -> dict[str, Estimate]:
    """Return the estimates of these recordings by name."""
    return {estimate.name: estimate for estimate in event_agreement(matches)}


def test_one_recording() -> None:
    sensor = np.arange(10.0)
    video = np.append(sensor[:8] + np.array([10, -10, 20, 0, 10, 30, -20, 0]) / 1000, 20.0)
    found = agreement(match_events(video, sensor, 0.05))
    assert [found[name].value for name in ("matched", "missed", "extra")] == [8, 2, 1]
    assert found["precision"].value == pytest.approx(8 / 9)
    assert found["recall"].value == pytest.approx(0.8)
    assert found["f1"].value == pytest.approx(16 / 19)
    # Wilson's interval of 8 of 10.
    assert (found["recall"].low, found["recall"].high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert found["timing_bias_s"].value == pytest.approx(0.005)
    assert found["timing_median_absolute_s"].value == pytest.approx(0.010)
    assert found["timing_sd_s"].value == pytest.approx(np.std(video[:8] - sensor[:8], ddof=1))
    expected = stats.ttest_1samp(video[:8] - sensor[:8], 0).confidence_interval(0.95)
    interval = found["timing_bias_s"].low, found["timing_bias_s"].high
    assert interval == pytest.approx((expected.low, expected.high))
    assert "within 50 ms" in found["f1"].method


def test_several_recordings_widen_the_intervals() -> None:
    sensor = np.arange(40.0)
    offsets = [0.01, -0.01, 0.02, -0.03]
    good = [match_events(sensor + offset, sensor, 0.05) for offset in offsets]
    bad = match_events(sensor[::4], sensor, 0.05)
    found = agreement(*good, bad)
    assert found["recall"].value == pytest.approx(170 / 200)
    width = found["recall"].high - found["recall"].low
    simple = stats.binomtest(170, 200).proportion_ci(method="wilson")
    assert width > 2 * (simple.high - simple.low)
    assert "design effect" in found["recall"].method
    assert "jackknife over recordings" in found["timing_bias_s"].method
    # The offsets differ between recordings only: 170 taps are not 170 independent errors.
    assert found["timing_bias_s"].high - found["timing_bias_s"].low > 0.03


def test_without_taps_nothing_is_claimed() -> None:
    found = agreement(match_events([], [], 0.05))
    assert [found[name].value for name in ("matched", "missed", "extra")] == [0, 0, 0]
    for name in ("precision", "recall", "f1", "timing_bias_s", "timing_sd_s"):
        assert np.isnan(found[name].value)
        assert "undefined" in found[name].method
    missed = agreement(match_events([], [1.0, 2.0], 0.05))
    assert np.isnan(missed["precision"].value)
    assert missed["recall"].value == 0 and missed["recall"].low == 0 < missed["recall"].high


def test_one_matched_tap_in_a_recording_has_no_spread() -> None:
    one, two = match_events([1.0], [1.01], 0.05), match_events([1.0, 2.0], [1.0, 2.02], 0.05)
    found = agreement(one, two)
    assert found["timing_sd_s"].value == pytest.approx(0.01)
    assert np.isnan(found["timing_sd_s"].low)
    assert np.isnan(found["timing_median_absolute_s"].low)


def test_refusals() -> None:
    with pytest.raises(ComparisonError, match="positive"):
        match_events([1.0], [1.0], 0.0)
    with pytest.raises(ComparisonError, match="one list"):
        match_events([[1.0]], [1.0], 0.1)
    with pytest.raises(ComparisonError, match="one tolerance"):
        event_agreement([match_events([1], [1], 0.1), match_events([1], [1], 0.2)])
    with pytest.raises(ComparisonError, match="tolerance"):
        event_agreement([])
