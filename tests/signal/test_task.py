"""The task among rests, and what must not be taken for one."""

from dataclasses import replace

import numpy as np
import pytest

from tapscope.protocol.rules import TaskRules
from tapscope.records import Trajectory
from tests.signal_path import ANY, path_of
from tests.synthetic import fidget, filmed, reaches


@pytest.mark.parametrize("rest_s", [2.0, 5.0])
@pytest.mark.parametrize("true_hz", [1.0, 3.0, 5.0])
def test_a_restless_hand_before_and_after_is_no_part_of_the_task(
    true_hz: float, rest_s: float
) -> None:
    motion = reaches(true_hz, lead_in_s=rest_s, lead_out_s=rest_s, seed=1)
    found = path_of(filmed(motion, fidgets=0.03, seed=1))
    assert len(found.taps) == len(motion.taps)
    assert found.task.start_s == pytest.approx(motion.task_s[0], abs=0.1)
    assert found.task.end_s == pytest.approx(motion.task_s[1], abs=0.1)
    assert len(found.taps) / found.taps.interval_s.sum() == pytest.approx(true_hz, rel=0.02)
    assert found.taps.interval_s.std() / found.taps.interval_s.mean() < 0.03


def test_closures_at_the_ends_do_not_lie_in_the_rests() -> None:
    motion = reaches(2.0, dwell=0.3, lead_in_s=4.0, lead_out_s=4.0)
    taps = path_of(filmed(motion)).taps
    half_s = 0.15 / 2
    assert taps.closure_s[0] == pytest.approx(motion.task_s[0] - half_s, abs=0.04)
    assert taps.next_closure_s[-1] == pytest.approx(motion.task_s[1] + half_s, abs=0.04)


@pytest.mark.parametrize("open_halt", [False, True])
def test_a_halt_lies_within_the_task(open_halt: bool) -> None:
    halts = {8: 2.5}
    motion = reaches(3.0, **{"open_halts" if open_halt else "halts": halts}, lead_in_s=1.0)
    found = path_of(filmed(motion))
    assert len(found.taps) == len(motion.taps)
    assert len(found.task.bouts) == 1
    assert found.taps.interval_s.max() > 2.5 / (1 if open_halt else 2)


def test_a_decrement_to_a_fifth_ends_with_the_last_small_tap() -> None:
    motion = reaches(3.0, decrement_to=0.2, lead_in_s=3.0, lead_out_s=3.0)
    found = path_of(filmed(motion, fidgets=0.01))
    assert len(found.taps) == len(motion.taps)
    assert found.task.end_s == pytest.approx(motion.task_s[1], abs=0.15)


def test_of_two_bouts_the_longest_is_the_task() -> None:
    first = reaches(4.0, 2.0, lead_in_s=1.0, lead_out_s=6.0)
    second = reaches(2.0, 6.0, lead_in_s=0.0, lead_out_s=2.0)
    one, other = filmed(first), filmed(second, seed=1)
    shift_s = one.time_s[-1] + 1 / 30 - other.time_s[0]
    both = Trajectory(
        np.concatenate([one.time_s, other.time_s + shift_s]),
        np.concatenate([one.aperture, other.aperture]),
        "none",
        "analytic",
    )
    found = path_of(both)
    assert [len(bout.peak_s) for bout in found.task.bouts] == [8, 12]
    assert (found.task.start_s, found.task.end_s) == (
        found.task.bouts[1].start_s,
        found.task.bouts[1].end_s,
    )
    assert len(found.taps) == 12


def test_a_hand_that_enters_and_leaves_does_not_tap() -> None:
    motion = reaches(3.0, 6.0, lead_in_s=4.0, lead_out_s=4.0)
    plain = filmed(motion)
    swings = sum(2.0 * np.exp(-(((plain.time_s - at_s) / 0.15) ** 2)) for at_s in (1.0, 12.0))
    found = path_of(replace(plain, aperture=plain.aperture + swings))
    assert found.task.start_s == pytest.approx(motion.task_s[0], abs=0.1)
    assert found.task.end_s == pytest.approx(motion.task_s[1], abs=0.1)
    assert len(found.taps) == len(motion.taps)


def test_a_tap_after_a_halt_at_the_end_belongs_to_the_task() -> None:
    motion = reaches(2.0, halts={14: 1.4})
    found = path_of(filmed(motion))
    assert len(found.taps) == len(motion.taps) == 16


def test_a_recording_that_ends_within_a_tap_ends_within_the_task() -> None:
    motion = reaches(1.0)
    whole = filmed(motion)
    kept = whole.time_s < motion.peak_s[-1]
    part = replace(whole, time_s=whole.time_s[kept], aperture=whole.aperture[kept])
    assert path_of(part).task.end_s == pytest.approx(part.time_s[-1], abs=0.01)


def test_the_search_can_be_turned_off() -> None:
    motion = reaches(3.0, 4.0, lead_in_s=4.0, lead_out_s=4.0)
    trajectory = filmed(motion, fidgets=0.05)
    found = path_of(trajectory, replace(ANY, task=TaskRules(find=False)))
    assert found.task.start_s == trajectory.time_s[0]
    assert found.task.end_s == pytest.approx(trajectory.time_s[-1], abs=0.01)
    assert len(found.taps) > len(motion.taps)


def test_a_still_hand_has_no_task() -> None:
    time_s = np.arange(0, 5, 1 / 30)
    found = path_of(Trajectory(time_s, np.ones(150), "none", "analytic"))
    assert np.isnan([found.task.start_s, found.task.end_s]).all()
    assert found.task.bouts == ()
    assert len(found.taps) == 0


def test_fidgets_in_a_halt_are_no_taps() -> None:
    motion = reaches(4.0, halts={10: 2.0}, lead_in_s=1.0)
    plain = filmed(motion)
    halted = (plain.time_s > motion.taps[10][2] + 0.1) & (plain.time_s < motion.taps[11][0] - 0.1)
    moved = plain.aperture + fidget(plain.time_s, 0.03, seed=3) * halted
    assert len(path_of(replace(plain, aperture=moved)).taps) == len(motion.taps)


def test_a_hand_that_opens_and_rests_open_does_not_tap_once_more() -> None:
    motion = reaches(3.0, lead_in_s=1.0, lead_out_s=6.0)
    plain = filmed(motion)
    after_s = plain.time_s - motion.task_s[1]
    opened = 0.6 * np.clip((after_s - 0.5) / 0.3, 0, 1) * np.clip((5.0 - after_s) / 0.5, 0, 1)
    found = path_of(replace(plain, aperture=plain.aperture + opened))
    assert len(found.taps) == len(motion.taps)
    assert found.task.end_s == pytest.approx(motion.task_s[1], abs=0.1)


@pytest.mark.parametrize("last", [1, 2])
def test_large_taps_after_small_ones_belong_to_the_task(last: int) -> None:
    sizes = (1.0,) * 10 + (0.35,) * (14 - last) + (1.0,) * last
    motion = reaches(3.0, sizes=sizes)
    found = path_of(filmed(motion))
    assert len(found.taps) == len(motion.taps)
    assert found.task.end_s == pytest.approx(motion.task_s[1], abs=0.15)


def test_a_fidget_after_taps_whose_tip_was_lost_is_no_tap() -> None:
    sizes = (1.0,) * 24 + (0.25, 1.0, 1.0, 0.25)  # as seen, with the wrong finger twice
    motion = reaches(3.5, sizes=sizes, lead_in_s=1.0, lead_out_s=2.0)
    plain = filmed(motion)
    twitch = 0.2 * np.exp(-0.5 * ((plain.time_s - motion.task_s[1] - 0.7) / 0.08) ** 2)
    found = path_of(replace(plain, aperture=plain.aperture + twitch))
    assert len(found.taps) == len(motion.taps)
    assert found.task.end_s == pytest.approx(motion.task_s[1], abs=0.15)
