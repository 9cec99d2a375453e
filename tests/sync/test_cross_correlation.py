"""Clocks: offset and drift from the movement, slips flagged."""

from dataclasses import replace

import numpy as np
import pytest

from tapscope.records import Trajectory
from tapscope.sync.cross_correlation import choose_sign, synchronise
from tapscope.sync.trust import TRUSTED_FLAGS
from tests.synthetic_pair import Hardship, make_pair, tapping

HARD = Hardship(overlap=0.5, noise=0.3, lost_frames=0.05, jitter_s=0.003)


def long_pair(drift_ppm: float, duration_s: float = 90.0) -> tuple[Trajectory, Trajectory]:
    """Return a long video and a sensor 50 s ahead whose clock runs fast by `drift_ppm`."""
    time_s, aperture = tapping(np.random.default_rng(5), 2.5, duration_s)
    frame_s = np.arange(0, duration_s - 0.1, 1 / 30)
    sample_s = np.arange(0, duration_s - 0.1, 1 / 100)
    video = Trajectory(frame_s, np.interp(frame_s, time_s, aperture), "px", "video")
    clock_s = 50 + sample_s * (1 + 1e-6 * drift_ppm)
    return video, Trajectory(clock_s, np.interp(sample_s, time_s, aperture), "deg", "gyroscope")


def test_offset_is_found_within_milliseconds() -> None:
    errors_s = []
    for seed in range(12):
        pair = make_pair(seed, Hardship())
        found = synchronise(pair.video, pair.sensor)
        assert found.aligned_from_data
        assert not found.drift_known  # ten seconds are too short for a drift
        assert np.isnan(found.drift_ppm)
        if found.flag in TRUSTED_FLAGS:
            errors_s.append(abs(found.offset_s - pair.offset_s))
    assert len(errors_s) >= 9
    assert np.median(errors_s) < 0.002
    assert max(errors_s) < 0.02


def test_no_slip_passes_unflagged() -> None:
    flagged = 0
    for seed in range(100, 140):
        pair = make_pair(seed, HARD)
        found = synchronise(pair.video, pair.sensor)
        slipped = not abs(found.offset_s - pair.offset_s) < 0.25 / pair.rate_hz
        flagged += found.flag != ""
        assert not (slipped and found.flag == "")
    assert flagged < 40


def test_rough_offset_settles_the_cycle() -> None:
    pair = make_pair(3, HARD)
    near = 0.3 / pair.rate_hz
    found = synchronise(
        pair.video, pair.sensor, approximate_offset_s=pair.offset_s + 0.05, within_s=near
    )
    assert found.offset_s == pytest.approx(pair.offset_s, abs=0.03)
    assert found.margin == pytest.approx(found.r)  # no other offset was allowed


@pytest.mark.parametrize("moved_s", [-7.25, 1000.0])
def test_moving_the_sensor_clock_moves_the_offset(moved_s: float) -> None:
    pair = make_pair(1, Hardship())
    moved = replace(pair.sensor, time_s=pair.sensor.time_s + moved_s)
    before, after = synchronise(pair.video, pair.sensor), synchronise(pair.video, moved)
    assert after.offset_s - before.offset_s == pytest.approx(moved_s, abs=0.002)
    assert after.r == pytest.approx(before.r, abs=0.01)


def test_scale_and_unit_do_not_matter() -> None:
    pair = make_pair(2, Hardship())
    scaled = replace(pair.sensor, aperture=-3 + 40 * pair.sensor.aperture, unit="mm")
    assert synchronise(pair.video, scaled).offset_s == pytest.approx(
        synchronise(pair.video, pair.sensor).offset_s, abs=1e-6
    )


def test_gaps_are_masked_not_bridged() -> None:
    pair = make_pair(4, Hardship())
    aperture = pair.video.aperture.copy()
    lost = (pair.video.time_s > 3) & (pair.video.time_s < 5)
    aperture[lost] = np.nan
    whole = synchronise(pair.video, pair.sensor)
    found = synchronise(replace(pair.video, aperture=aperture), pair.sensor)
    assert found.offset_s == pytest.approx(pair.offset_s, abs=0.01)
    assert found.overlap_s == pytest.approx(whole.overlap_s - 2, abs=0.2)
    dropped = Trajectory(pair.video.time_s[~lost], pair.video.aperture[~lost], "px", "video")
    assert synchronise(dropped, pair.sensor).overlap_s == pytest.approx(found.overlap_s, abs=0.05)


@pytest.mark.parametrize("drift_ppm", [-120.0, 0.0, 40.0])
def test_drift_is_known_over_a_minute(drift_ppm: float) -> None:
    video, sensor = long_pair(drift_ppm)
    found = synchronise(video, sensor)
    assert found.drift_known
    low, high = found.drift_interval_ppm
    assert low - 5 <= drift_ppm <= high + 5
    assert found.drift_ppm == pytest.approx(drift_ppm, abs=15)
    assert found.offset_s == pytest.approx(50, abs=0.003)
    sensor_s = np.array([50 + 80 * (1 + 1e-6 * drift_ppm)])
    assert found.to_video_time(sensor_s)[0] == pytest.approx(80.0, abs=0.003)


def test_drift_that_cannot_be_known_is_not_claimed() -> None:
    video, sensor = long_pair(30.0)
    noise = np.random.default_rng(0).normal(size=video.aperture.size)
    aperture = video.aperture + 0.7 * video.aperture.std() * noise
    found = synchronise(replace(video, aperture=aperture), sensor)
    if found.drift_known:
        low, high = found.drift_interval_ppm
        assert low <= 30 <= high
    short = video.time_s < 55
    cut = Trajectory(video.time_s[short], video.aperture[short], "px", "video")
    assert not synchronise(cut, sensor).drift_known


def test_sign_of_a_gyroscope_follows_from_the_video() -> None:
    right = 0
    for seed in range(10):
        pair = make_pair(seed, Hardship())
        against = replace(pair.sensor, aperture=-pair.sensor.aperture)
        index, found = choose_sign(pair.video, (against, pair.sensor))
        if found.flag in TRUSTED_FLAGS:
            assert index == 1
            assert found.offset_s == pytest.approx(pair.offset_s, abs=0.02)
            right += 1
    assert right >= 5


def test_wrong_sign_is_the_second_peak_of_a_steady_movement() -> None:
    time_s = np.arange(0, 8, 1 / 60)
    wave = np.sin(2 * np.pi * 3 * time_s)
    video = Trajectory(time_s, wave, "px", "video")
    candidates = tuple(Trajectory(time_s + 5, sign * wave, "deg", "gyroscope") for sign in (1, -1))
    _, found = choose_sign(video, candidates)
    assert found.flag == "cycle_ambiguous"
    assert found.margin < 0.05


def test_poor_signals_give_a_flag_and_no_offset() -> None:
    pair = make_pair(0, Hardship())
    for aperture in (np.full(pair.video.time_s.size, np.nan), np.zeros(pair.video.time_s.size)):
        found = synchronise(replace(pair.video, aperture=aperture), pair.sensor)
        assert found.flag == "no_overlap"
        assert np.isnan(found.offset_s)
    brief = Trajectory(pair.sensor.time_s[:300], pair.sensor.aperture[:300], "deg", "gyroscope")
    assert synchronise(pair.video, brief).flag == "no_overlap"
    far = synchronise(pair.video, pair.sensor, approximate_offset_s=-1e4)
    assert far.flag == "no_overlap"
    index, chosen = choose_sign(pair.video, (brief, pair.sensor))
    assert (index, chosen.flag) == (1, synchronise(pair.video, pair.sensor).flag)


def test_unlike_movements_are_flagged() -> None:
    first, second = make_pair(0, Hardship()), make_pair(77, Hardship())
    assert synchronise(first.video, second.sensor).flag in {"low_correlation", "cycle_ambiguous"}
