"""Corrections of a rater in the results of a recording."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapscope.corrections.entry import Span
from tapscope.corrections.in_force import Corrections
from tapscope.pipeline.cache import RecordingResult
from tapscope.pipeline.measurement import measure
from tapscope.pipeline.recording import measure_again
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.tracking import Tracking, read_tracking, tracking_npz
from tapscope.protocol.protocol import load
from tapscope.records import Keypoints
from tests.corrections.made import SUBJECT
from tests.pipeline.test_recording import SUMMARY
from tests.synthetic import HEADER, filmed, hand, reaches

PROTOCOL = load()
RECORDING = Recording(Path("a.mp4"), "a", "a.mp4")


def seen_hand() -> Keypoints:
    """Return a hand that taps at 2 Hz for 7 s between two rests."""
    seen = filmed(reaches(2.0, 7.0, lead_in_s=1.5, lead_out_s=1.5, seed=4, jitter=0.04), seed=4)
    keypoints = hand(20 + 100 * np.nan_to_num(seen.aperture), seen.time_s)
    keypoints.agreement[:] = 1.0
    return keypoints


KEYPOINTS = seen_hand()


def corrected(keypoints: Keypoints = KEYPOINTS, **parts: Any) -> RecordingResult:
    corrections = Corrections(SUBJECT, count=1, **parts) if parts else None
    recording = replace(RECORDING, corrections=corrections)
    return measure(keypoints, HEADER, SUMMARY, recording, PROTOCOL, facts={"engine": "e"})


@pytest.fixture(scope="module")
def plain() -> RecordingResult:
    return corrected()


def rows(content: bytes | None) -> list[dict[str, str]]:
    assert content is not None
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def closures_of(result: RecordingResult) -> list[float]:
    taps = rows(result.taps)
    return sorted({float(tap[name]) for tap in taps for name in ("closure_s", "next_closure_s")})


def test_a_row_says_who_reviewed_it(plain: RecordingResult) -> None:
    assert (plain.measures["reviewed_by"], plain.measures["corrections"]) == ("", None)
    signed = replace(RECORDING, corrections=Corrections(SUBJECT))
    untouched = measure(KEYPOINTS, HEADER, SUMMARY, signed, PROTOCOL, facts={"engine": "e"})
    said = {"reviewed_by": "AB", "corrections": 0}
    assert untouched.measures == {**plain.measures, **said}
    assert (untouched.taps, untouched.tracks) == (plain.taps, plain.tracks)


def test_deleted_and_added_taps_are_counted(plain: RecordingResult) -> None:
    closures = closures_of(plain)
    fewer = corrected(closures_s=(*closures[:6], *closures[7:]))
    assert fewer.measures["tap_count"] == plain.measures["tap_count"] - 1
    assert fewer.measures["tapping_rate_hz"] < plain.measures["tapping_rate_hz"]
    middle = (closures[6] + closures[7]) / 2
    more = corrected(closures_s=tuple(sorted([*closures, middle])), placed_s=(middle,))
    assert more.measures["tap_count"] == plain.measures["tap_count"] + 1
    flags = [tap["flags"] for tap in rows(more.taps)]
    assert [place for place, codes in enumerate(flags) if codes == "corrected"] == [6, 7]
    assert more.measures["amplitude_median"] == pytest.approx(
        plain.measures["amplitude_median"], rel=0.02
    )


def test_bounds_set_the_task(plain: RecordingResult) -> None:
    closures = closures_of(plain)
    task_s = (closures[4] + 0.06, closures[10] + 0.06)
    found = corrected(task_s=task_s)
    assert found.measures["task_start_s"] == pytest.approx(task_s[0], abs=1e-5)
    assert found.measures["task_end_s"] == pytest.approx(task_s[1], abs=1e-5)
    assert found.measures["tap_count"] == 6
    assert [row["is_task"] for row in rows(found.bouts)] == ["yes"]


def test_a_tip_changes_its_frame_and_is_believed(plain: RecordingResult) -> None:
    frame = 100
    x, y = KEYPOINTS.position_of("index_tip")[frame]
    far = (float(round(x)), float(round(y)) - 900.0)
    lost = replace(KEYPOINTS, reason=KEYPOINTS.reason.copy())
    lost.reason[frame] = "no_hand"
    assert rows(corrected(lost).tracks)[frame]["aperture_px"] == ""
    found = rows(corrected(lost, tips=(((frame, "index_tip"), far),)).tracks)
    others = [n for n in range(len(found)) if n != frame]
    before = rows(plain.tracks)
    for name in ("index_tip_x", "index_tip_y", "aperture_px", "reason"):
        assert [found[n][name] for n in others] == [before[n][name] for n in others]
    assert (float(found[frame]["index_tip_x"]), float(found[frame]["index_tip_y"])) == far
    assert (found[frame]["index_tip_confidence"], found[frame]["reason"]) == ("1.000", "")
    thumb = KEYPOINTS.position_of("thumb_tip")[frame]
    distance = float(np.linalg.norm(thumb - far))
    assert float(found[frame]["aperture_px"]) == pytest.approx(distance, abs=1e-3)


def test_one_tip_alone_is_no_aperture() -> None:
    lost = replace(
        KEYPOINTS, position_px=KEYPOINTS.position_px.copy(), confidence=KEYPOINTS.confidence.copy(),
        reason=KEYPOINTS.reason.copy(),
    )  # fmt: skip
    lost.position_px[100], lost.confidence[100], lost.reason[100] = np.nan, 0.0, "no_hand"
    one = rows(corrected(lost, tips=(((100, "index_tip"), (9.0, 9.0)),)).tracks)[100]
    assert (one["aperture_px"], one["reason"]) == ("", "low_confidence")
    both = (((100, "index_tip"), (9.0, 9.0)), ((100, "thumb_tip"), (9.0, 19.0)))
    assert rows(corrected(lost, tips=both).tracks)[100]["aperture_px"] == "10.000"


def test_no_tap_reaches_into_an_excluded_span(plain: RecordingResult) -> None:
    closures = closures_of(plain)
    for length_s in (0.05, 0.3, 1.7):  # also one so short that it would be bridged
        span = Span(closures[5] + 0.1, closures[5] + 0.1 + length_s, "talks")
        found = corrected(excluded=(span,))
        for tap in rows(found.taps):
            ends = float(tap["closure_s"]), float(tap["next_closure_s"])
            assert ends[1] <= span.start_s or ends[0] >= span.end_s
        assert found.measures["tap_count"] < plain.measures["tap_count"]
        inside = [
            row for row in rows(found.tracks) if span.start_s <= float(row["time_s"]) <= span.end_s
        ]
        assert inside
        assert {(row["aperture_px"], row["reason"]) for row in inside} == {("", "excluded")}
    assert found.status == "doubtful"
    assert "long_gap" in found.codes


def test_an_excluded_recording_has_no_features() -> None:
    found = corrected(exclusion="sleeve over the hand")
    assert (found.status, found.reason) == ("failed", "excluded by AB: sleeve over the hand")
    assert found.codes[0] == "excluded"
    assert "tap_count" not in found.measures
    assert found.measures["reviewed_by"] == "AB"


def test_corrections_that_are_not_applied_raise_a_doubt(plain: RecordingResult) -> None:
    recording = replace(RECORDING, corrections_problem="AB and CD corrected it differently")
    found = measure(KEYPOINTS, HEADER, SUMMARY, recording, PROTOCOL, facts={"engine": "e"})
    assert (found.status, found.reason) == ("doubtful", "AB and CD corrected it differently")
    assert found.codes == ("corrections_unused",)
    assert found.measures["tap_count"] == plain.measures["tap_count"]


def test_stored_keypoints_give_the_same_results(tmp_path: Path, plain: RecordingResult) -> None:
    assert plain.tracking is not None
    file = tmp_path / "a.tracking.npz"
    file.write_bytes(plain.tracking)
    tracking = read_tracking(file, RECORDING.path)
    assert measure_again(tracking, RECORDING, PROTOCOL) == plain
    whole = Tracking(KEYPOINTS, replace(HEADER, path=RECORDING.path), SUMMARY, {"engine": "e"})
    assert tracking_npz(tracking) == tracking_npz(whole) == plain.tracking
    # what a rater corrected does not reach the keypoints of the network
    assert corrected(tips=(((100, "index_tip"), (9.0, 9.0)),)).tracking == plain.tracking


@pytest.mark.parametrize("seed", range(12))
def test_no_correction_breaks_the_measurement(seed: int, plain: RecordingResult) -> None:
    random = np.random.default_rng(seed)
    closures = closures_of(plain)
    kept = [moment_s for moment_s in closures if random.uniform() < random.choice([0, 0.5, 0.9])]
    placed = random.uniform(0, 9.8, random.integers(0, 6)).tolist()
    starts = np.sort(random.uniform(0, 9.7, 2))
    begins = random.uniform(0, 9.5, random.integers(0, 3))
    length_s = random.uniform(0.02, 2.0)
    tips = tuple(
        ((int(frame), str(random.choice(["thumb_tip", "index_tip"]))), (x, y))
        for frame, x, y in random.uniform(0, 240, (random.integers(0, 9), 3)).tolist()
    )
    found = corrected(
        closures_s=tuple(sorted({*kept, *placed})) if seed % 3 else None,
        placed_s=tuple(placed) if seed % 3 else (),
        task_s=(starts[0], starts[1] + 0.05) if seed % 2 else None,
        excluded=tuple(Span(begin, begin + length_s, "x") for begin in begins.tolist()),
        tips=tips,
    )
    assert found.status in ("ok", "doubtful", "failed")
    taps = rows(found.taps)
    assert float(found.measures.get("tap_count") or len(taps)) == len(taps)
