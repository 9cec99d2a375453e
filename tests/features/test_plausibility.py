"""Signs of missed taps."""

from dataclasses import replace

import numpy as np
import pytest

from tapscope.features import Context, compute, in_task, quality_status
from tapscope.protocol.protocol import load
from tapscope.records import Taps
from tests.signal_path import path_of
from tests.synthetic import filmed, reaches


def context(**movement: object) -> Context:
    trajectory = filmed(reaches(3.0, 8.0, jitter=0.04, **movement))  # type: ignore[arg-type]
    found = path_of(trajectory)
    return in_task(trajectory, found.movement, found.task, found.taps)


def without_tap(taps: Taps, tap: int) -> Taps:
    """Return the taps as if the closure after one of them had not been found."""
    names = [name for name in taps.__slots__ if name != "unit"]
    kept = {name: np.delete(getattr(taps, name), tap + 1) for name in names}
    kept["next_closure_s"][tap] = taps.next_closure_s[tap + 1]
    return replace(taps, **kept)


def test_right_taps_raise_no_suspicion() -> None:
    assert compute(context())["suspected_missed_taps"] == 0


def test_an_interval_of_two_openings_is_a_missed_tap() -> None:
    right = context()
    missed = replace(right, taps=without_tap(right.taps, 10))
    assert compute(missed)["suspected_missed_taps"] == 1


def test_a_halt_is_no_missed_tap() -> None:
    assert compute(context(halts={10: 1.0}))["suspected_missed_taps"] == 0


def test_small_taps_between_large_ones_that_were_passed_over_are_missed() -> None:
    right = context(sizes=(1.0, 0.3))
    assert compute(right)["suspected_missed_taps"] == 0
    taps = right.taps
    for tap in (14, 10, 6, 2):
        taps = without_tap(taps, tap)
    assert compute(replace(right, taps=taps))["suspected_missed_taps"] == 4


def test_closures_that_a_wrong_fingertip_hides_are_missed() -> None:
    right = context()
    aperture, taps, time_s = right.recording.aperture.copy(), right.taps, right.recording.time_s
    for closure in (14, 6):
        opens_s, closes_s = taps.peak_s[closure - 1 : closure + 1]
        aperture[(time_s >= opens_s) & (time_s <= closes_s)] = np.nanmax(aperture)
        taps = without_tap(taps, closure - 1)
    seen = replace(right.recording, aperture=aperture)
    assert compute(replace(right, recording=seen, taps=taps))["suspected_missed_taps"] == 2


def test_hesitations_with_open_fingers_are_not() -> None:
    for seconds in (0.15, 0.6):
        halted = context(open_halts={6: seconds, 14: seconds})
        assert compute(halted)["suspected_missed_taps"] == 0
    assert compute(context(open_halts={6: 1 / 3}))["suspected_missed_taps"] == 0  # once by chance


def test_hesitations_with_closed_fingers_are_not() -> None:
    halted = context(halts={6: 1 / 3, 14: 1 / 3})
    assert compute(halted)["suspected_missed_taps"] == 0


def test_tremor_on_slow_taps_is_no_missed_tap() -> None:
    trajectory = filmed(reaches(0.7, 12.0), 60.0, tremor=0.07)
    found = path_of(trajectory)
    slow = in_task(trajectory, found.movement, found.task, found.taps)
    assert compute(slow)["suspected_missed_taps"] == 0


def test_peaks_give_the_rate_whatever_the_closures() -> None:
    right = context(halts={10: 2.0})
    early = replace(right.taps, next_closure_s=right.taps.next_closure_s - 0.05)
    wrong = compute(replace(right, taps=early))
    assert wrong["tapping_rate_hz"] > compute(right)["tapping_rate_hz"] + 0.2
    assert wrong["peak_rate_hz"] == pytest.approx(3.0, rel=0.03)


def test_a_tap_lost_in_a_gap_leaves_the_rate_of_the_peaks_alone() -> None:
    right = context()
    names = [name for name in right.taps.__slots__ if name != "unit"]
    lost = replace(right.taps, **{n: np.delete(getattr(right.taps, n), 10) for n in names})
    assert compute(replace(right, taps=lost))["peak_rate_hz"] == pytest.approx(3.0, rel=0.02)


def test_contacts_without_amplitude_raise_no_suspicion() -> None:
    right = context()
    unknown = np.full(len(right.taps), np.nan)
    contacts = compute(replace(right, taps=replace(right.taps, amplitude=unknown)))
    assert np.isnan(contacts["suspected_missed_taps"])


def test_the_robust_spread_ignores_a_halt() -> None:
    found = compute(context(halts={10: 2.0}))
    assert found["inter_tap_interval_cv"] > 0.5
    assert found["robust_interval_cv"] < 0.12


def test_closures_with_open_fingers_are_counted_and_excuse_no_other_rate() -> None:
    whole = filmed(reaches(3.0, 8.0, jitter=0.04), 60.0)
    taps = path_of(whole).taps
    low, high = np.percentile(whole.aperture, [5, 95])
    opened = whole.aperture.copy()
    for closure_s in taps.closure_s[3:-3:3]:
        near = np.abs(whole.time_s - closure_s) < 0.12
        opened[near] = np.maximum(opened[near], low + 0.5 * (high - low))
    found = {}
    for name, aperture in (("whole", whole.aperture), ("opened", opened)):
        trajectory = replace(whole, aperture=aperture)
        path = path_of(trajectory)
        found[name] = compute(in_task(trajectory, path.movement, path.task, path.taps))
    assert found["whole"]["open_closures"] == 0
    assert found["opened"]["open_closures"] == pytest.approx(len(taps) / 3, abs=2)
    # a spread of the intervals that would excuse another rate in the spectrum
    doubted = {"spectral_rate_hz": 2.5, "robust_interval_cv": 0.3}
    for name, flags in (("whole", ()), ("opened", ("rate_disagrees",))):
        status = quality_status(found[name] | doubted, load().quality)
        assert status.flags == flags, name
