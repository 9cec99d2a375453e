"""Videos that other people's programs stumbled over, from the folder of shared cases."""

from pathlib import Path

import pytest

from tapscope.cli.console.log import SilentListener
from tapscope.pipeline.analyze import Options, analyze_videos
from tapscope.video.inspection import inspect_video


@pytest.mark.parametrize(
    ("video", "new_per_s", "duplicates", "serious"),
    [
        ("dup-frames-upconverted/sub-12_hand-left_orig.mp4", 30, 0, set()),
        ("dup-frames-upconverted/sub-12_hand-left_dup60.mp4", 30, 239, {"frames_duplicated"}),
        ("dup-frames-upconverted/sub-12_hand-left_dup120.mp4", 30, 719, {"frames_duplicated"}),
        ("same-pts-frames/duppts.mkv", 15, 120, {"frames_duplicated", "frame_rate_low"}),
    ],
)
def test_new_pictures_are_counted(
    shared_data: Path, video: str, new_per_s: float, duplicates: int, serious: set[str]
) -> None:
    found = inspect_video(shared_data / "cases" / video)
    assert found.summary.measured_fps == pytest.approx(new_per_s, rel=0.01)
    assert found.summary.duplicate_frames == duplicates
    assert {finding.code for finding in found.findings if finding.serious} == serious


@pytest.mark.parametrize(
    ("video", "flags", "new_per_s"),
    [
        (
            "dup-frames-upconverted/sub-12_hand-left_dup60.mp4",
            {"rate_near_nyquist", "frames_duplicated"},
            30,
        ),
        ("same-pts-frames/duppts.mkv", {"frames_duplicated", "frame_rate_low"}, 15),
    ],
)
def test_a_doubt_says_that_pictures_repeat(
    shared_data: Path, tmp_path: Path, video: str, flags: set[str], new_per_s: float
) -> None:
    options = Options(videos=(shared_data / "cases" / video,), out=tmp_path / "t.csv", device="cpu")
    result = analyze_videos(options, SilentListener(), ["tests"])
    (row,) = (cached.cells for cached in result.results.values())
    assert row["status"] == "doubtful"
    assert flags <= set(str(row["flags"]).split(";"))
    assert row["measured_fps"] == pytest.approx(new_per_s, rel=0.01)
    assert row["sampling_rate_hz"] == pytest.approx(new_per_s, rel=0.01)
