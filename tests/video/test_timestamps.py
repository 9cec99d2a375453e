"""Frame intervals: the usual one, gaps, and variable rates."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapscope.errors import VideoError
from tapscope.video.timestamps import index_packets, measure_timing
from tests import clips
from tests.clips import Clip


@given(
    rate_hz=st.floats(5, 240),
    frames=st.integers(60, 300),
    lost=st.sets(st.integers(1, 58), max_size=3),
)
def test_constant_rate_with_gaps(rate_hz: float, frames: int, lost: set[int]) -> None:
    present = np.array([number for number in range(frames) if number not in lost])
    timing = measure_timing(present / rate_hz)
    assert timing.measured_fps == pytest.approx(rate_hz)
    assert timing.dropped_frames == len(lost)
    assert not timing.variable_frame_rate
    assert timing.duration_s == pytest.approx(frames / rate_hz)


@pytest.mark.parametrize("rate_hz", [24, 30, 60, 120, 240])
def test_milliseconds_do_not_bias_the_rate(rate_hz: int) -> None:
    timing = measure_timing(np.round(np.arange(480) / rate_hz, 3), resolution_s=1e-3)
    assert timing.measured_fps == pytest.approx(rate_hz, rel=2e-3)
    assert timing.dropped_frames == 0
    assert not timing.variable_frame_rate


def test_jitter_is_a_variable_rate() -> None:
    jitter = np.random.default_rng(0).normal(0, 3e-3, 300)
    timing = measure_timing(np.arange(300) / 30 + jitter)
    assert timing.variable_frame_rate
    assert timing.measured_fps == pytest.approx(30, rel=0.005)


def test_a_camera_that_halves_its_rate_is_variable() -> None:
    interval_s = np.r_[np.full(150, 1 / 30), np.full(40, 1 / 15)]
    timing = measure_timing(np.cumsum(interval_s))
    assert timing.variable_frame_rate
    assert timing.measured_fps == pytest.approx(30)
    assert timing.longest_interval_s == pytest.approx(1 / 15)


def test_two_unlike_intervals() -> None:
    timing = measure_timing([0.0, 0.1, 0.4])
    assert timing.measured_fps == pytest.approx(10)
    assert timing.dropped_frames == 2


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_frames_have_no_rate(count: int) -> None:
    timing = measure_timing(np.zeros(count))
    assert math.isnan(timing.measured_fps)
    assert math.isnan(timing.duration_s)
    assert timing.dropped_frames == 0


def test_index_matches_the_stamps_written(tmp_path: Path) -> None:
    index = index_packets(Clip().write(tmp_path / "clip.mp4", [3, 4, 6, 9]))
    assert index.seconds() == pytest.approx(np.array([0, 1, 3, 6]) / 30)
    assert (index.packets, index.by_order, index.fault, index.rises) == (4, False, "", True)


def test_hidden_packets_are_counted_but_not_indexed(tmp_path: Path) -> None:
    path = clips.skip_start(Clip().write(tmp_path / "clip.mp4", 20), 5 * 512)
    index = index_packets(path)
    assert (index.packets, index.stamps.size) == (20, 15)


def test_sound_that_outlasts_the_image_is_no_cut(tmp_path: Path) -> None:
    path = Clip(audio="after", audio_seconds=4.0).write(tmp_path / "clip.mkv")
    assert index_packets(path).fault == ""


def test_a_raw_stream_has_no_times(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no time stamps"):
        index_packets(Clip().write(tmp_path / "clip.h264"))
