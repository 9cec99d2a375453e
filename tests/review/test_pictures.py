"""The pictures of the review page: the frame that was asked for, and the hand in it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tapscope.errors import VideoError
from tapscope.review.pictures import Box, Clip, Clips, hand_box
from tests.clips import Clip as MadeClip
from tests.clips import number_of

WHOLE = Box(0, 0, 96, 64)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a video whose pictures show their numbers."""
    return MadeClip().write(tmp_path_factory.mktemp("clip") / "a.mp4", stamps=60)


def seen(content: bytes) -> int:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return number_of(np.ascontiguousarray(image[:, :, ::-1]))


def test_each_number_gives_its_own_picture(video: Path) -> None:
    clip = Clip(video, WHOLE)
    for number in (59, 0, 17, 18, 30, 1):
        assert seen(clip.picture(number)) == number
    for number in (60, -1, -2):
        with pytest.raises(VideoError, match="no frame"):
            clip.picture(number)
    clip.close()


def test_a_file_that_is_no_video_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"text")
    clip = Clip(tmp_path / "a.mp4", WHOLE)
    with pytest.raises(VideoError, match=r"^a.mp4: "):
        clip.picture(0)
    clip.close()


def test_the_clip_used_longest_ago_is_closed(video: Path) -> None:
    clips = Clips()
    first = clips.get("first", lambda: Clip(video, WHOLE))
    for key in ("second", "third"):
        clips.get(key, lambda: Clip(video, WHOLE))
    assert clips.get("first", lambda: Clip(video, WHOLE)) is first
    clips.get("fourth", lambda: Clip(video, WHOLE))
    second = clips.get("second", lambda: Clip(video, WHOLE))
    assert seen(second.picture(5)) == 5
    clips.close()


def test_the_box_holds_the_hand_and_stays_in_the_image() -> None:
    place = np.full((100, 2, 2), np.nan)
    place[:, 0], place[:, 1] = (300.0, 200.0), (400.0, 260.0)
    place[3] = np.nan
    assert hand_box(place, 640, 480) == Box(255, 155, 191, 151)
    assert hand_box(place, 410, 270) == Box(255, 155, 155, 115)
    assert hand_box(np.full((5, 2, 2), np.nan), 640, 480) == Box(0, 0, 640, 480)
    assert Box(0, 0, 3840, 2160).scale == pytest.approx(1 / 6)
