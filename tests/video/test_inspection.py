"""Findings on whether a recording suits the measurement."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tapscope.errors import VideoError
from tapscope.video.inspection import Inspection, inspect_video
from tests import clips
from tests.clips import Clip

GOOD = Clip(size=(320, 240))


def codes(inspection: Inspection) -> dict[str, bool]:
    """Map each finding's code to whether it is serious."""
    return {finding.code: finding.serious for finding in inspection.findings}


def test_a_good_recording_has_no_findings(tmp_path: Path) -> None:
    inspection = inspect_video(GOOD.write(tmp_path / "clip.mp4"), 30, 0.5, 2)
    assert inspection.findings == ()
    assert inspection.suitable
    assert inspection.info.codec == "h264"
    assert inspection.summary.decoded_frames == 30


def test_ntsc_passes_for_thirty(tmp_path: Path) -> None:
    clip = dataclasses.replace(GOOD, time_base=Fraction(1001, 30000))
    assert codes(inspect_video(clip.write(tmp_path / "clip.mp4"))) == {}


def test_slow_short_and_small(tmp_path: Path) -> None:
    clip = Clip(time_base=Fraction(1, 15))
    inspection = inspect_video(clip.write(tmp_path / "clip.mp4"), 30, 10)
    assert codes(inspection) == {
        "frame_rate_low": True,
        "too_short": True,
        "image_small": True,
    }
    assert not inspection.suitable
    assert (
        "15.0 frames per second show a new picture; at least 24 are needed"
        in inspection.findings[0].text
    )
    assert "4.0 Hz" in inspection.findings[0].text


def test_long_is_a_note_and_notes_come_last(tmp_path: Path) -> None:
    inspection = inspect_video(Clip().write(tmp_path / "clip.mp4"), max_duration_s=0.5)
    assert list(codes(inspection).items()) == [("image_small", True), ("too_long", False)]


@pytest.mark.parametrize(("lost", "serious"), [({50}, False), (set(range(50, 60)), True)])
def test_dropped_frames(tmp_path: Path, lost: set[int], serious: bool) -> None:
    stamps = [tick for tick in range(120) if tick not in lost]
    inspection = inspect_video(GOOD.write(tmp_path / "clip.mp4", stamps))
    assert codes(inspection) == {"frames_dropped": serious}


def test_repeated_images(tmp_path: Path) -> None:
    shown = [number // 2 for number in range(30)]
    clip = dataclasses.replace(GOOD, codec="ffv1")
    found = inspect_video(clip.write(tmp_path / "clip.mkv", 30, shown))
    assert codes(found) == {"frame_rate_low": True, "frames_duplicated": True}
    assert "15 frames (50.0%)" in found.findings[1].text


def test_variable_rate_is_a_note(tmp_path: Path) -> None:
    stamps = [33 * tick + 12 * (tick % 2) for tick in range(40)]
    clip = dataclasses.replace(GOOD, time_base=Fraction(1, 1000))
    found = codes(inspect_video(clip.write(tmp_path / "clip.mp4", stamps), min_fps=20))
    assert found["frame_rate_variable"] is False


def test_truncated_and_damaged(tmp_path: Path) -> None:
    clip = dataclasses.replace(
        GOOD, options={"g": "15"}, container_options={"movflags": "faststart"}
    )
    path = clips.cut(clip.write(tmp_path / "clip.mp4", 60), 0.7)
    found = codes(inspect_video(path))
    assert found["truncated"] and found["damaged"]


def test_stamps_out_of_order(tmp_path: Path) -> None:
    path = clips.restamped(tmp_path / "clip.mkv", [0, 33, 66, 50, 100, 133])
    found = codes(inspect_video(path, min_side_px=10))
    assert found == {"frames_out_of_order": False}


def test_image_notes(tmp_path: Path) -> None:
    clip = dataclasses.replace(GOOD, aspect=Fraction(4, 3), interlaced=True)
    path = clips.orient(clip.write(tmp_path / "clip.mp4"), "mirrored")
    assert codes(inspect_video(path)) == {
        "interlaced": False,
        "mirrored": False,
        "pixels_not_square": False,
    }


def test_a_single_frame(tmp_path: Path) -> None:
    found = codes(inspect_video(GOOD.write(tmp_path / "clip.mp4", 1)))
    assert found == {"one_frame": True}


def filmed_fast(path: Path, **metadata: str) -> Path:
    """Write a second of video at 30 frames a second whose metadata speak of slow motion."""
    source = GOOD.write(path.with_suffix(".source.mp4"))
    with (
        av.open(str(source)) as clip,
        av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as out,
    ):
        out.metadata.update(metadata)
        copy = out.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.size:
                packet.stream = copy
                out.mux(packet)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("com.android.capture.fps", "240.0"),
        ("com.apple.quicktime.full-frame-rate-playback-intent", "0"),
        ("timecode", "01:00:00:119"),
    ],
)
def test_slow_motion_is_suspected_from_what_cameras_write(
    tmp_path: Path, name: str, text: str
) -> None:
    # QuickTime's time codes hold the rate of the file only
    path = tmp_path / ("slow.mkv" if name == "timecode" else "slow.mov")
    filmed_fast(path, **{name: text})
    assert codes(inspect_video(path)) == {"slow_motion_suspected": True}
    assert codes(inspect_video(path, slow_motion=1)) == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("com.android.capture.fps", "30.0"),
        ("com.android.capture.fps", "unknown"),
        ("com.apple.quicktime.full-frame-rate-playback-intent", "1"),
        ("timecode", "01:00:00:12"),
    ],
)
def test_usual_speed_is_not_suspected(tmp_path: Path, name: str, text: str) -> None:
    assert codes(inspect_video(filmed_fast(tmp_path / "usual.mov", **{name: text}))) == {}


def test_times_of_slow_motion_are_divided(tmp_path: Path) -> None:
    found = inspect_video(GOOD.write(tmp_path / "clip.mp4"), slow_motion=8)
    assert found.summary.measured_fps == pytest.approx(240)
    assert found.summary.duration_s == pytest.approx(1 / 8)


def test_no_video_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no video stream"):
        inspect_video(clips.audio_only(tmp_path / "sound.mp4"))
