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
from tapscope.output.columns import all_columns, column_dictionary, dictionary_page, feature_names
from tapscope.pipeline.cache import RecordingResult
from tapscope.pipeline.measurement import measure
from tapscope.pipeline.recording import Prepare, analyze_recording
from tapscope.pipeline.recordings import Recording, find_recordings
from tapscope.pipeline.tapping import within
from tapscope.protocol.protocol import load
from tapscope.protocol.rules import TaskRules, TimeRules
from tapscope.records import Keypoints, Trajectory
from tapscope.video.stream import VideoStream
from tapscope.video.stream_summary import StreamSummary
from tests.hands import DotEngine, hand_shape, paint, tiny_card, tiny_weights
from tests.synthetic import HEADER, filmed, frames, hand, reaches
from tests.tapping import track, write_clip

STUDY = Path(__file__).parents[1] / "data" / "clinic"
PROTOCOL = load()
RECORDING = Recording(Path("a.mp4"), "a", "a.mp4")
SUMMARY = StreamSummary(
    decoded_frames=240,
    decoder="pyav",
    decoder_reason="",
    truncated=False,
    truncated_reason="",
    damaged_packets=0,
    measured_fps=30.0,
    variable_frame_rate=False,
    dropped_frames=0,
    duplicate_frames=0,
    repeated_stamps=0,
    backward_frames=0,
    longest_interval_s=0.034,
    duration_s=8.0,
    first_pts_s=0.0,
    shown_fps=30.0,
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
    result = measure(keypoints, HEADER, SUMMARY, RECORDING, PROTOCOL, facts={})
    # the last contact of some lies in a pause of which the recording shows only the beginning
    rate_hz = (len(contacts_s) - 2) / (contacts_s[-2] - contacts_s[0])
    assert result.measures["tapping_rate_hz"] == pytest.approx(rate_hz, abs=0.1)
    taps = rows(result.taps)
    closures = [float(tap["closure_s"]) for tap in taps] + [float(taps[-1]["next_closure_s"])]
    away_s = [min(abs(found - true) for true in contacts_s) for found in closures]
    assert np.median(away_s) < 0.01


def measured(**changes: float) -> RecordingResult:
    keypoints, _ = true_keypoints("sub-10_hand-right_run-1")
    return measure(keypoints, HEADER, SUMMARY, replace(RECORDING, **changes), PROTOCOL, facts={})


def rested(before_s: float, after_s: float, **changes: object) -> RecordingResult:
    """Return the results of 3 Hz taps for 6 s between two rests in which the hand fidgets."""
    motion = reaches(3.0, 6.0, lead_in_s=before_s, lead_out_s=after_s, seed=2, jitter=0.04)
    seen = filmed(motion, fidgets=0.03, seed=2)
    keypoints = hand(20 + 100 * np.nan_to_num(seen.aperture), seen.time_s)
    lost = np.zeros(len(seen.time_s), dtype=bool)
    for first_s, last_s in changes.get("lost_s", []):  # type: ignore[attr-defined]
        lost |= (seen.time_s >= first_s) & (seen.time_s < last_s)
    keypoints.reason[lost] = "no_hand"
    keypoints.agreement[:] = np.where(seen.time_s < before_s, 0.0, 1.0)
    keypoints.confidence[seen.time_s < before_s] = 0.6
    protocol = replace(PROTOCOL, **changes.get("protocol", {}))  # type: ignore[arg-type]
    return measure(keypoints, HEADER, SUMMARY, RECORDING, protocol, facts={})


def test_rests_around_the_task_are_neither_measured_nor_judged() -> None:
    result = rested(5.0, 5.0, lost_s=[(0.0, 2.0), (13.0, 20.0)])
    assert (result.status, result.reason) == ("ok", "")
    found = result.measures
    assert found["tap_count"] == 18
    assert found["tapping_rate_hz"] == pytest.approx(3.0, rel=0.03)
    assert found["task_start_s"] == pytest.approx(5.0, abs=0.1)
    assert found["lead_in_s"] == pytest.approx(5.0, abs=0.1)
    assert found["task_end_s"] == pytest.approx(11.0, abs=0.25)
    assert found["task_duration_s"] == pytest.approx(6.0, abs=0.3)
    assert found["duration_s"] == pytest.approx(16.0, abs=0.2)
    assert found["tracked_frames_pct"] == 100
    assert found["longest_gap_s"] == pytest.approx(1 / 30, abs=0.001)
    assert found["median_confidence"] == 1
    assert found["mirror_agreement_pct"] == 100
    assert found["range"] == pytest.approx(100 / 120, rel=0.05)
    assert found["spectral_rate_hz"] == pytest.approx(3.0, rel=0.05)
    assert found["task_ending"] == "complete"
    (bout,) = rows(result.bouts)
    assert (bout["taps"], bout["is_task"]) == ("18", "yes")


def test_a_protocol_may_take_the_whole_recording_as_the_task() -> None:
    whole = rested(2.0, 2.0, protocol={"task": TaskRules(find=False)})
    assert whole.measures["task_start_s"] == pytest.approx(0.0, abs=0.05)
    assert whole.measures["task_duration_s"] == pytest.approx(10.0, abs=0.2)
    assert whole.measures["median_confidence"] == 1


def test_a_tapper_who_stops_early_halts_at_the_end() -> None:
    result = rested(1.0, 5.0, protocol={"expected_taps": 0, "expected_duration_s": 10.0})
    found = result.measures
    assert (result.status, result.codes) == ("ok", ("stopped_early",))
    assert found["task_ending"] == "stopped_early"
    assert found["halt_count"] == 1
    assert found["stopped_early_s"] == pytest.approx(4.0, abs=0.3)
    assert found["longest_halt_s"] == pytest.approx(4.0, abs=0.3)
    assert found["freeze_share"] == pytest.approx(4 / 10, abs=0.04)


def test_a_hand_that_is_lost_before_the_time_is_a_doubt() -> None:
    result = rested(
        1.0,
        5.0,
        lost_s=[(7.2, 20.0)],
        protocol={"expected_taps": 0, "expected_duration_s": 10.0},
    )
    assert (result.status, result.codes) == ("doubtful", ("hand_lost",))
    assert result.measures["stopped_early_s"] is None
    assert result.measures["halt_count"] == 0


def test_the_longest_of_several_bouts_is_measured() -> None:
    time_s = frames(22.0)
    shown, task = reaches(2.0, 2.5, lead_in_s=1.0), reaches(4.0, 8.0, lead_in_s=9.0)
    keypoints = hand(20 + 100 * (shown(time_s) + task(time_s)), time_s)
    result = measure(keypoints, HEADER, SUMMARY, RECORDING, PROTOCOL, facts={})
    assert result.measures["tapping_rate_hz"] == pytest.approx(4.0, rel=0.02)
    assert result.measures["other_bouts_s"] == pytest.approx(2.5, abs=0.4)
    assert (result.status, result.codes) == ("ok", ("several_bouts",))
    assert [(b["taps"], b["is_task"]) for b in rows(result.bouts)] == [("5", "no"), ("32", "yes")]


def test_tips_that_are_stuck_while_the_finger_moves_are_a_doubt() -> None:
    time_s = frames(8.0)
    aperture = 20 + 100 * reaches(3.0, 7.0)(time_s)
    keypoints = hand(aperture, time_s)
    for name, tip in (("thumb_ip", "thumb_tip"), ("index_dip", "index_tip")):
        place = keypoints.names.index(name)
        keypoints.position_px[:, place] = keypoints.position_of(tip)
        keypoints.position_px[:, place, 0] += 80
    right = measure(keypoints, HEADER, SUMMARY, RECORDING, PROTOCOL, facts={})
    assert right.measures["second_rate_hz"] == pytest.approx(3.0, abs=0.03)
    assert right.status == "ok"
    stuck = (time_s > 3.0) & (time_s < 4.2)
    keypoints.position_px[stuck, keypoints.names.index("index_tip")] = (220.0, 220.0)
    wrong = measure(keypoints, HEADER, SUMMARY, RECORDING, PROTOCOL, facts={})
    assert "keypoints_disagree" in wrong.codes
    assert "2.5" in wrong.reason or "2.6" in wrong.reason


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
    error_hz = measured(metronome_rate_hz=5.0).measures["metronome_rate_error_hz"]
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
    keypoints = rows(result.keypoints)
    names = [column.removesuffix("_x") for column in keypoints[0] if column.endswith("_x")]
    assert {"thumb_tip", "index_tip"} <= set(names)
    assert list(keypoints[0]) == [
        "time_s",
        "frame",
        *(f"{name}_{part}" for name in names for part in ("x", "y", "confidence")),
    ]
    assert [row["frame"] for row in keypoints] == [row["frame"] for row in rows(result.tracks)]
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
    page = dictionary_page(entries)
    assert page.count("\n| `") == len(entries)
    assert "| `amplitude_mean` | *u* | amplitude |" in page
    assert "| `cycle_speed` | *u*/s | speed |" in page
    assert "| `tap_count` |  | rate |" in page


def test_names_of_a_manifest_are_no_markup_in_the_dictionary() -> None:
    page = dictionary_page(column_dictionary(PROTOCOL, ["a|b`<i>\nc"]))
    assert "| `a\\|b'&lt;i> c` | text | manifest |" in page


def test_units_lie_beside_what_they_measure() -> None:
    columns = all_columns(PROTOCOL)
    assert columns[columns.index("unit") + 1] == "amplitude_mean"
    assert columns[columns.index("speed_unit") + 1] == "opening_speed_mean"
    none = all_columns(replace(PROTOCOL, features=("tapping_rate_hz",)))
    assert none.count("unit") == none.count("speed_unit") == 1


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
    keypoints, _ = true_keypoints("sub-10_hand-right_run-1")
    summary = replace(SUMMARY, **changes)  # type: ignore[arg-type]
    result = measure(keypoints, HEADER, summary, RECORDING, PROTOCOL, facts={})
    assert (result.status, result.codes) == (status, flags)
    assert bool(result.reason) == bool(flags)


def upconverted(path: Path, times: int) -> Path:
    """Write fast taps, filmed at 30 pictures a second, each shown several times.

    At 8 Hz two pictures in a row can be alike: the camera meets a tap twice at one height.
    """
    shown_s = [n / (30 * times) for n in range(120 * times)]
    return write_clip(path, rate_hz=7.83, stamps_s=shown_s, filmed_fps=30)


@pytest.mark.parametrize("times", [2, 4])
def test_taps_too_fast_for_the_new_pictures_are_a_doubt(tmp_path: Path, times: int) -> None:
    with VideoStream(upconverted(tmp_path / "a.mp4", times)) as stream:
        keypoints = track(stream, lambda done, total: None)
        result = measure(keypoints, stream.info, stream.summary, RECORDING, PROTOCOL, facts={})
    assert result.status != "ok"
    assert "frames_duplicated" in result.codes
    assert result.measures["measured_fps"] == pytest.approx(30, rel=0.01)
    assert len(rows(result.tracks)) == pytest.approx(120, abs=2)


def test_slow_motion_is_never_silent(tmp_path: Path) -> None:
    """Five taps a second, filmed at 120 frames a second and written to play at 30."""
    factor = 4
    frames = 31 * 3 * factor
    clip = write_clip(
        tmp_path / "a.mp4", rate_hz=5 / factor, stamps_s=[n / 30 for n in range(frames)]
    )

    def found(slow_motion: float | None) -> RecordingResult:
        with VideoStream(clip, slow_motion=slow_motion or 1.0) as stream:
            keypoints = track(stream, lambda done, total: None)
        recording = replace(RECORDING, slow_motion=slow_motion)
        return measure(keypoints, stream.info, stream.summary, recording, PROTOCOL, facts={})

    unknown = found(None)
    assert (unknown.status, unknown.codes) == ("doubtful", ("slow_motion_suspected",))
    assert "--slow-motion" in unknown.reason
    assert found(1.0).status == "ok"
    true = found(float(factor))
    assert (true.status, true.reason) == ("ok", "")
    assert true.measures["tapping_rate_hz"] == pytest.approx(5, rel=0.01)
    assert true.measures["measured_fps"] == pytest.approx(30 * factor, rel=0.01)


def test_a_recording_without_a_hand_has_no_numbers(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", hand=False)
    with VideoStream(clip) as stream:
        keypoints = track(stream, lambda done, total: None)
        result = measure(keypoints, stream.info, stream.summary, RECORDING, PROTOCOL, facts={})
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


def test_the_decoder_is_recorded(tmp_path: Path) -> None:
    pytest.importorskip("decord")
    recording = replace(RECORDING, path=dots_clip(tmp_path / "a.mp4"))
    result = analyze_recording(recording, DotEngine(), PROTOCOL, lambda *_: None, "decord")
    assert result.facts["decoder"] == "pyav"
    assert result.facts["decoder_reason"] == "decord may skip frames of ffv1 without an error"


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
