"""The recording of a test: its time stamps, its frames, and a disk that is full."""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tapscope.errors import OutputError
from tapscope.live import recorder as recording_module
from tapscope.live.recorder import Recorder
from tapscope.live.source import CapturedFrame
from tapscope.video.stream import VideoStream
from tests.clips import image, number_of


def stamps_s(count: int) -> list[float]:
    """Return uneven time stamps that begin late, as in the middle of a session."""
    steps = np.random.default_rng(3).uniform(0.02, 0.06, count)
    return [float(value) for value in 17.3 + np.cumsum(steps)]


def record(path: Path, times_s: list[float], *, size: tuple[int, int] = (96, 64)) -> Recorder:
    recorder = Recorder(path, (size[1], size[0]), keep_all=True)
    for number, time_s in enumerate(times_s):
        recorder.add(CapturedFrame(number, time_s, 0.0, image(number, *size)))
    return recorder


def test_saved_time_stamps_are_those_captured(tmp_path: Path) -> None:
    times_s = stamps_s(80)
    recording = record(tmp_path / "new" / "test.mp4", times_s).finish()
    assert recording.time_s == times_s
    assert recording.lost == 0
    with VideoStream(recording.path) as stream:
        batches = list(stream)
    saved_s = np.concatenate([batch.time_s for batch in batches])
    # a tick of the file is 1/90000 s
    assert np.abs(saved_s - (np.array(times_s) - times_s[0])).max() <= 0.5 / 90_000 + 1e-9
    assert [number_of(i) for batch in batches for i in batch.pixels] == list(range(80))
    assert stream.summary.damaged_packets == 0
    assert not stream.summary.truncated


def test_odd_sides_lose_a_row_and_a_column(tmp_path: Path) -> None:
    recording = record(tmp_path / "odd.mp4", stamps_s(4), size=(97, 65)).finish()
    with VideoStream(recording.path) as stream:
        assert (stream.info.width, stream.info.height) == (96, 64)
        assert sum(len(batch) for batch in stream) == 4


def test_a_slow_encoder_loses_frames_and_counts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_module, "_MAX_FRAMES", 4)
    released = threading.Event()
    monkeypatch.setattr(Recorder, "_run", lambda self: released.wait(60))
    recorder = Recorder(tmp_path / "slow.mp4", (64, 96), keep_all=False)
    for number, time_s in enumerate(stamps_s(10)):
        recorder.add(CapturedFrame(number, time_s, 0.0, image(number)))
    assert recorder.recording.lost == 6
    released.set()


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
def test_a_full_disk_is_an_error_and_keeps_what_was_written(tmp_path: Path) -> None:
    import resource  # noqa: PLC0415 - not on every system

    path = tmp_path / "full.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (40, 64, 96, 3)).astype(np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    recorder = Recorder(path, (64, 96), keep_all=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"full\.mp4: cannot be written .*make room"):
            for number, time_s in enumerate(np.arange(400) / 30):
                recorder.add(CapturedFrame(number, float(time_s), 0.0, noise[number % 40]))
            recorder.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with VideoStream(path) as stream:
        assert sum(len(batch) for batch in stream) > 20


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "taken.mp4"
    path.mkdir()
    recorder = Recorder(path, (64, 96), keep_all=True)
    with pytest.raises(OutputError, match=r"taken\.mp4"):
        recorder.add(CapturedFrame(0, 0.0, 0.0, image(0)))
        recorder.finish()
