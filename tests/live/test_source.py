"""Cameras and files that stand for one: pace, dropped frames, faults."""

import threading
from pathlib import Path

import numpy as np
import pytest

from tapscope.errors import VideoError
from tapscope.live.frame_slot import FrameSlot
from tapscope.live.source import CameraSource, CapturedFrame, FileSource
from tests.clips import Clip, number_of
from tests.live.fakes import FakeCamera, FakeClock


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return Clip().write(tmp_path / "clip.mp4", 12)


def test_a_file_in_real_time_keeps_its_own_pace(clip: Path) -> None:
    clock = FakeClock()
    source = FileSource(clip, realtime=True, clock=clock, wait=clock.wait)
    frames = list(source.frames())
    assert [number_of(frame.image) for frame in frames] == list(range(12))
    assert [frame.captured_s for frame in frames] == pytest.approx(
        [100.0 + n / 30 for n in range(12)]
    )
    assert sum(clock.waited_s) == pytest.approx(11 / 30)
    assert source.dropped == 0
    assert source.size == (64, 96)


def test_late_frames_are_dropped_as_a_camera_would(clip: Path) -> None:
    clock = FakeClock()
    source = FileSource(clip, realtime=True, clock=clock, wait=clock.wait)
    numbers = []
    for frame in source.frames():
        numbers.append(frame.number)
        if frame.number == 3:
            clock.now_s += 3.5 / 30  # work that takes until after frame 6 is due
    assert numbers == [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]
    assert source.dropped == 2


def test_without_real_time_every_frame_comes_at_once(clip: Path) -> None:
    clock = FakeClock()
    source = FileSource(clip, realtime=False, clock=clock, wait=clock.wait)
    frames = []
    for frame in source.frames():
        frames.append(frame)
        clock.now_s += 10.0
    assert [frame.number for frame in frames] == list(range(12))
    assert [frame.time_s for frame in frames] == pytest.approx([n / 30 for n in range(12)])
    assert clock.waited_s == []


def test_a_closed_file_ends_soon(clip: Path) -> None:
    source = FileSource(clip, realtime=True)
    frames = source.frames()
    next(frames)
    source.close()
    assert len(list(frames)) <= 1


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"nothing")
    with pytest.raises(VideoError, match=r"x\.mp4"):
        FileSource(tmp_path / "x.mp4", realtime=True)


def test_a_camera_gives_rgb_and_the_times_at_which_frames_arrive() -> None:
    clock = FakeClock()
    camera = FakeCamera(3, pause=lambda: clock.wait(0.04))
    source = CameraSource(0, lambda index: camera, clock)
    frames = []
    with pytest.raises(VideoError, match=r"camera 0: was lost after 0\.1 s"):
        for frame in source.frames():
            frames.append(frame)
    assert [frame.time_s for frame in frames] == pytest.approx([0.0, 0.04, 0.08])
    assert frames[0].captured_s == pytest.approx(100.04)
    assert frames[0].image[0, 0].tolist() == [30, 20, 10]
    assert source.size == (240, 320)
    assert camera.released


def test_no_camera_says_what_to_do() -> None:
    camera = FakeCamera(0, opens=False)
    with pytest.raises(VideoError, match=r"camera 2: cannot be opened; plug it in.*--camera"):
        CameraSource(2, lambda index: camera)
    assert camera.released


def test_a_camera_without_an_image_is_no_lost_one() -> None:
    with pytest.raises(VideoError, match="gives no image"):
        next(CameraSource(0, lambda index: FakeCamera(0)).frames())


def test_a_closed_camera_is_released() -> None:
    camera = FakeCamera(100)
    source = CameraSource(0, lambda index: camera)
    frames = source.frames()
    next(frames)
    source.close()
    assert list(frames) == []
    assert camera.released


def captured(number: int) -> CapturedFrame:
    return CapturedFrame(number, number / 30, 0.0, np.zeros((2, 2, 3), np.uint8))


def test_the_newest_frame_wins() -> None:
    slot = FrameSlot(keep_all=False)
    for number in range(5):
        slot.put(captured(number))
    frame = slot.take()
    assert frame is not None
    assert frame.number == 4
    assert slot.replaced == 4
    slot.close()
    assert slot.take() is None


def test_a_slot_that_keeps_all_waits_until_each_is_taken() -> None:
    slot = FrameSlot(keep_all=True)
    giving = threading.Thread(target=lambda: [slot.put(captured(n)) for n in range(50)])
    giving.start()
    taken = [slot.take() for _ in range(50)]
    giving.join(60)
    assert [frame.number for frame in taken if frame] == list(range(50))


def test_a_closed_slot_lets_nobody_wait() -> None:
    slot = FrameSlot(keep_all=True)
    slot.put(captured(0))
    giving = threading.Thread(target=slot.put, args=(captured(1),))
    giving.start()
    slot.close()
    giving.join(60)
    assert not giving.is_alive()
