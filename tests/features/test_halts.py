"""Halts and hesitations, judged beside the tapper's own habits."""

import numpy as np
import pytest

from tapscope.features import compute, in_task
from tests.signal_path import path_of
from tests.synthetic import Cycle, Motion, frames, sampled

HALTS = ("hesitation_count", "halt_count", "longest_halt_s", "freeze_share")


def cycles(
    rate_hz: float,
    count: int,
    *,
    dwell: float = 0.2,
    holds_s: dict[int, float] | None = None,
    jitter: float = 0.0,
) -> Motion:
    """Return taps closed for `dwell` of their time; `holds_s` by tap are spent closed after it."""
    rng = np.random.default_rng(4)
    made: list[Cycle] = []
    start_s = 0.3
    for number in range(count):
        period_s = (1 + jitter * rng.normal()) / rate_hz
        hold_s = (holds_s or {}).get(number, 0.0)
        made.append(Cycle(start_s, period_s, 1.0, dwell=dwell, hold_s=hold_s))
        start_s = made[-1].end_s
    return Motion(tuple(made))


def halts_of(motion: Motion) -> dict[str, float]:
    trajectory = sampled(motion, frames(motion.cycles[-1].end_s + 0.2), noise=0.01)
    found = path_of(trajectory)
    numbers = compute(in_task(trajectory, found.movement, found.task, found.taps))
    return {name: numbers[name] for name in HALTS}


@pytest.mark.parametrize("rate_hz", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("dwell", [0.3, 0.5, 0.6])
def test_the_closed_phases_of_slow_taps_are_no_halts(rate_hz: float, dwell: float) -> None:
    found = halts_of(cycles(rate_hz, 10, dwell=dwell, jitter=0.1))
    assert found == dict.fromkeys(HALTS, 0)


def test_a_slow_tapper_who_halts_is_seen_to() -> None:
    found = halts_of(cycles(0.75, 10, dwell=0.4, jitter=0.1, holds_s={4: 2.0}))
    assert found["halt_count"] == 1
    assert found["hesitation_count"] == 1
    assert found["longest_halt_s"] == pytest.approx(2.0 + 0.4 / 0.75, abs=0.25)


@pytest.mark.parametrize("hold_s", [0.5, 0.7, 1.2])
def test_one_closed_halt_is_one_halt_and_one_hesitation(hold_s: float) -> None:
    found = halts_of(cycles(3.0, 24, holds_s={10: hold_s}))
    assert (found["halt_count"], found["hesitation_count"]) == (1, 1)


def test_two_halts_are_two_hesitations() -> None:
    found = halts_of(cycles(3.0, 24, holds_s={8: 0.7, 9: 0.7}))
    assert (found["halt_count"], found["hesitation_count"]) == (2, 2)
