"""Tests of one recording's way from video to results."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from tapscope.features import FEATURES
from tapscope.network import weights
from tapscope.output.columns import all_columns, column_dictionary, feature_names
from tapscope.pipeline.cache import RecordingResult
from tapscope.pipeline.recording import Prepare, analyze_recording, measure, within
from tapscope.pipeline.recordings import Recording, find_recordings
from tapscope.protocol.protocol import load
from tapscope.protocol.rules import TimeRules
from tapscope.records import Keypoints, Trajectory
from tapscope.video.stream import StreamSummary, VideoStream
from tests.hands import DotEngine, hand_shape, paint, tiny_card, tiny_weights
from tests.tapping import track, write_clip

STUDY = Path(__file__).parents[1] / "data" / "study"
PROTOCOL = load()
RECORDING = Recording(Path("a.mp4"), "a", "a.mp4")
SUMMARY = StreamSummary(
    decoded_frames=240,
    reader="pyav",
    reader_reason="",
    truncated=False,
    truncated_reason="",
    damaged_packets=0,
    measured_fps=30.0,
    variable_frame_rate=False,
    dropped_frames=0,
    duplicate_frames=0,
    backward_frames=0,
    longest_interval_s=0.034,
    duration_s=8.0,
    first_pts_s=0.0,
)


def rows(content: bytes | None) -> list[dict[str, str]]:
    assert content is not None
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def true_keypoints(name: str) -> tuple[Keypoints, list[float]]:
    """Return the true tips of a bundled recording with a resting palm, and the true contacts."""
    truth = json.loads((STUDY / "truth" / f"{name}.json").read_text())
    tips = np.array(truth["tips_px"])
    palm = np.broadcast_to(np.array([[200.0, 400.0], [200.0, 280.0]]), (len(tips), 2, 2))
    keypoints = Keypoints(
        np.array(truth["frame_times_s"]),
        np.concatenate([tips, palm], axis=1),
        np.full((len(tips), 4), 0.9),
        np.full(len(tips), "", dtype="U8"),
        ("thumb_tip", "index_tip", "wrist", "middle_mcp"),
        np.full(len(tips), np.nan),
        np.full(len(tips), np.nan),
    )
    return keypoints, truth["contacts_s"]


@pytest.mark.parametrize("name", [r.name for r in find_recordings([STUDY / "videos"])])
def test_true_tips_give_the_true_taps(name: str) -> None:
    keypoints, contacts_s = true_keypoints(name)
    result = measure(keypoints, SUMMARY, RECORDING, PROTOCOL, {})
    rate_hz = (len(contacts_s) - 1) / (contacts_s[-1] - contacts_s[0])
    assert result.measures["tapping_rate_hz"] == pytest.approx(rate_hz, abs=0.1)
    taps = rows(result.taps)
    closures = [float(tap["closure_s"]) for tap in taps] + [float(taps[-1]["next_closure_s"])]
    away_s = [min(abs(found - true) for true in contacts_s) for found in closures]
    assert np.median(away_s) < 0.01


def measured(**changes: float) -> RecordingResult:
    keypoints, _ = true_keypoints("sub-08_hand-left_run-1")
    return measure(keypoints, SUMMARY, replace(RECORDING, **changes), PROTOCOL, {})


def test_a_calibration_gives_millimetres() -> None:
    plain, calibrated = measured(), measured(px_per_mm=4.0)
    assert (plain.measures["unit"], calibrated.measures["unit"]) == ("hand_lengths", "mm")
    amplitude = [float(str(r.measures["amplitude_median"])) for r in (plain, calibrated)]
    assert amplitude[0] * 120 == pytest.approx(amplitude[1] * 4, rel=1e-4)
    assert {tap["unit"] for tap in rows(calibrated.taps)} == {"mm"}
    frame = rows(calibrated.tracks)[50]
    assert float(frame["aperture_px"]) == pytest.approx(4 * float(frame["aperture_mm"]), abs=0.01)
    assert rows(plain.tracks)[50]["aperture_mm"] == ""


def test_a_metronome_in_the_manifest_is_compared_with() -> None:
    assert measured().measures["metronome_rate_error_hz"] is None
    error_hz = measured(metronome_rate_hz=4.0).measures["metronome_rate_error_hz"]
    assert error_hz == pytest.approx(0.5, abs=0.1)


def test_formats_that_others_rely_on() -> None:
    result = measured()
    assert list(rows(result.tracks)[0]) == [
        "time_s",
        "frame",
        "thumb_tip_x",
        "thumb_tip_y",
        "index_tip_x",
        "index_tip_y",
        "thumb_tip_confidence",
        "index_tip_confidence",
        "aperture_px",
        "aperture_hand",
        "aperture_mm",
        "angle_deg",
        "reason",
    ]
    assert list(rows(result.taps)[0]) == [
        "tap",
        "closure_s",
        "next_closure_s",
        "peak_s",
        "amplitude",
        "unit",
        "opening_speed_mean",
        "opening_speed_peak",
        "closing_speed_mean",
        "closing_speed_peak",
        "interval_s",
        "flags",
    ]
    columns = all_columns(PROTOCOL, ["group"])
    assert columns[:8] == (
        "recording video status reason participant_id session_id hand trial".split()  # noqa: SIM905
    )
    assert columns[-4:] == ["tapscope_version", "weights", "protocol", "group"]
    assert set(result.measures) <= set(columns)
    assert {feature.name for feature in FEATURES} <= set(columns)


def test_every_column_is_explained() -> None:
    entries = column_dictionary(PROTOCOL, ["group"])
    assert [entry["name"] for entry in entries] == all_columns(PROTOCOL, ["group"])
    assert all(entry["formula"] and entry["unit"] and entry["domain"] for entry in entries)


def test_a_protocol_may_ask_for_few_features() -> None:
    few = replace(PROTOCOL, features=("tapping_rate_hz",))
    assert feature_names(few) == ["tapping_rate_hz"]
    assert "tracked_frames_pct" in all_columns(few)


@pytest.mark.parametrize(
    ("changes", "status", "flags"),
    [
        ({"truncated": True, "truncated_reason": "cut"}, "doubtful", ("truncated",)),
        ({"damaged_packets": 3}, "doubtful", ("damaged",)),
        ({}, "ok", ()),
    ],
)
def test_faults_of_the_video_are_doubts(
    changes: dict[str, object], status: str, flags: tuple[str, ...]
) -> None:
    keypoints, _ = true_keypoints("sub-08_hand-left_run-1")
    summary = replace(SUMMARY, **changes)  # type: ignore[arg-type]
    result = measure(keypoints, summary, RECORDING, PROTOCOL, {})
    assert (result.status, result.codes) == (status, flags)
    assert bool(result.reason) == bool(flags)


def test_a_recording_without_a_hand_has_no_numbers(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", hand=False)
    with VideoStream(clip) as stream:
        keypoints = track(stream, lambda done, total: None)
        result = measure(keypoints, stream.summary, RECORDING, PROTOCOL, {})
    assert (result.status, result.codes) == ("failed", ("no_hand",))
    assert "tapping_rate_hz" not in result.measures
    assert result.measures["measured_fps"] == 30
    assert rows(result.taps) == []
    assert {row["aperture_px"] for row in rows(result.tracks)} == {""}


def test_only_the_protocols_time_is_analysed() -> None:
    trajectory = Trajectory(np.arange(10.0), np.arange(10.0), "px", "video", 1.0, {"a": "b"})
    part = within(trajectory, TimeRules(start_s=2, max_duration_s=5))
    assert part.time_s.tolist() == [2, 3, 4, 5, 6, 7]
    assert (part.aperture.tolist(), part.noise, part.info) == ([2, 3, 4, 5, 6, 7], 1.0, {"a": "b"})


def test_from_video_through_the_engine(tmp_path: Path) -> None:
    clip = dots_clip(tmp_path / "a.mp4")
    recording = replace(RECORDING, path=clip, hand="left", hand_source="option")
    reports: list[tuple[int, int | None]] = []
    result = analyze_recording(
        recording, DotEngine(), PROTOCOL, lambda done, total: reports.append((done, total))
    )
    assert result.frames == 60
    assert reports[-1] == (60, None)  # Matroska does not tell
    done = [frames for frames, _ in reports]
    assert done == sorted(done)
    assert 30 in done  # after the first of two passes
    assert result.facts["engine"] == "dots"
    assert result.facts["hand_source"] == "option"
    assert result.measures["tracked_frames_pct"] == 100
    assert result.measures["tapping_rate_hz"] == pytest.approx(3, abs=0.1)


def dots_clip(path: Path) -> Path:
    """Write two seconds of a hand of dots that taps three times a second, without loss."""
    with av.open(str(path.with_suffix(".mkv")), "w") as out:
        video = out.add_stream("ffv1", rate=30)
        video.width, video.height, video.pix_fmt = 320, 240, "bgr0"
        for n in range(60):
            aperture = 0.1 + 0.5 * np.sin(np.pi * 3 * n / 30) ** 2
            image = paint([hand_shape(160, 120, aperture=aperture)])
            out.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(video.encode(None))
    return path.with_suffix(".mkv")


def test_a_worker_loads_weights(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    weights.write(file, tiny_weights().network, tiny_card())
    analyse = Prepare(file, PROTOCOL, "cpu", 1)()
    clip = write_clip(tmp_path / "a.mp4", stamps_s=[n / 30 for n in range(4)])
    result = analyse(replace(RECORDING, path=clip), lambda done, total: None)
    assert result.status == "failed"
    assert result.facts["engine"].startswith("openvino")
