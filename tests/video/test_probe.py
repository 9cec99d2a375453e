"""The header: what is in a file, or why it is no video."""

import os
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tapscope.errors import VideoError
from tapscope.video.probe import probe
from tests import clips
from tests.clips import Clip


def test_header_facts(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "a name, with commas.mp4")
    info = probe(path)
    assert info.path == path
    assert (info.codec, info.pixel_format) == ("h264", "yuv420p")
    assert "mp4" in info.container
    assert (info.width, info.height, info.rotation_deg, info.mirrored) == (96, 64, 0, False)
    assert (info.nominal_fps, info.header_frames) == (30, 30)
    assert info.duration_s == pytest.approx(1)
    assert info.size_bytes == path.stat().st_size
    assert (info.pixel_aspect, info.interlaced) == (1, False)


def test_what_the_header_lacks_is_none(tmp_path: Path) -> None:
    info = probe(Clip(codec="libvpx-vp9").write(tmp_path / "clip.webm"))
    assert info.header_frames is None
    assert info.duration_s == pytest.approx(1)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ("90", (64, 96, 90, False)),
        ("180", (96, 64, 180, False)),
        ("270", (64, 96, 270, False)),
        ("mirrored", (96, 64, 0, True)),
        ("mirrored90", (64, 96, 270, True)),
    ],
)
def test_size_is_as_displayed(
    tmp_path: Path, matrix: str, expected: tuple[int, int, int, bool]
) -> None:
    info = probe(clips.orient(Clip().write(tmp_path / "clip.mov", 3), matrix))
    assert (info.width, info.height, info.rotation_deg, info.mirrored) == expected


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    info = probe(Clip(aspect=Fraction(4, 3)).write(tmp_path / "wide.mp4", 3))
    assert (info.width, info.height) == (128, 64)
    assert info.pixel_aspect == pytest.approx(4 / 3)
    assert probe(Clip(aspect=Fraction(255, 256)).write(tmp_path / "n.mp4", 3)).pixel_aspect == 1


def test_interlaced(tmp_path: Path) -> None:
    assert probe(Clip(interlaced=True).write(tmp_path / "fields.mp4", 3)).interlaced


def test_an_image_that_cannot_be_decoded_leaves_the_header(tmp_path: Path) -> None:
    clip = Clip(codec="mjpeg", pixel_format="yuvj420p", container_options={"movflags": "faststart"})
    path = clip.write(tmp_path / "rubbish.mov", 320)
    start = path.read_bytes().index(b"mdat") / path.stat().st_size
    info = probe(clips.damage(path, start + 0.001, 1))
    assert (info.width, info.height, info.header_frames) == (96, 64, 320)


REFUSED = {
    "empty": (b"", "zero bytes"),
    "text": (b"This is a letter and not a video.\n" * 100, "not a video that can be opened"),
    "zeros": (bytes(5000), "not a video that can be opened"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n", "not a video that"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_video_is_refused(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    content, cause = REFUSED[name]
    path = tmp_path / f"{name}.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=cause) as caught:
        probe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert capfd.readouterr() == ("", "")


def test_text_and_images_that_ffmpeg_would_show_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "letter.txt"
    text.write_text("This is a letter.\n" * 100)
    with pytest.raises(VideoError, match="this is plain text"):
        probe(text)
    still = tmp_path / "still.png"
    cv2.imwrite(str(still), np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(VideoError, match="this is a still image"):
        probe(still.rename(tmp_path / "still.mp4"))


def test_missing_file_folder_and_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such file"):
        probe(tmp_path / "nowhere.mp4")
    with pytest.raises(VideoError, match="this is a folder"):
        probe(tmp_path)
    locked = Clip().write(tmp_path / "locked.mp4", 2)
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(VideoError, match="cannot be read"):
        probe(locked)


def test_reading_errors_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Clip().write(tmp_path / "clip.mp4", 2)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(VideoError, match=r"cannot be read \(Permission denied\)"):
        probe(path)


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"no video stream in the file \(found: audio\)"):
        probe(clips.audio_only(tmp_path / "sound.mp4"))


@pytest.mark.parametrize("codec", [b"encv", b"zzzz"])
def test_encrypted_or_unknown_codec_is_refused(tmp_path: Path, codec: bytes) -> None:
    path = clips.retag(Clip().write(tmp_path / "clip.mp4", 3), b"avc1", codec)
    with pytest.raises(VideoError, match="encrypted or its codec is unknown"):
        probe(path)


def test_an_unfinished_recording_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = clips.cut(Clip().write(tmp_path / "half.mp4"), 0.5)
    with pytest.raises(VideoError, match="lacks its index: copy it again"):
        probe(path)
