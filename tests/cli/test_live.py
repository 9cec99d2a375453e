"""tapscope live on the command line."""

import csv
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from tapscope import errors
from tapscope.cli import main
from tapscope.errors import OutputError, VideoError
from tapscope.live import setup
from tapscope.live.guide import GuideRules
from tapscope.live.run import LiveRun
from tapscope.live.session import LiveSession
from tapscope.live.source import FileSource
from tests.cli.runner import run
from tests.live.fakes import FakeCamera, painted_session

CLIP = Path(__file__).parents[1] / "data" / "clinic" / "videos" / "sub-10_hand-right_run-1.mp4"


def test_options_that_exclude_each_other_are_refused(tmp_path: Path) -> None:
    both = run("live", "--camera", "0", "--source", CLIP, "--out", tmp_path)
    assert both.exit_code == 2
    assert "not both" in both.output
    alone = run("live", "--realtime", "--out", tmp_path)
    assert alone.exit_code == 2
    assert "belongs to --source" in alone.output


def test_without_the_extra_the_page_says_what_to_install(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    with pytest.raises(OutputError, match="the live page needs starlette") as raised:
        run("live", "--source", CLIP, "--out", tmp_path)
    assert 'pip install "tapscope[review]"; or give --headless' in str(raised.value)


def test_no_camera_is_one_plain_message(
    tmp_path: Path, monkeypatch: MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cv2.VideoCapture", lambda index: FakeCamera(0, opens=False))
    out = str(tmp_path / "new")
    monkeypatch.setattr("sys.argv", ["tapscope", "live", "--headless", "--out", out])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "camera 0: cannot be opened" in capsys.readouterr().err
    assert not Path(out).exists()


def test_a_source_that_is_missing_is_one_plain_message(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"x\.mp4"):
        run("live", "--headless", "--source", tmp_path / "x.mp4", "--out", tmp_path)


def test_a_test_is_measured_as_analyze_measures_its_video(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    # the hand of the clip begins to tap after 1.5 s
    def quick(tapping_s: float, min_hand_px: float) -> GuideRules:
        return GuideRules(
            tapping_s=tapping_s, min_hand_px=min_hand_px, rest_s=0.2, countdown_s=0.5, ready_s=0.8
        )

    monkeypatch.setattr(setup, "GuideRules", quick)
    live, again = tmp_path / "live", tmp_path / "again"
    name = "sub-10_hand-right_run-2"
    done = run(
        "live", "--source", CLIP, "--headless", "--seconds", "1", "--out", live, "--name", name
    )
    assert done.exit_code == 0, done.output
    assert name in done.stdout
    with (live / "features.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["recording"], row["hand"], row["trial"]) == (name, "right", "2")
    assert float(row["tapping_rate_hz"]) == pytest.approx(5.5, abs=0.4)

    run("analyze", live / f"{name}.mp4", "--out", again / "features.csv", "--quiet")
    assert (live / "features.csv").read_bytes() == (again / "features.csv").read_bytes()
    details = {file.name: file for file in (live / "features.tapscope").iterdir()}
    del details["run.json"]  # it holds the command, the time and the versions
    assert {f"{name}.tracks.csv", f"{name}.taps.csv"} <= set(details)
    for file_name, file in details.items():
        assert file.read_bytes() == (again / "features.tapscope" / file_name).read_bytes()


def test_the_page_is_served_until_ctrl_c(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    pytest.importorskip("uvicorn", reason="needs tapscope[review]")
    opened: list[str] = []
    visited: list[bytes] = []

    def session(source: FileSource, folder: Path, name: str, **rest: object) -> LiveSession:
        return painted_session(source, folder, name)

    def visit(self: LiveRun) -> None:
        with urllib.request.urlopen(opened[0], timeout=60) as answer:
            visited.append(answer.read())
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "make_session", session)
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(LiveRun, "run_tests", visit)
    done = run("live", "--source", CLIP, "--out", tmp_path, "--name", "x")
    assert done.exit_code == 130
    assert f"open {opened[0]}" in done.output
    assert "nothing was being recorded" in done.output
    assert b"<title>tapscope live</title>" in visited[0]
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(opened[0], timeout=60)
