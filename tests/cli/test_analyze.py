"""Tests of tapscope analyze."""

import csv
import json
import sys
from pathlib import Path

import pytest

from tapscope import __version__
from tapscope.errors import VideoError
from tapscope.pipeline import analyze
from tests import clips
from tests.cli.runner import run
from tests.tapping import SeeDiscs, write_clip


@pytest.fixture
def discs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let `analyze` see discs instead of running a network; return a folder of two clips."""
    monkeypatch.setattr(analyze, "Prepare", lambda *arguments: SeeDiscs())
    monkeypatch.setattr(analyze, "find_weights", lambda path: weights_file)
    weights_file = tmp_path / "discs.safetensors"
    weights_file.write_bytes(b"discs")
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "videos" / "sub-01_hand-left_run-1.mp4")
    write_clip(tmp_path / "videos" / "sub-02_hand-right_run-1.mp4", rate_hz=3)
    return tmp_path / "videos"


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_analyze_writes_table_files_and_record(discs: Path) -> None:
    result = run("analyze", discs)
    assert result.exit_code == 0, result.output
    assert "2 recordings: 2 ok" in result.output
    left, right = table(Path("features.csv"))
    assert list(left)[:4] == ["recording", "video", "status", "reason"]
    assert (left["recording"], left["participant_id"], left["hand"], left["trial"]) == (
        "sub-01_hand-left_run-1",
        "01",
        "left",
        "1",
    )
    assert float(right["tapping_rate_hz"]) == pytest.approx(3, abs=0.02)
    assert right["tapscope_version"] == __version__
    assert right["weights"].startswith("discs@")
    assert right["protocol"].startswith("mds-updrs-3.4@")
    folder = Path("features.tapscope")
    assert len(table(folder / "sub-01_hand-left_run-1.taps.csv")) == 6
    record = json.loads((folder / "run.json").read_text())
    assert record["tapscope_version"] == __version__
    assert len(record["weights"]["sha256"]) == len(record["protocol"]["sha256"]) == 64
    assert [len(r["video_sha256"]) for r in record["recordings"]] == [64, 64]
    assert record["packages"]["numpy"]
    assert record["utc_time"].endswith("+00:00")
    names = [row["name"] for row in json.loads((folder / "features.json").read_text())]
    assert names == list(left)
    assert (left["unit"], left["speed_unit"]) == ("hand_lengths", "hand_lengths/s")
    page = (folder / "features.md").read_text()
    assert all(f"| `{name}` |" in page for name in names)


def test_failures_give_exit_code_1_and_a_summary(discs: Path) -> None:
    (discs / "text.mp4").write_text("not a video")
    result = run("analyze", discs, "--out", "t.parquet")
    assert result.exit_code == 1
    assert "3 recordings: 2 ok, 1 failed" in result.output
    assert Path("t.parquet").exists()


def test_strict_counts_doubt_as_failure(discs: Path) -> None:
    stamps_s = [n / 30 for n in range(210)]
    clips.cut(write_clip(discs / "half.mp4", stamps_s=stamps_s), 0.5)
    assert run("analyze", discs, "--quiet").exit_code == 0
    again = run("analyze", discs, "--strict")
    assert again.exit_code == 1
    assert "3 completed before" in again.output
    assert "The end of the recording is missing" in " ".join(again.output.split())


def test_quiet_is_quiet(discs: Path) -> None:
    assert run("analyze", discs, "--quiet").output == ""


def test_json_log_names_nobody(discs: Path) -> None:
    (discs / "sub-03.mp4").touch()
    result = run("analyze", discs, "--json-log", "--jobs", "1")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert [event["event"] for event in events] == ["planned", *["begun", "finished"] * 3]
    assert events[-1] | {"seconds": 0} == {
        "event": "finished",
        "recording": 3,
        "status": "failed",
        "codes": "unreadable",
        "frames": 0,
        "seconds": 0,
    }
    assert "sub-0" not in result.output


def test_manifest_and_hand(discs: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "m.csv"
    manifest.write_text(
        "video,participant_id,hand,group\nvideos/sub-01_hand-left_run-1.mp4,P1,right,PD\nx.mp4,,,\n"
    )
    run("analyze", discs, "--manifest", manifest)
    first, second = table(Path("features.csv"))
    assert (first["participant_id"], first["hand"], first["hand_source"], first["group"]) == (
        "P1",
        "right",
        "manifest",
        "PD",
    )
    assert (second["hand"], second["hand_source"], second["group"]) == ("right", "file name", "")
    record = json.loads(Path("features.tapscope/run.json").read_text())
    assert record["manifest_rows_without_recording"] == ["x.mp4"]
    run("analyze", discs, "--hand", "left")
    assert {row["hand_source"] for row in table(Path("features.csv"))} == {"option"}


def test_interruption_keeps_completed_recordings(
    discs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tapscope.pipeline.workers.run", interrupt)
    result = run("analyze", discs)
    assert result.exit_code == 130
    assert "interrupted" in result.output
    assert table(Path("features.csv")) == []


def test_folder_without_videos(tmp_path: Path, discs: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(Exception, match="no video found"):
        run("analyze", tmp_path / "nothing")


def test_shards_are_analysed_and_merged(discs: Path) -> None:
    assert run("analyze", discs, "--quiet", "--out", "whole.csv").exit_code == 0
    for n in (1, 2):
        result = run("analyze", discs, "--shard", f"{n}/2", "--report")
        assert (result.exit_code, f"features.shard-{n}-of-2.csv" in result.output) == (0, True)
        assert Path(f"features.shard-{n}-of-2.html").exists()
    names = ("features.shard-1-of-2.csv", "features.shard-2-of-2.csv")
    result = run("merge", *names, "--out", "features.csv")
    assert (result.exit_code, result.output) == (
        0,
        "2 shards, 2 recordings: 2 ok; table: features.csv\n",
    )
    assert Path("features.csv").read_bytes() == Path("whole.csv").read_bytes()
    assert run("merge", *names, "--quiet").output == ""


def test_what_is_no_shard_is_a_usage_error(discs: Path) -> None:
    result = run("analyze", discs, "--shard", "3/2")
    assert result.exit_code == 2
    assert "3/2 is no shard" in " ".join(result.output.split())


def test_another_decoder_analyses_again(discs: Path) -> None:
    pytest.importorskip("decord")
    run("analyze", discs)
    again = "(2 from before)"
    assert again in run("analyze", discs, "--decoder", "pyav").output
    assert again not in run("analyze", discs, "--decoder", "decord").output
    assert again in run("analyze", discs, "--decoder", "decord").output


def test_decord_that_is_not_installed_ends_the_run(
    discs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "decord", None)
    with pytest.raises(VideoError, match="pip install decord"):
        run("analyze", discs, "--decoder", "decord")
