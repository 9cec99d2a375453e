"""Taps against movements whose closures and amplitudes are known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapscope.protocol.rules import GapRules, TapRules
from tapscope.records import FloatArray, Taps, Trajectory
from tests.matching import match
from tests.signal_path import ANY, find_taps, path_of
from tests.synthetic import Motion, filmed, frames, reaches, sampled, tapping


def closures(taps: Taps) -> FloatArray:
    return np.unique(np.concatenate([taps.closure_s, taps.next_closure_s]))


def within(motion: Motion, time_s: FloatArray, margin_s: float = 0.0) -> FloatArray:
    truth_s = motion.closure_s
    return truth_s[(truth_s >= margin_s) & (truth_s <= time_s[-1] - margin_s)]


def rate_hz(taps: Taps) -> float:
    return len(taps) / float(taps.interval_s.sum())


@pytest.mark.parametrize("true_hz", [0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rate_and_amplitude_of_steady_taps(true_hz: float, seed: int) -> None:
    taps = find_taps(sampled(tapping(true_hz, phase=0.31 * seed), frames(), seed=seed))
    assert rate_hz(taps) == pytest.approx(true_hz, abs=0.02)
    # at 6 Hz all taps are sampled at the same five moments, which many shapes fit
    bias = 0.03 if true_hz < 6 else 0.06
    assert np.median(taps.amplitude) == pytest.approx(1.0, abs=bias)


@pytest.mark.parametrize("true_hz", [1.0, 3.0, 5.0, 8.0])
def test_closures_of_varied_taps_are_the_middles_of_the_closed_phases(true_hz: float) -> None:
    motion = tapping(true_hz, seed=4, jitter=0.03, spread=0.06)
    time_s = frames()
    found_s = closures(find_taps(sampled(motion, time_s)))
    truth_s = within(motion, time_s, margin_s=0.03)
    pairs = match(found_s, truth_s, 0.05)
    assert len(pairs) == len(truth_s)
    assert len(found_s) - len(pairs) <= 1
    apart_s = [found_s[one] - truth_s[two] for one, two in pairs]
    assert np.median(np.abs(apart_s)) < 0.01


def test_lost_frames_and_variable_rate_cost_nothing() -> None:
    motion, time_s = tapping(4.5, phase=0.2), frames(lost=0.05, seed=3)
    taps = find_taps(sampled(motion, time_s))
    assert rate_hz(taps) == pytest.approx(4.5, abs=0.02)
    found_s = closures(taps)
    assert len(match(found_s, motion.closure_s, 0.05)) == len(found_s)


@pytest.mark.parametrize("true_hz", [2.0, 4.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_decrement_of_80_percent_loses_no_tap(true_hz: float, seed: int) -> None:
    decrement = 1 - 0.2 ** (1 / (8 * true_hz))
    motion = tapping(true_hz, phase=0.4 * seed, decrement=decrement)
    time_s = frames()
    found_s = closures(find_taps(sampled(motion, time_s, seed=seed)))
    truth_s = within(motion, time_s, margin_s=0.03)
    assert len(match(found_s, truth_s, 0.08)) == len(truth_s)
    assert len(match(found_s, motion.closure_s, 0.08)) == len(found_s)


@pytest.mark.parametrize("seed", [0, 1])
def test_tremor_on_slow_taps_is_not_counted(seed: int) -> None:
    motion, time_s = tapping(1.0, phase=0.2), frames(fps=60)
    tremor = 0.07 * np.sin(2 * np.pi * 8.0 * time_s + seed)
    plain = sampled(motion, time_s, noise=0.01)
    taps = find_taps(replace(plain, aperture=plain.aperture + tremor))
    assert len(closures(taps)) in (7, 8)
    assert rate_hz(taps) == pytest.approx(1.0, abs=0.03)


def test_the_middle_of_a_long_hold_is_the_closure() -> None:
    motion, time_s = tapping(3.0, phase=0.3, halts={8: 1.0}), frames()
    taps = find_taps(sampled(motion, time_s))
    found_s, truth_s = closures(taps), within(motion, time_s, 0.03)
    assert len(match(found_s, truth_s, 0.05)) == len(truth_s)
    assert np.sort(taps.interval_s)[-2:] == pytest.approx(1 / 3 + 0.5, abs=0.05)


def test_drift_of_the_opening_is_followed() -> None:
    plain = sampled(tapping(4.0), frames())
    drifting = replace(plain, aperture=plain.aperture + 0.5 * plain.time_s)
    assert rate_hz(find_taps(drifting)) == pytest.approx(4.0, abs=0.02)


def test_no_tap_spans_a_gap_and_the_first_after_it_says_so() -> None:
    plain = sampled(tapping(3.0), frames())
    aperture = plain.aperture.copy()
    aperture[(plain.time_s > 3) & (plain.time_s < 4.2)] = np.nan
    taps = find_taps(replace(plain, aperture=aperture))
    assert not ((taps.closure_s < 3) & (taps.next_closure_s > 4.2)).any()
    after = np.flatnonzero(taps.closure_s > 4.1)[0]
    assert "after_gap" in taps.flags[after].split(";")
    assert rate_hz(taps) == pytest.approx(3.0, abs=0.03)


def test_a_short_gap_is_bridged_and_flagged() -> None:
    plain = sampled(tapping(2.0), frames())
    aperture = plain.aperture.copy()
    aperture[100:103] = np.nan
    trajectory = replace(plain, aperture=aperture)
    taps = find_taps(trajectory)
    whole = find_taps(plain)
    np.testing.assert_allclose(closures(taps), closures(whole), atol=0.05)
    flagged = np.flatnonzero(["gap" in flags.split(";") for flags in taps.flags])
    moment_s = plain.time_s[101]
    holder = np.flatnonzero((taps.closure_s <= moment_s) & (taps.next_closure_s > moment_s))
    assert set(holder) <= set(flagged) and len(flagged) <= 2
    cut = find_taps(trajectory, replace(ANY, gaps=GapRules(max_gap_s=0.05, max_inferred_s=0.0)))
    assert len(cut) < len(whole)


def test_an_interrupted_opening_is_flagged() -> None:
    time_s = frames(fps=60)
    plain = sampled(tapping(1.0, phase=0.0), time_s, noise=0.002)
    assert not any("interrupted" in flags for flags in find_taps(plain).flags)
    # the hand stands still at half height for 0.2 s within the fourth second
    warped_s = np.interp(time_s, [0, 3.25, 3.45, 3.5, 8], [0, 3.25, 3.25, 3.5, 8])
    taps = find_taps(
        sampled(
            lambda moment: tapping(1.0, phase=0.0)(np.interp(moment, time_s, warped_s)),
            time_s,
            noise=0.002,
        )
    )
    assert [number for number, flags in enumerate(taps.flags) if "interrupted" in flags] == [
        int(np.flatnonzero((taps.closure_s < 3.3) & (taps.next_closure_s > 3.3))[0])
    ]


def test_rest_before_and_after_makes_no_taps_and_no_long_interval() -> None:
    motion = tapping(3.0, 4.0, phase=0.0)
    time_s = np.arange(0, 10, 1 / 30)
    aperture = motion(time_s - 3.0) * (time_s > 3) * (time_s < 7)
    noise = 0.02 * np.random.default_rng(0).normal(size=len(time_s))
    taps = find_taps(Trajectory(time_s, aperture + noise, "none", "analytic"))
    assert len(taps) in (11, 12)
    assert taps.interval_s.max() < 0.5


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_noise_alone_taps_hardly_ever(fps: float) -> None:
    time_s = np.arange(0, 10, 1 / fps)
    aperture = np.random.default_rng(5).normal(size=len(time_s))
    assert len(find_taps(Trajectory(time_s, aperture, "px", "analytic"))) < 5


@pytest.mark.parametrize(
    "aperture", [np.full(60, np.nan), np.ones(60), np.zeros(0), np.array([0.0, 1.0, 0.0])]
)
def test_nothing_to_tap_gives_no_taps(aperture: FloatArray) -> None:
    time_s = np.arange(len(aperture)) / 30
    assert len(find_taps(Trajectory(time_s, aperture, "px", "video"))) == 0


def test_scattered_known_samples_are_no_stretch() -> None:
    plain = sampled(tapping(2.0), frames())
    aperture = np.where(np.arange(len(plain.time_s)) % 40 < 4, plain.aperture, np.nan)
    assert len(find_taps(replace(plain, aperture=aperture))) == 0


def test_impossibly_short_taps_are_left_out() -> None:
    plain = sampled(tapping(5.0), frames())
    assert len(find_taps(plain, replace(ANY, taps=TapRules(min_interval_s=0.3)))) == 0


@settings(max_examples=8)
@given(factor=st.floats(0.6, 1.6), rate=st.floats(1.0, 4.0))
def test_stretching_time_divides_the_rate(factor: float, rate: float) -> None:
    plain = sampled(tapping(rate), frames())
    slow = find_taps(replace(plain, time_s=plain.time_s * factor))
    assert rate_hz(slow) * factor == pytest.approx(rate_hz(find_taps(plain)), rel=0.01)


@settings(max_examples=8)
@given(factor=st.floats(0.01, 500.0), rate=st.floats(1.0, 7.0), shift=st.floats(-100.0, 100.0))
def test_scaling_scales_amplitude_alone(factor: float, rate: float, shift: float) -> None:
    plain = sampled(tapping(rate), frames())
    here = find_taps(plain)
    there = find_taps(replace(plain, aperture=plain.aperture * factor + shift))
    np.testing.assert_allclose(there.closure_s, here.closure_s, atol=1e-6)
    np.testing.assert_allclose(there.amplitude, here.amplitude * factor, rtol=1e-4)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10_000),
    rate=st.floats(0.5, 8.0),
    noise=st.floats(0.0, 0.3),
    lost=st.floats(0.0, 0.4),
)
def test_taps_alternate_and_stay_among_known_samples(
    seed: int, rate: float, noise: float, lost: float
) -> None:
    rng = np.random.default_rng(seed)
    plain = sampled(
        tapping(rate, seed=seed, jitter=0.2, spread=0.3), frames(), noise=noise, seed=seed
    )
    blocks = np.repeat(rng.random(60) < lost, 4)[: len(plain.time_s)]
    aperture = np.where(blocks, np.nan, plain.aperture)
    # the record itself refuses taps that overlap or do not alternate
    taps = find_taps(replace(plain, aperture=aperture))
    known_s = plain.time_s[np.isfinite(aperture)]
    for start_s, end_s in zip(taps.closure_s, taps.next_closure_s, strict=True):
        inside = known_s[(known_s > start_s - 0.2) & (known_s < end_s + 0.2)]
        assert np.diff(inside).max() <= max(GapRules().max_gap_s, GapRules().max_inferred_s) + 1e-9


@settings(max_examples=4)
@given(seed=st.integers(0, 1000))
def test_the_source_of_a_trajectory_changes_nothing(seed: int) -> None:
    plain = sampled(tapping(3.0, seed=seed, jitter=0.1), frames(), seed=seed)
    video, sensor = (find_taps(replace(plain, source=kind)) for kind in ("video", "gyroscope"))
    np.testing.assert_array_equal(video.closure_s, sensor.closure_s)
    np.testing.assert_array_equal(video.amplitude, sensor.amplitude)


@pytest.mark.parametrize("dwell", [0.1, 0.2, 0.3, 0.4])
@pytest.mark.parametrize("true_hz", [4.0, 5.0, 5.8])
def test_flat_topped_fast_taps_keep_their_amplitude(true_hz: float, dwell: float) -> None:
    motion = reaches(true_hz, dwell=dwell, jitter=0.04, spread=0.06, seed=1)
    taps = find_taps(filmed(motion, seed=1))
    assert len(taps) == len(motion.taps)
    assert np.median(taps.amplitude) == pytest.approx(np.median(motion.amplitude), rel=0.05)


@pytest.mark.parametrize(("true_hz", "fps"), [(6.0, 24.0), (6.0, 25.0), (7.0, 30.0)])
def test_fast_taps_with_a_long_closed_phase_are_all_found(true_hz: float, fps: float) -> None:
    motion = reaches(true_hz, dwell=0.35, jitter=0.04, spread=0.06, seed=3)
    taps = find_taps(filmed(motion, fps, seed=3))
    assert len(taps) == len(motion.taps)
    assert rate_hz(taps) == pytest.approx(1 / np.diff(motion.closure_s).mean(), rel=0.01)


@pytest.mark.parametrize("true_hz", [2.0, 4.0])
def test_small_taps_between_large_ones_count(true_hz: float) -> None:
    motion = reaches(true_hz, sizes=(1.0, 0.2), jitter=0.04, seed=2)
    taps = find_taps(filmed(motion, seed=2))
    assert len(taps) == len(motion.taps)
    np.testing.assert_allclose(taps.amplitude, motion.amplitude, atol=0.08)


def test_single_frames_far_off_change_nothing() -> None:
    motion = reaches(3.0, jitter=0.04, seed=1)
    taps = find_taps(filmed(motion, jumps=4, seed=1))
    assert len(taps) == len(motion.taps)
    assert rate_hz(taps) == pytest.approx(1 / np.diff(motion.closure_s).mean(), rel=0.01)


@pytest.mark.parametrize("samples", range(8, 33, 3))
def test_a_few_samples_at_a_high_rate_are_no_error(samples: int) -> None:
    time_s = np.arange(samples) / 240
    aperture = np.sin(2 * np.pi * 10 * time_s)
    assert len(find_taps(Trajectory(time_s, aperture, "px", "video"))) <= 1


@pytest.mark.parametrize("seed", range(5))
def test_a_closure_lies_where_the_aperture_is_low(seed: int) -> None:
    motion = reaches(7.0, dwell=0.1 + 0.05 * seed, jitter=0.2, spread=0.3, seed=seed)
    found = path_of(filmed(motion, noise=0.04, seed=seed))
    taps, (stretch, *_) = found.taps, found.movement.stretches
    closure_s = np.concatenate([taps.closure_s, taps.next_closure_s[-1:]])
    level = np.interp(closure_s, stretch.time_s, stretch.aperture)
    around = np.abs(stretch.time_s - closure_s[:, None]) < np.median(taps.interval_s) / 2
    least = np.where(around, stretch.aperture, np.inf).min(axis=1)
    assert (level - least).max() < 0.3 * np.median(taps.amplitude)
    assert motion(closure_s).max() < 0.3


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("film", [{"lost": 0.1}, {"lost": 0.2}, {"jumps": 6}], ids=str)
def test_no_closure_lies_where_the_fingers_are_open(film: dict[str, float], seed: int) -> None:
    motion = reaches(7.0, dwell=0.1 + 0.05 * seed, jitter=0.15, spread=0.2, seed=seed)
    taps = find_taps(filmed(motion, 60.0, noise=0.04, seed=seed, **film))
    assert motion(np.concatenate([taps.closure_s, taps.next_closure_s])).max() < 0.3


@pytest.mark.parametrize("seed", range(6))
def test_a_tap_between_lost_frames_is_no_jump(seed: int) -> None:
    motion = reaches(5.0, dwell=0.1, jitter=0.06, spread=0.1, seed=seed)
    taps = find_taps(filmed(motion, noise=0.04, lost=0.1, seed=seed))
    assert motion(np.concatenate([taps.closure_s, taps.next_closure_s])).max() < 0.3
