"""Taps between given closures: measured as those that are found."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tapscope.records import FloatArray, Taps, Task, Trajectory
from tapscope.signal.given_taps import given_taps, task_between
from tapscope.signal.taps import taps_of
from tests.signal_path import ANY, Path, path_of
from tests.synthetic import filmed, reaches


@pytest.fixture(scope="module")
def trajectory() -> Trajectory:
    """Return taps of 2 Hz for 8 s between two rests."""
    return filmed(reaches(2.0, 8.0, lead_in_s=1.5, lead_out_s=1.5, seed=3, jitter=0.05), seed=3)


@pytest.fixture(scope="module")
def found(trajectory: Trajectory) -> Path:
    return path_of(trajectory)


def closures_of(taps: Taps) -> list[float]:
    return np.unique(np.concatenate([taps.closure_s, taps.next_closure_s])).tolist()


def given(
    found: Path, trajectory: Trajectory, closures_s: list[float], **more: object
) -> tuple[Task, Taps]:
    return given_taps(
        closures_s, found.movement, trajectory, found.task, ANY.taps,
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def numbers(taps: Taps) -> FloatArray:
    return np.stack(
        [taps.closure_s, taps.next_closure_s, taps.peak_s, taps.amplitude, taps.opening_speed_mean,
         taps.opening_speed_peak, taps.closing_speed_mean, taps.closing_speed_peak]
    )  # fmt: skip


def test_the_closures_that_were_found_give_the_same_taps(
    found: Path, trajectory: Trajectory
) -> None:
    task, taps = given(found, trajectory, closures_of(found.taps))
    np.testing.assert_array_equal(numbers(taps), numbers(found.taps))
    assert taps.flags.tolist() == found.taps.flags.tolist()
    assert (task.start_s, task.end_s) == (found.task.start_s, found.task.end_s)


def test_closures_a_little_off_give_nearly_the_same_taps(
    found: Path, trajectory: Trajectory
) -> None:
    moved = [moment_s + 0.004 for moment_s in closures_of(found.taps)]
    _, taps = given(found, trajectory, moved, placed_s=moved)
    inner = slice(1, -1)
    assert taps.amplitude[inner] == pytest.approx(found.taps.amplitude[inner], rel=1e-9)
    assert taps.opening_speed_mean[inner] == pytest.approx(found.taps.opening_speed_mean[inner])
    assert taps.interval_s == pytest.approx(found.taps.interval_s, abs=1e-9)
    assert all("corrected" in flags.split(";") for flags in taps.flags)


def test_without_a_closure_two_taps_are_one(found: Path, trajectory: Trajectory) -> None:
    closures = closures_of(found.taps)
    task, taps = given(found, trajectory, [*closures[:5], *closures[6:]])
    assert len(taps) == len(found.taps) - 1
    assert (taps.closure_s[4], taps.next_closure_s[4]) == (closures[4], closures[6])
    others = np.delete(np.arange(len(taps)), 4)
    same = np.delete(np.arange(len(found.taps)), [4, 5])
    np.testing.assert_array_equal(numbers(taps)[:, others], numbers(found.taps)[:, same])
    assert (task.start_s, task.end_s) == (found.task.start_s, found.task.end_s)


def test_the_task_follows_the_first_and_the_last_tap(found: Path, trajectory: Trajectory) -> None:
    closures = closures_of(found.taps)
    task, taps = given(found, trajectory, closures[1:-1])
    assert len(taps) == len(found.taps) - 2
    assert taps.closure_s[0] <= task.start_s < taps.peak_s[0]
    assert taps.peak_s[-1] < task.end_s <= taps.next_closure_s[-1]
    assert task.bouts[0].peak_s == pytest.approx(taps.peak_s, abs=0.01)


def test_a_closure_where_nothing_opens_counts_and_has_no_size(
    found: Path, trajectory: Trajectory
) -> None:
    closures = closures_of(found.taps)
    placed = float(found.taps.peak_s[3])
    _, taps = given(found, trajectory, sorted([*closures, placed]), placed_s=[placed])
    assert len(taps) == len(found.taps) + 1
    assert np.isnan(taps.amplitude[3:5]).all()
    assert [i for i, flags in enumerate(taps.flags) if "corrected" in flags] == [3, 4]
    assert np.isfinite(np.delete(taps.amplitude, [3, 4])).all()


def test_closures_too_near_for_a_tap_make_none(found: Path, trajectory: Trajectory) -> None:
    closures = closures_of(found.taps)
    near = closures[4] + 0.05
    _, taps = given(found, trajectory, sorted([*closures, near]), placed_s=[near])
    assert len(taps) == len(found.taps)
    assert taps.next_closure_s[3] == closures[4]
    assert taps.closure_s[4] == near


def test_no_tap_spans_a_gap_unless_somebody_saw_one_in_it(trajectory: Trajectory) -> None:
    lost = (trajectory.time_s > 4.0) & (trajectory.time_s < 6.5)
    torn = replace(trajectory, aperture=np.where(lost, np.nan, trajectory.aperture))
    found = path_of(torn)
    closures = closures_of(found.taps)
    left, right = next((a, b) for a, b in pairwise(closures) if b - a > 2)
    _, taps = given(found, torn, closures)
    assert not ((taps.closure_s <= left) & (taps.next_closure_s >= right)).any()
    # a closure moved beside the gap does not vouch for what lies in it
    moved = [left - 0.02 if moment_s == left else moment_s for moment_s in closures]
    _, taps = given(found, torn, moved, placed_s=[left - 0.02])
    assert len(taps) == len(found.taps)
    _, taps = given(found, torn, sorted([*closures, 5.0, 5.5]), placed_s=[5.0, 5.5])
    assert len(taps) == len(found.taps) + 3
    inside = (taps.closure_s >= left - 1e-6) & (taps.next_closure_s <= right + 1e-6)
    assert np.isnan(taps.amplitude[inside]).all()


def test_bounds_leave_out_the_taps_beyond_them(found: Path, trajectory: Trajectory) -> None:
    closures = closures_of(found.taps)
    span_s = (closures[3] + 0.05, closures[9] + 0.05)
    task = task_between(found.movement, span_s, found.task, ANY.taps)
    taps = taps_of(found.movement, trajectory, task, ANY.taps)
    assert (task.start_s, task.end_s, len(taps)) == (*span_s, 6)
    given_task, same = given(found, trajectory, closures, span_s=span_s)
    assert (given_task.start_s, given_task.end_s, len(same)) == (*span_s, 6)
    assert same.peak_s == pytest.approx(taps.peak_s)


def test_no_closures_make_no_task(found: Path, trajectory: Trajectory) -> None:
    task, taps = given(found, trajectory, [])
    assert len(taps) == 0
    assert np.isnan([task.start_s, task.end_s]).all()


def test_where_nothing_was_found_closures_make_taps(trajectory: Trajectory) -> None:
    flat = replace(trajectory, aperture=np.full(len(trajectory.time_s), np.nan))
    nothing = path_of(flat)
    task, taps = given(nothing, flat, [1.0, 1.5, 2.0], placed_s=[1.0, 1.5, 2.0])
    assert taps.interval_s.tolist() == [0.5, 0.5]
    assert np.isnan(taps.amplitude).all()
    assert (task.start_s, task.end_s) == (1.0, 2.0)
