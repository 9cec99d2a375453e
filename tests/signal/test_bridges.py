"""What is inferred within gaps, against movements whose hidden part is known."""

from dataclasses import replace

import numpy as np
import pytest

from tapscope.protocol.rules import GapRules
from tests.signal_path import ANY, path_of
from tests.synthetic import filmed, reaches


@pytest.mark.parametrize("below", [0.03, 0.1])
@pytest.mark.parametrize("true_hz", [1.0, 2.0, 3.0, 4.0])
def test_tips_hidden_at_every_closure_cost_neither_taps_nor_amplitude(
    true_hz: float, below: float
) -> None:
    motion = reaches(true_hz, jitter=0.04, spread=0.06, seed=2)
    taps = path_of(filmed(motion, hidden_below=below, seed=2)).taps
    assert len(taps) == len(motion.taps)
    closures_s = taps.next_closure_s[:-1]
    assert np.median(np.abs(closures_s - motion.closure_s)) < 0.01
    assert np.median(taps.amplitude) == pytest.approx(np.median(motion.amplitude), rel=0.05)
    inferred = ["closure_inferred" in flags.split(";") for flags in taps.flags]
    assert np.mean(inferred) > 0.8


def test_taps_beside_a_block_of_lost_frames_survive() -> None:
    motion = reaches(4.0, seed=1)
    plain = filmed(motion, seed=1)
    begin_s, end_s = motion.closure_s[10] - 0.03, motion.closure_s[11] + 0.03
    lost = (plain.time_s > begin_s) & (plain.time_s < end_s)
    taps = path_of(replace(plain, aperture=np.where(lost, np.nan, plain.aperture))).taps
    assert len(taps) == len(motion.taps) - 1
    assert not ((taps.peak_s > begin_s) & (taps.peak_s < end_s)).any()
    assert not ((taps.closure_s < begin_s) & (taps.next_closure_s > end_s)).any()


def test_a_peak_that_was_not_seen_counts_but_has_no_amplitude() -> None:
    motion = reaches(1.5, seed=3)
    plain = filmed(motion, seed=3)
    lost = np.abs(plain.time_s - motion.peak_s[5]) < 0.15
    taps = path_of(replace(plain, aperture=np.where(lost, np.nan, plain.aperture))).taps
    assert len(taps) == len(motion.taps)
    assert np.flatnonzero(np.isnan(taps.amplitude)).tolist() == [5]
    assert np.isnan(taps.opening_speed_peak[5])


def test_nothing_is_inferred_where_the_protocol_forbids_it() -> None:
    motion = reaches(2.0, dwell=0.4)
    trajectory = filmed(motion, hidden_below=0.03)
    rules = replace(ANY, gaps=GapRules(max_inferred_s=0.0))
    found = path_of(trajectory, rules)
    assert all(len(stretch.sample_s) for stretch in found.movement.stretches)
    for start_s, end_s in zip(found.taps.closure_s, found.taps.next_closure_s, strict=True):
        assert not ((motion.closure_s > start_s + 0.1) & (motion.closure_s < end_s - 0.1)).any()


@pytest.mark.parametrize("seed", range(4))
def test_blocks_of_lost_frames_cost_slow_taps_nothing(seed: int) -> None:
    motion = reaches(2.0, jitter=0.04, spread=0.06, seed=seed)
    found = path_of(filmed(motion, block_lost=0.1, seed=seed))
    assert len(found.taps) == len(motion.taps)
    rate_hz = len(found.taps) / found.taps.interval_s.sum()
    assert rate_hz == pytest.approx(1 / np.diff(motion.every_closure_s).mean(), rel=0.02)
