"""A session from its first frame to the measured test, and what may go wrong on the way."""

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tapscope.errors import OutputError, VideoError
from tapscope.live.names import RecordingNames
from tapscope.live.recorder import Recorder
from tapscope.live.run import LiveRun
from tapscope.live.session import Ended, LiveSession
from tapscope.pipeline.batch import BatchResult
from tapscope.video.stream import VideoStream
from tests.live.fakes import PaintedSource, interruptible, painted_session

NONE_MEASURED = BatchResult({}, {}, 0, False)


def saved_s(path: Path) -> list[float]:
    with VideoStream(path) as stream:
        return [float(time_s) for batch in stream for time_s in batch.time_s]


def watched(
    session: LiveSession, measured: BatchResult = NONE_MEASURED
) -> tuple[LiveRun, list[str]]:
    said: list[str] = []
    return LiveRun(session, lambda folder: measured, said.append), said


def test_a_test_is_recorded_with_the_times_of_its_frames(tmp_path: Path) -> None:
    source = PaintedSource(90)
    run, said = watched(painted_session(source, tmp_path))
    result = run.run_test()
    times_s = result.recording.time_s
    first = source.given_s.index(times_s[0])
    assert times_s == source.given_s[first : first + len(times_s)]  # none is left out
    assert times_s[-1] - times_s[0] == pytest.approx(0.8, abs=0.05)
    shown_s = np.array(times_s) - times_s[0]
    assert np.abs(np.array(saved_s(result.recording.path)) - shown_s).max() <= 1e-5
    assert result.timing.dropped == 0
    assert result.timing.frames == len(times_s)
    record = json.loads((tmp_path / "test.live.json").read_text())
    assert record["complete"] is True
    assert record["time_s"] == times_s
    assert record["source"] == "painted"
    assert record["live"] is None  # no latency where frames do not come at their own time
    assert any("every frame was looked at" in line for line in said)


def test_a_source_that_ends_in_mid_test_is_measured_as_far_as_it_goes(tmp_path: Path) -> None:
    run, said = watched(painted_session(PaintedSource(22), tmp_path))
    result = run.run_test()
    assert 0.1 < result.recording.duration_s < 0.7
    assert json.loads((tmp_path / "test.live.json").read_text())["complete"] is False
    assert any("ended after 0." in line and "of 1 s" in line for line in said)


def test_a_source_that_ends_too_soon_says_what_was_missing(tmp_path: Path) -> None:
    nothing = np.zeros((240, 320, 3), np.uint8)
    source = PaintedSource(20, image=lambda number: nothing)
    run, _ = watched(painted_session(source, tmp_path))
    with pytest.raises(VideoError, match=r"painted: ended before a test.*Hold one hand up"):
        run.run_test()
    assert list(tmp_path.iterdir()) == []


def test_a_camera_lost_in_mid_test_keeps_what_was_seen(tmp_path: Path) -> None:
    source = PaintedSource(22, error=VideoError("camera 0: was lost after 0.7 s; see the cable"))
    run, _ = watched(painted_session(source, tmp_path))
    with pytest.raises(VideoError) as raised:
        run.run_test()
    message = str(raised.value)
    assert message.startswith("camera 0: was lost")
    assert f"the test is kept in {tmp_path / 'test.mp4'}" in message
    assert f"tapscope analyze {tmp_path} --no-recursive" in message
    assert len(saved_s(tmp_path / "test.mp4")) > 5


def test_a_silent_camera_is_lost(tmp_path: Path) -> None:
    waiting = threading.Event()
    source = PaintedSource(9, is_live=True, before=lambda n: n == 8 and waiting.wait(60))
    session = painted_session(source, tmp_path)
    now = [0.0]
    session.clock = lambda: now[0]
    session.start()
    while session.timing.between().frames < 8:
        pass
    now[0] = 9.0
    assert session.next_event(0) is None
    now[0] = 11.0
    assert session.next_event(0) is None
    event = session.next_event(0)
    assert isinstance(event, Ended)
    assert "gave no frame for 10 s" in str(event.error)
    assert session.next_event(0) is None
    waiting.set()
    session.close()


def test_ctrl_c_keeps_what_was_recorded(tmp_path: Path) -> None:
    halted = threading.Event()

    def halt(number: int) -> None:
        if number == 22:
            halted.set()
            time.sleep(1)  # or a fast machine has recorded the whole test before anyone waits again

    source = PaintedSource(200, before=halt)
    run, _ = watched(interruptible(painted_session(source, tmp_path), halted))
    with pytest.raises(KeyboardInterrupt):
        run.run_test()
    assert "the test is kept in" in (said := run.interrupted())
    assert "tapscope analyze" in said
    assert len(saved_s(tmp_path / "test.mp4")) > 3
    assert json.loads((tmp_path / "test.live.json").read_text())["complete"] is False


def test_ctrl_c_before_a_test_says_that_nothing_was_recorded(tmp_path: Path) -> None:
    session = painted_session(PaintedSource(3), tmp_path)
    run, _ = watched(session)
    session.close()
    assert run.interrupted().startswith("nothing was being recorded")


def test_ctrl_c_in_the_analysis_says_how_to_go_on(tmp_path: Path) -> None:
    session = painted_session(PaintedSource(90), tmp_path)
    run, _ = watched(session, BatchResult({}, {}, 0, True))
    with pytest.raises(KeyboardInterrupt):
        run.run_test()
    assert f"measure it with: tapscope analyze {tmp_path}" in run.interrupted()


def test_a_disk_that_fills_up_says_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Recorder) -> None:
        raise OutputError("test.mp4: cannot be written (No space left on device); make room")

    monkeypatch.setattr(Recorder, "_check", full)
    run, _ = watched(painted_session(PaintedSource(90), tmp_path))
    with pytest.raises(OutputError, match=r"No space left.*what was written before is kept"):
        run.run_test()


def test_a_fault_of_the_program_is_not_hidden(tmp_path: Path) -> None:
    session = painted_session(PaintedSource(90), tmp_path)
    session.follower.see = None  # type: ignore[assignment,method-assign]
    run, _ = watched(session)
    with pytest.raises(TypeError):
        run.run_test()


def test_late_marks_are_dropped_frames_and_none_of_the_recording(tmp_path: Path) -> None:
    session = painted_session(PaintedSource(60, is_live=True), tmp_path)
    session.start()
    while (event := session.next_event(1)) is None:
        pass
    assert isinstance(event, Ended)
    session.timing.wait_for(session.timing._captured[-1][0], 60)
    timing = session.timing.between()
    assert timing.frames == 60
    assert 0 < timing.marked < 60  # painting takes no time, looking does
    assert session.dropped == timing.dropped
    session.close()


@pytest.mark.parametrize("name", ["../away", "a/b", "", " ", ".hidden", "x" * 101, "a\nb"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    if not name:
        assert RecordingNames(tmp_path, name).path.name.startswith("live-2")
        return
    with pytest.raises(OutputError, match="no name for a recording"):
        RecordingNames(tmp_path, name)


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "sub-01.mp4").write_bytes(b"")
    with pytest.raises(OutputError, match=r"sub-01\.mp4: exists"):
        RecordingNames(tmp_path, "sub-01")
