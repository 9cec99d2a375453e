"""What is read from the last seconds: signals, aperture, rate; and the timing of the frames."""

import math

import numpy as np
import pytest

from tapscope.hand import KEYPOINTS
from tapscope.live.recent import Recent, Seen, brightness_of, is_at_edge, rate_now_hz
from tapscope.live.timing import TimingLog
from tapscope.protocol.protocol import load
from tests.hands import detection, hand_shape, opening


def seen(number: int, *, size: float = 120.0, rate_hz: float = 3.0, peak: float = 0.9) -> Seen:
    shape = hand_shape(160, 120, aperture=opening(number, rate_hz), size=size)
    return Seen(number / 30, detection(shape, peak=peak), 100.0, False)


def watched(frames: int, **how: float) -> Recent:
    recent = Recent(KEYPOINTS, load())
    for number in range(frames):
        recent.captured(number / 30)
        recent.add(seen(number, **how))
    return recent


def test_a_tapping_hand_is_read_with_the_tap_finder_of_the_analysis() -> None:
    reading = watched(300).read()
    assert reading.rate_hz == pytest.approx(3.0, rel=0.02)
    assert reading.unit == "hand_lengths"
    assert reading.time_s[-1] - reading.time_s[0] == pytest.approx(6.0)
    assert np.isfinite(reading.aperture).all()
    assert 16 <= len(reading.closure_s) <= 19
    assert np.median(np.diff(reading.closure_s)) == pytest.approx(1 / 3, rel=0.02)


def test_a_hand_that_has_stopped_has_no_rate() -> None:
    recent = watched(150)
    for number in range(150, 240):
        recent.add(Seen(number / 30, seen(0).view, 100.0, False))
    reading = recent.read()
    assert math.isnan(reading.rate_hz)
    assert len(reading.closure_s) > 3


def test_nothing_seen_reads_as_nothing() -> None:
    recent = Recent(KEYPOINTS, load())
    assert len(recent.read().time_s) == 0
    for number in range(60):
        recent.add(Seen(number / 30, None, 100.0, False))
    reading = recent.read()
    assert np.isnan(reading.aperture).all()
    assert math.isnan(reading.rate_hz)
    assert np.isnan(recent.trail()).all()


def test_rate_is_that_of_the_last_taps_only() -> None:
    slow, fast = np.arange(0, 6, 1.0), np.arange(6, 10.1, 0.25)
    closures_s = np.concatenate([slow, fast])
    assert rate_now_hz(closures_s[:-1], closures_s[1:], 10.2) == pytest.approx(4.0, rel=0.1)
    assert math.isnan(rate_now_hz(closures_s[:-1], closures_s[1:], 11.5))
    assert math.isnan(rate_now_hz(closures_s[:1], closures_s[1:2], 1.0))


def test_signals_tell_distance_frame_rate_and_tips() -> None:
    signals = watched(90).signals()
    assert signals.frame_rate_hz == pytest.approx(30.0)
    assert signals.late_share == 0.0
    assert signals.hand_px == pytest.approx(
        np.hypot(*(hand_shape(size=120.0)[0] - hand_shape(size=120.0)[9])), rel=0.01
    )
    assert signals.seen_share == 1.0
    assert signals.tips_share == 1.0
    assert watched(90, size=40.0).signals().hand_px == pytest.approx(signals.hand_px / 3)
    assert watched(90, peak=0.2).signals().tips_share == 0.0


def test_signals_follow_frame_rate_and_losses() -> None:
    recent = Recent(KEYPOINTS, load())
    for number in range(40):
        recent.captured(number / 15)
    assert recent.signals().frame_rate_hz == pytest.approx(15.0)
    assert math.isnan(recent.signals().brightness)
    for number in range(40):
        recent.captured(9 + number / 30 + (0.02 if number % 2 else 0.0))
        recent.add(Seen(9 + number / 30, seen(number).view if number % 2 else None, 20.0, False))
    signals = recent.signals()
    assert signals.seen_share == pytest.approx(0.5, abs=0.03)
    assert signals.brightness == 20.0
    assert signals.late_share > 0.3


def test_brightness_is_that_of_the_hand() -> None:
    image = np.full((240, 320, 3), 200, np.uint8)
    image[60:200, 80:240] = 30
    image[60:80, 80:100] = 0
    view = detection(hand_shape(160, 130, size=70.0))
    assert brightness_of(image, None) == 200.0
    assert brightness_of(image, view) == 30.0
    assert not is_at_edge(image, view)
    assert is_at_edge(image, detection(hand_shape(160, 210, size=90.0)))


def test_timing_counts_what_got_no_marks() -> None:
    log = TimingLog()
    for number in range(10):
        log.captured(number, number / 30)
        if number % 2 == 0:
            log.marked(number / 30, 100 + number / 30, 100 + number / 30 + 0.020 + 0.001 * number)
    timing = log.between()
    assert (timing.frames, timing.marked, timing.dropped) == (10, 5, 5)
    assert timing.duration_s == pytest.approx(0.3)
    assert timing.latency_median_ms == pytest.approx(24.0)
    assert timing.latency_p95_ms == pytest.approx(27.6)
    part = log.between(0.1, 0.2)
    assert (part.frames, part.marked) == (4, 2)
    assert part.marked_hz == pytest.approx(20.0)
    assert log.now_hz() == pytest.approx(15.0, rel=0.05)
    assert log.wait_for(8 / 30, 0)
    assert not log.wait_for(1.0, 0)


def test_frames_that_the_source_has_dropped_count() -> None:
    log = TimingLog()
    for number in (0, 1, 5):
        log.captured(number, number / 30)
        log.marked(number / 30, 0.0, 0.01)
    assert log.between().dropped == 3
    empty = TimingLog().between()
    assert (empty.frames, empty.dropped) == (0, 0)
    assert math.isnan(empty.dropped_share)
    assert math.isnan(empty.latency_p95_ms)
