"""tapscope overlay and analyze --overlay."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tapscope.errors import OutputError
from tapscope.pipeline import analyze
from tapscope.pipeline.batch import BatchResult, ProgressListener
from tests.cli.runner import run
from tests.filmed_study import film, filmed_study


def test_clips_lie_beside_the_table_and_the_exit_code_counts_those_that_failed(
    tmp_path: Path,
) -> None:
    table = filmed_study(tmp_path, ["one", "two"])
    done = run("overlay", tmp_path / "videos", "--results", table)
    assert done.exit_code == 0
    clips = tmp_path / "features.overlays"
    assert [path.name for path in sorted(clips.iterdir())] == ["one.overlay.mp4", "two.overlay.mp4"]
    assert f"wrote {clips / 'one.overlay.mp4'}" in done.stdout
    film(tmp_path / "videos" / "one.mp4", 5)
    again = run(
        "overlay", tmp_path / "videos", "--results", table, "--out", tmp_path / "x", "--full"
    )
    assert again.exit_code == 1
    assert "one: no clip:" in again.stderr
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["two.overlay.mp4"]


def test_deidentified_clips_and_their_key(tmp_path: Path) -> None:
    table = filmed_study(tmp_path, ["Roe"])
    key = tmp_path / "key.csv"
    done = run(
        "overlay", tmp_path / "videos", "--results", table, "--deidentify", "--key", key, "--quiet"
    )
    assert done.stdout == ""
    assert [path.name for path in (tmp_path / "features.overlays").iterdir()] == [
        "recording-001.overlay.mp4"
    ]
    assert "recording-001,Roe,Roe.mp4,P0," in key.read_text()
    with pytest.raises(OutputError, match="belongs to --deidentify"):
        run("overlay", tmp_path / "videos", "--results", table, "--key", key)


def test_without_a_table_the_videos_are_analysed_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def analyze_videos(
        options: analyze.Options, listener: ProgressListener, command: Sequence[str]
    ) -> BatchResult:
        made.append(options.out)
        filmed_study(tmp_path)
        return BatchResult({}, {}, 0, False)

    monkeypatch.setattr(analyze, "analyze_videos", analyze_videos)
    video = film(tmp_path / "videos" / "one.mp4")
    table = tmp_path / "features.csv"
    assert run("overlay", video, "--results", table).exit_code == 0
    assert run("overlay", video, "--results", table).exit_code == 0
    assert made == [table]
    assert run("analyze", video, "--out", table, "--overlay", "--quiet").exit_code == 0
    assert (tmp_path / "features.overlays" / "one.overlay.mp4").exists()
