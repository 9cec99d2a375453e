"""How a task ends, by what the protocol expects."""

from collections import defaultdict

import numpy as np
import pytest

from tapscope.features import (
    Context,
    Expected,
    compute,
    in_task,
    least_expected,
    quality_status,
    task_ending,
)
from tapscope.protocol.rules import QualityRules
from tapscope.records import Trajectory
from tests.signal_path import path_of
from tests.synthetic import filmed, reaches

TEN_TAPS = Expected(taps=10)
TEN_SECONDS = Expected(duration_s=10.0)


def context(
    expected: Expected, duration_s: float, rest_s: float, lost_after_s: float = np.inf
) -> Context:
    """Return 2 Hz taps for a time, then a rest; nothing is known from a moment on."""
    motion = reaches(2.0, duration_s, lead_in_s=0.5, lead_out_s=rest_s)
    seen = filmed(motion, noise=0.005)
    aperture = np.where(seen.time_s < lost_after_s, seen.aperture, np.nan)
    trajectory = Trajectory(seen.time_s, aperture, "none", "analytic")
    found = path_of(trajectory)
    return in_task(trajectory, found.movement, found.task, found.taps, expected=expected)


@pytest.mark.parametrize(
    ("expected", "duration_s", "rest_s", "ending", "early_s"),
    [
        (TEN_TAPS, 5.0, 5.0, "complete", 0.0),
        (TEN_SECONDS, 5.0, 5.0, "stopped_early", 5.0),
        (TEN_SECONDS, 10.0, 3.0, "complete", 0.0),
        (TEN_TAPS, 3.0, 4.0, "stopped_early", 2.0),
        (TEN_TAPS, 3.0, 0.3, "recording_ends", np.nan),
        (Expected(), 3.0, 4.0, "not_asked", 0.0),
    ],
)
def test_the_protocol_decides_whether_the_task_ended_or_the_tapper_stopped(
    expected: Expected, duration_s: float, rest_s: float, ending: str, early_s: float
) -> None:
    found = context(expected, duration_s, rest_s)
    numbers = compute(found)
    assert task_ending(found) == ending
    assert numbers["stopped_early_s"] == pytest.approx(early_s, abs=0.3, nan_ok=True)
    assert numbers["halt_count"] == (ending == "stopped_early")


def test_two_hertz_for_five_seconds_then_still_is_a_halt_of_five_seconds() -> None:
    numbers = compute(context(TEN_SECONDS, 5.0, 5.0))
    assert numbers["tapping_rate_hz"] == pytest.approx(2.0, rel=0.02)
    assert numbers["longest_halt_s"] == pytest.approx(5.0, abs=0.3)
    assert numbers["freeze_share"] == pytest.approx(0.5, abs=0.03)


def test_a_hand_out_of_view_did_not_halt() -> None:
    found = context(TEN_SECONDS, 5.0, 5.0, lost_after_s=5.8)
    assert task_ending(found) == "hand_lost"
    assert compute(found)["halt_count"] == 0


@pytest.mark.parametrize(
    ("expected", "limit"),
    [
        (TEN_TAPS, "(limit 9 taps)"),
        (TEN_SECONDS, "(limit 9 s)"),
        (Expected(taps=15, duration_s=5.0), "(limit 14 taps or 4.5 s)"),
    ],
)
def test_a_lost_hand_is_told_with_what_was_seen_and_the_limit(
    expected: Expected, limit: str
) -> None:
    least = least_expected(context(expected, 3.0, 1.0))
    numbers = {"tap_count": 6.0, "task_duration_s": 3.04, "task_end_s": 3.54}
    verdict = quality_status(
        defaultdict(lambda: np.nan, numbers), QualityRules(min_duration_s=1.0), "hand_lost", least
    )
    assert verdict.reason == (f"the hand is not seen after 3.5 s, with 6 taps in 3.0 s {limit}")


def test_nothing_that_taps_has_no_ending() -> None:
    time_s = np.arange(0, 5, 1 / 30)
    still = Trajectory(time_s, np.full(len(time_s), np.nan), "none", "analytic")
    found = path_of(still)
    assert task_ending(in_task(still, found.movement, found.task, found.taps)) == ""
