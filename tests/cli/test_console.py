"""Tests of what the terminal shows."""

import io
import json
import math
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from tapscope.cli.console import inspection_facts
from tapscope.cli.console.log import JsonLog
from tapscope.cli.console.progress import BatchBar, CountingBar
from tapscope.cli.console.summary import MAX_ROWS, counts_text, facts_table, summary_table
from tapscope.cli.console.time_left import TimeLeft, clock_text
from tapscope.pipeline.batch import BatchResult
from tapscope.pipeline.cache import CachedResult
from tapscope.pipeline.recordings import Recording
from tapscope.video.inspection import inspect_video
from tests.clips import Clip


def cached(status: str, frames: int = 100, **cells: str | float) -> CachedResult:
    return CachedResult(
        {}, {"status": status, "reason": "", "flags": "", **cells}, {}, {}, frames, False
    )


def named(name: str, path: Path | None = None) -> Recording:
    return Recording(path or Path(f"{name}.mp4"), name, f"{name}.mp4")


class Clock:
    """A clock that is set by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_time_left_is_estimated_from_frames_and_sizes() -> None:
    clock = Clock()
    time_left = TimeLeft(clock, {"a": 1000, "b": 1000, "c": 2000})
    assert time_left.seconds_left is None
    time_left.begin()
    clock.now_s = 2.0
    time_left.advance("a", 50, 100)
    assert time_left.frames_per_second == pytest.approx(25)
    assert time_left.total_frames == pytest.approx(400)  # 0.1 frames a byte
    assert time_left.seconds_left == pytest.approx(350 / 25)
    time_left.finish("a", 80)  # the header lied
    assert time_left.total_frames == pytest.approx(320)
    clock.now_s = 4.0
    time_left.finish("b", 0)  # could not be read
    time_left.begin()  # the clock is not started twice
    assert time_left.frames_per_second == pytest.approx(20)
    time_left.advance("c", 90, 40)
    assert time_left.expected["c"] == 90
    time_left.finish("c", 90)
    assert time_left.seconds_left == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "?"), (0.4, "0:00"), (83.0, "1:23"), (3723.0, "1:02:03")]
)
def test_clock_text(seconds: float | None, text: str) -> None:
    assert clock_text(seconds) == text


def test_bar_reports_problems_at_once(tmp_path: Path) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    (tmp_path / "a.mp4").write_bytes(b"0123456789")
    first, second = named("[a]", tmp_path / "a.mp4"), named("gone")
    with BatchBar(console) as bar:
        bar.planned([first, second, named("done")], [first, second])
        bar.started(first)
        bar.progressed(first, 30, 100)
        bar.finished(first, cached("ok"), 2.0)
        bar.finished(second, cached("failed", reason="no [video]"), 0.1)
    shown = Text.from_ansi(screen.getvalue()).plain
    assert "1 completed before from the same inputs, 2 to analyse" in shown
    assert "gone: no [video]" in shown
    assert "2 of 2 recordings" in shown
    assert "frames/s" in shown


def test_no_bar_without_a_terminal() -> None:
    screen = io.StringIO()
    with CountingBar(Console(file=screen), "images") as bar:
        bar.step(1, 2)
        bar.line("half way")
    assert screen.getvalue() == "half way\n"


def shown(result: BatchResult, width: int = 100) -> str:
    screen = io.StringIO()
    Console(file=screen, width=width).print(summary_table(result))
    return screen.getvalue()


def test_summary_of_few_and_of_many() -> None:
    few = {
        "a": cached("ok", tap_count=12.0, tapping_rate_hz=3.456),
        "b": cached("failed", reason="x"),
    }
    table = shown(BatchResult(few, {}, 0, False))
    assert [line.split() for line in table.splitlines()[1:]] == [
        ["a", "ok", "12", "3.46"],
        ["b", "failed", "x"],
    ]
    many = {f"r{n}": cached("ok") for n in range(MAX_ROWS)} | {
        "bad": cached("doubtful", reason="x")
    }
    table = shown(BatchResult(many, {}, 0, False))
    assert "bad" in table
    assert "r1" not in table


@pytest.mark.parametrize("length", [20, 40, 90])
def test_names_are_whole_at_80_columns(length: int) -> None:
    name = "".join(chr(ord("a") + n % 26) for n in range(length))
    reason = "the tips are known in 81.0 % of the task's frames (limit 90 %)"
    row = cached("doubtful", tap_count=12.0, tapping_rate_hz=3.456, reason=reason)
    table = shown(BatchResult({name: row}, {}, 0, False), width=80)
    lines = table.splitlines()
    assert max(map(len, lines)) <= 80
    column = max(lines[0].index("status") - 1, 1)
    assert "".join(line[:column].strip() for line in lines[1:]) == name
    if length <= 40:
        assert lines[1].startswith(f"{name} ")
    assert "doubtful" in lines[1] and "3.46" in lines[1]
    assert "".join(reason.split()) in "".join("".join(line[column:].split()) for line in lines[1:])


def test_counts() -> None:
    result = BatchResult({"a": cached("ok"), "b": cached("failed")}, {}, 1, False)
    assert counts_text(result) == "2 recordings: 1 ok, 1 failed (1 from before)"
    assert counts_text(BatchResult({}, {}, 0, True)) == "0 recordings: none completed"


def test_names_are_no_markup() -> None:
    screen = io.StringIO()
    Console(file=screen).print(facts_table([("[a]", "[red]b")]))
    assert "[a]" in screen.getvalue() and "[red]b" in screen.getvalue()


def test_log_numbers_recordings_as_the_table_does() -> None:
    stream = io.StringIO()
    log = JsonLog(stream)
    people = [named("sub-anna"), named("sub-bert")]
    log.planned(people, people[1:])
    log.started(people[1])
    log.progressed(people[1], 1, 2)
    log.finished(people[1], cached("doubtful", flags="truncated", reason="of bert"), 1.23456)
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"event": "planned", "recordings": 2, "todo": 1},
        {"event": "begun", "recording": 2},
        {
            "event": "finished",
            "recording": 2,
            "status": "doubtful",
            "codes": "truncated",
            "frames": 100,
            "seconds": 1.235,
        },
    ]


def test_inspection_facts_are_plain_json(tmp_path: Path) -> None:
    inspection = inspect_video(Clip().write(tmp_path / "one.mp4", 1))
    assert math.isnan(inspection.summary.measured_fps)
    facts = json.loads(json.dumps(inspection_facts(inspection), allow_nan=False))
    assert facts["measured_fps"] is None
    assert facts["suitable"] is False
