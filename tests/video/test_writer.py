"""Clips as H.264: their times, and what is refused."""

import io
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapscope.errors import VideoError
from tapscope.video.writer import encode_clip

CLIP = Path("clip.mp4")


def images(times_s: list[float]) -> list[tuple[float, np.ndarray]]:
    return [(time_s, np.full((32, 48, 3), n % 256, np.uint8)) for n, time_s in enumerate(times_s)]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.004, 0.5), min_size=1, max_size=60))
def test_every_frame_has_its_time(steps_s: list[float]) -> None:
    times_s = [0.0, *np.cumsum(steps_s).tolist()]
    with av.open(io.BytesIO(encode_clip(CLIP, images(times_s)))) as clip:
        (stream,) = clip.streams
        assert isinstance(stream, av.VideoStream)
        length_s = float((stream.duration or 0) * (stream.time_base or 0))
        found_s = [frame.time for frame in clip.decode(stream)]
    assert found_s == pytest.approx(times_s, abs=1e-4)
    assert all(before < after for before, after in pairwise(found_s))
    assert length_s == pytest.approx(times_s[-1] + steps_s[-1], abs=1e-3)


def test_one_frame_is_a_clip_and_none_is_not() -> None:
    with av.open(io.BytesIO(encode_clip(CLIP, images([0.0])))) as clip:
        assert len(list(clip.decode(video=0))) == 1
    with pytest.raises(VideoError, match="no frame to show"):
        encode_clip(CLIP, [])
    with pytest.raises(VideoError, match="cannot be encoded"):
        encode_clip(CLIP, [(0.0, np.zeros((31, 47, 3), np.uint8))])
