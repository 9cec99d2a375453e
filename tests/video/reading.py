"""Read a whole clip."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tapscope.records import FloatArray
from tapscope.video.decoders import Decoder
from tapscope.video.stream import VideoStream
from tapscope.video.stream_summary import StreamSummary
from tests.clips import number_of


def read(
    path: Path, decoder: Decoder = "auto", batch_size: int = 7
) -> tuple[NDArray[np.uint8], FloatArray, StreamSummary]:
    """Return all pixels and times of a video, and its summary."""
    if decoder == "decord":
        pytest.importorskip("decord")
    with VideoStream(path, batch_size, decoder) as stream:
        batches = list(stream)
        summary = stream.summary
    assert [b.first_frame for b in batches] == np.cumsum([0, *map(len, batches)])[:-1].tolist()
    assert all(len(b) == batch_size for b in batches[:-1])
    pixels = np.concatenate([b.pixels for b in batches])
    assert pixels.shape[1:3] == (stream.info.height, stream.info.width)
    return pixels, np.concatenate([b.time_s for b in batches]), summary


def numbers(pixels: NDArray[np.uint8]) -> list[int]:
    return [number_of(frame) for frame in pixels]
