"""Tests of whole batches: isolation, resumption, the same bytes again."""

import csv
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from tapscope.cli.console.log import SilentListener
from tapscope.errors import OutputError, TapscopeError, VideoError
from tapscope.pipeline import batch, cache
from tapscope.pipeline.analyze import Options, analyze_videos
from tapscope.pipeline.batch import BatchResult, Plan, run_batch
from tapscope.pipeline.cache import CachedResult, RecordingResult
from tapscope.pipeline.recordings import Recording, find_recordings
from tests import clips
from tests.pipeline.test_workers import wait_for
from tests.tapping import SeeDiscs, write_clip

ROOT = Path(__file__).resolve().parents[2]

STILL = "frames_duplicated"
"""Discs without noise look exactly alike in two frames beside the widest aperture."""


@pytest.fixture(scope="module")
def hard_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a recording of each hard kind."""
    folder = tmp_path_factory.mktemp("hard")
    write_clip(folder / "good.mp4")
    (folder / "zero.mp4").touch()
    (folder / "text.mp4").write_text("not a video")
    clips.cut(write_clip(folder / "half.mp4", stamps_s=[n / 30 for n in range(210)]), 0.5)
    clips.audio_only(folder / "sound.mp4")
    write_clip(folder / "empty.mp4", hand=False)
    clips.orient(write_clip(folder / "turned.mp4"), "90")
    write_clip(folder / "uneven.mp4", rate_hz=3, stamps_s=uneven())
    write_clip(folder / "a name, with commas.mp4")
    write_clip(folder / "sub" / "good.mp4", rate_hz=4)
    write_clip(folder / "stumble.mp4")
    return folder


def uneven() -> list[float]:
    """Return the times of frames at a rate that drops from 40 to 24 a second."""
    return [*(n / 40 for n in range(80)), *(2 + n / 24 for n in range(48))]


def analyzed(folder: Path, out: Path, *, force: bool = False, jobs: int = 1) -> BatchResult:
    weights = out.with_name("weights")
    out.parent.mkdir(exist_ok=True)
    weights.write_bytes(b"discs")
    options = Options([folder], out, weights=weights, force=force, jobs=jobs)
    return analyze_videos(options, SilentListener(), ["tests"], SeeDiscs(out.with_name("log")))


def rows_of(out: Path) -> dict[str, dict[str, str]]:
    with out.open(newline="") as file:
        return {row["recording"]: row for row in csv.DictReader(file)}


def tree(folder: Path) -> dict[str, bytes]:
    """Return the content of every file but the record of the run, which bears its time."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "run.json"
    }


def test_hard_folder(hard_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "all" / "features.csv"
    result = analyzed(hard_folder, out)
    rows = rows_of(out)
    assert list(rows) == sorted(rows)
    assert {name: (row["status"], row["flags"]) for name, row in rows.items()} == {
        "a name, with commas": ("ok", STILL),
        "empty": ("failed", "no_hand"),
        "good": ("ok", STILL),
        "half": ("doubtful", "truncated;damaged"),
        "sound": ("failed", "unreadable"),
        "stumble": ("failed", "internal_error"),
        "sub/good": ("ok", ""),
        "text": ("failed", "unreadable"),
        "turned": ("ok", STILL),
        "uneven": ("ok", "frames_dropped"),
        "zero": ("failed", "unreadable"),
    }
    assert result.counts()["failed"] == 5
    rates = {name: float(row["tapping_rate_hz"] or "nan") for name, row in rows.items()}
    assert rates["good"] == rates["a name, with commas"] == pytest.approx(2, abs=0.02)
    assert rates["turned"] == pytest.approx(2, abs=0.02)
    assert rates["uneven"] == pytest.approx(3, abs=0.02)
    assert rates["sub/good"] == pytest.approx(4, abs=0.02)
    assert rows["empty"]["tapping_rate_hz"] == ""
    assert rows["zero"]["reason"] != ""
    assert str(hard_folder) not in out.read_text()
    trace = out.parent / "features.tapscope" / "stumble.error.txt"
    assert "ZeroDivisionError: by accident" in trace.read_text()

    alone = tmp_path / "alone" / "features.csv"
    analyzed(hard_folder / "good.mp4", alone)
    assert rows_of(alone)["good"] == rows["good"]


def test_same_bytes_for_any_number_of_jobs(hard_folder: Path, tmp_path: Path) -> None:
    for name, jobs in (("one", 1), ("two", 3)):
        analyzed(hard_folder, tmp_path / name / "features.csv", jobs=jobs)
    (tmp_path / "one" / "log").unlink()
    (tmp_path / "two" / "log").unlink()
    for file, content in tree(tmp_path / "one").items():
        assert tree(tmp_path / "two")[file] == content, file


def test_killed_and_run_again(tmp_path: Path) -> None:
    for n in range(4):
        write_clip(tmp_path / "videos" / f"{n}.mp4", rate_hz=2 + n / 4)
    whole, out = tmp_path / "whole" / "features.csv", tmp_path / "killed" / "features.csv"
    analyzed(tmp_path / "videos", whole)
    out.parent.mkdir()
    command = [sys.executable, "-m", "tests.tapping", str(tmp_path / "videos"), str(out)]
    folder = out.with_suffix(".tapscope")
    with subprocess.Popen([*command, "0.5"], cwd=ROOT) as run:
        # two at once: either of them may be the first
        wait_for(lambda: all((folder / f"{n}.row.json").exists() for n in range(2)))
        run.kill()
    assert not out.exists()
    begun_once = sorted(file.name[0] for file in folder.glob("*.row.json"))
    (folder / ".2.tracks.csv.abc.part").touch()
    analyzed(tmp_path / "videos", out)
    begun = (out.parent / "log").read_text().split()
    assert {"0", "1"} <= set(begun_once)
    assert [begun.count(name) for name in begun_once] == [1] * len(begun_once)
    (out.parent / "log").unlink()
    (whole.parent / "log").unlink()
    assert tree(out.parent) == tree(whole.parent)


def test_completed_recordings_are_skipped(tmp_path: Path) -> None:
    videos, out = tmp_path / "videos", tmp_path / "out" / "features.csv"
    for name in ("a", "b", "c"):
        write_clip(videos / f"{name}.mp4")
    write_clip(videos / "stumble.mp4")
    log = out.with_name("log")

    def redone(*, force: bool = False) -> list[str]:
        log.unlink(missing_ok=True)
        analyzed(videos, out, force=force)
        return log.read_text().split() if log.exists() else []

    assert redone() == ["a", "b", "c", "stumble"]
    first = out.read_bytes()
    assert redone() == ["stumble"]  # a fault of the program may have been corrected
    assert out.read_bytes() == first
    write_clip(videos / "a.mp4", rate_hz=3)
    (out.with_suffix(".tapscope") / "b.taps.csv").unlink()
    (out.with_suffix(".tapscope") / "c.row.json").write_text("{}")
    assert redone() == ["a", "c", "stumble"]  # b is measured again from its keypoints
    assert (out.with_suffix(".tapscope") / "b.taps.csv").exists()
    (out.with_suffix(".tapscope") / "b.tracking.npz").write_bytes(b"damaged")
    assert redone() == ["b", "stumble"]
    assert redone(force=True) == ["a", "b", "c", "stumble"]
    (videos / "stumble.mp4").unlink()
    assert redone() == []


class StopAfter(SilentListener):
    """Notes the recordings finished; interrupts after a number of them."""

    def __init__(self, count: int = 99) -> None:
        self.finished_names: list[str] = []
        self.count = count

    def finished(self, recording: Recording, cached: CachedResult, seconds: float) -> None:
        self.finished_names.append(recording.name)
        if len(self.finished_names) == self.count:
            raise KeyboardInterrupt


ORIGIN = {"tapscope_version": "1", "weights": "w@1", "protocol": "p@1", "device": "cpu"}


def plan_in(folder: Path, **more: float) -> Plan:
    return Plan(folder / "results", SeeDiscs(), ORIGIN, time_limit_s=more.get("time_limit_s"))


def test_interrupted_batch_returns_completed_recordings(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_clip(tmp_path / f"{name}.mp4")
    result = run_batch(find_recordings([tmp_path]), plan_in(tmp_path), StopAfter(2))
    assert result.interrupted
    assert list(result.results) == ["a", "b"]


def test_time_limit_is_for_each_recording(tmp_path: Path) -> None:
    for name in ("a", "hang", "z"):
        write_clip(tmp_path / f"{name}.mp4")
    result = run_batch(find_recordings([tmp_path]), plan_in(tmp_path, time_limit_s=10), StopAfter())
    rows = {name: (k.cells["status"], k.cells["flags"]) for name, k in result.results.items()}
    assert rows == {"a": ("ok", STILL), "hang": ("failed", "time_limit"), "z": ("ok", STILL)}
    assert result.results["hang"].retry


def test_a_crash_is_tried_once_more(tmp_path: Path) -> None:
    for name in ("a", "crash", "falter", "z"):
        write_clip(tmp_path / "videos" / f"{name}.mp4")
    out = tmp_path / "out" / "features.csv"
    result = analyzed(tmp_path / "videos", out)
    rows = {
        name: (row["status"], row["flags"], row["reason"]) for name, row in rows_of(out).items()
    }
    assert rows["a"] == rows["falter"] == rows["z"] == ("ok", STILL, "")
    assert rows["crash"] == ("failed", "crashed", "ended by SIGKILL, perhaps out of memory, twice")
    assert out.with_name("log").read_text().split() == ["a", "crash", "falter", "z", "crash",
                                                        "falter"]  # fmt: skip
    assert result.results["crash"].retry  # by the next run


def analysed_alone(recording: Recording, error: Exception) -> tuple[str, RecordingResult]:
    def fail(recording: Recording, report: object) -> RecordingResult:
        raise error

    return batch._analyse_safely(fail, recording, lambda done, total: None)


def test_failures_become_results(tmp_path: Path) -> None:
    recording = Recording(write_clip(tmp_path / "a.mp4"), "a", "a.mp4")
    _, unreadable = analysed_alone(recording, VideoError(f"{recording.path}: no good"))
    assert (unreadable.reason, unreadable.codes) == ("no good", ("unreadable",))
    assert not unreadable.retry
    _, fault = analysed_alone(recording, RuntimeError("oh"))
    assert fault.reason.startswith("RuntimeError: oh (a fault of tapscope")
    assert "a.error.txt" in fault.reason
    assert fault.retry
    assert "RuntimeError: oh" in fault.trace
    with pytest.raises(OutputError):
        analysed_alone(recording, OutputError("disk full"))
    gone = Recording(tmp_path / "gone.mp4", "gone", "gone.mp4")
    digest, lost = analysed_alone(gone, RuntimeError("not reached"))
    assert (digest, lost.codes, lost.retry) == ("", ("unreadable",), True)


def test_worker_stores_its_result(tmp_path: Path) -> None:
    recording = Recording(write_clip(tmp_path / "a.mp4"), "a", "a.mp4")
    work = batch._StoredAnalysis(SeeDiscs(), tmp_path / "results", ORIGIN)()
    cached = work(recording, lambda done, total: None)
    assert cached.cells["status"] == "ok"
    found = cache.load_cached(tmp_path / "results", recording, ORIGIN)
    assert found == CachedResult(**json.loads(json.dumps(asdict(cached))))
    assert cache.load_cached(tmp_path / "results", recording, ORIGIN | {"weights": "w@2"}) is None


def test_results_that_cannot_be_written_end_the_run(tmp_path: Path) -> None:
    write_clip(tmp_path / "videos" / "a.mp4")
    out = tmp_path / "features.csv"
    out.with_suffix(".tapscope").touch()
    with pytest.raises(TapscopeError, match="cannot be written"):
        analyzed(tmp_path / "videos", out)
