"""The report about recordings: what it shows, and what it must not."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tapscope.errors import OutputError, ResultsError
from tapscope.features import FEATURES
from tapscope.output.columns import ORIGIN, RECORDING
from tapscope.output.table import csv_bytes, fixed
from tapscope.pipeline.result_reader import read_features
from tapscope.visualise.report.advice import ADVICE
from tapscope.visualise.report.page import report_page, write_report
from tapscope.visualise.report.study import read_study
from tests.cli.runner import run

EVIL = '<script>alert("x")</script>'
FRAMES = 90


def study(folder: Path, *, name: str = "one", reason: str = "", count: int = 3) -> Path:
    """Write a table with tracks and taps: rows that are ok, doubtful and failed in turn."""
    columns = [*RECORDING, "tap_count", "tapping_rate_hz", "task_start_s", "task_end_s", "unit",
               "flags", *ORIGIN, "group"]  # fmt: skip
    rows = []
    for n in range(count):
        recording = name if n == 0 else f"r{n}"
        cells = {
            "recording": recording, "video": f"{recording}.mp4",
            "status": ("ok", "doubtful", "failed")[n % 3],
            "reason": (reason, "taps may be missed", "no hand")[n % 3],
            "flags": ("", "missed_taps", "no_hand")[n % 3],
            "tap_count": "12", "tapping_rate_hz": str(2.5 + n), "task_start_s": "0.5",
            "task_end_s": "2.5", "unit": "hand_lengths", "group": "case" if n % 2 else EVIL,
        }  # fmt: skip
        rows.append([cells.get(column, "") for column in columns])
        write_files(folder / "features.tapscope", recording)
    table = folder / "features.csv"
    table.write_bytes(csv_bytes(columns, rows))
    return table


def write_files(folder: Path, recording: str) -> None:
    """Write tracks and taps of a recording of two taps."""
    folder.mkdir(exist_ok=True)
    time_s = np.arange(FRAMES) / 30
    aperture = np.where(np.arange(FRAMES) == 40, np.nan, np.sin(np.pi * time_s) ** 2)
    sure = np.full(FRAMES, 0.9)
    tracks = {
        "time_s": fixed(time_s, 6), "thumb_tip_confidence": fixed(sure, 3),
        "index_tip_confidence": fixed(sure / 2, 3), "aperture_hand": fixed(aperture, 5),
        "aperture_px": fixed(100 * aperture, 3),
    }  # fmt: skip
    stem = recording.replace("/", "_")
    (folder / f"{stem}.tracks.csv").write_bytes(
        csv_bytes(list(tracks), zip(*tracks.values(), strict=True))
    )
    names = ["closure_s", "next_closure_s", "peak_s", "amplitude", "opening_speed_mean",
             "opening_speed_peak", "closing_speed_mean", "closing_speed_peak", "unit",
             "flags"]  # fmt: skip
    taps = [[str(n), str(n + 1), str(n + 0.5), *["1"] * 5, "hand_lengths", ""] for n in range(2)]
    (folder / f"{stem}.taps.csv").write_bytes(csv_bytes(names, taps))


class Page(HTMLParser):
    """Tags, texts and scripts of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self._script: dict[str, str | None] | None = None
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._script = dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        """Leave a script."""
        if tag == "script":
            self._script = None

    def handle_data(self, data: str) -> None:
        """Keep a text, or the content of a script."""
        if self._script is not None:
            self.scripts.append((self._script, data))
        else:
            self.text += data

    def samples(self) -> list[dict[str, list[float | None]]]:
        """Return the samples of each trace."""
        return [json.loads(text) for kind, text in self.scripts if kind.get("class") == "samples"]


def test_every_recording_has_its_row_its_trace_and_a_remedy(tmp_path: Path) -> None:
    page = Page(report_page(read_study(read_features(study(tmp_path)))))
    rows = [tag for tag, attributes in page.tags if tag == "tr" and "data-row" in attributes]
    assert len(rows) == 3
    assert page.text.count(ADVICE["missed_taps"]) == 2  # in the table and at the trace
    assert page.text.count(ADVICE["no_hand"]) == 2
    first, *_ = page.samples()
    assert len(first["t"]) == len(first["a"]) == FRAMES
    assert first["a"][40] is None
    assert first["task"] == [500, 2500]
    assert first["closures"] == [0, 1000, 2000]
    assert set(first["c"]) == {45}


def test_names_from_files_are_text(tmp_path: Path) -> None:
    page = Page(report_page(read_study(read_features(study(tmp_path, name=EVIL[:8], reason=EVIL)))))
    assert EVIL in page.text
    kinds = [attributes.get("type") for attributes, _ in page.scripts]
    assert kinds.count(None) == 2  # the library and our own
    assert not [tag for tag, attributes in page.tags if any(a.startswith("on") for a in attributes)]


def test_the_page_runs_only_the_scripts_that_it_names_and_loads_nothing(tmp_path: Path) -> None:
    page = Page(report_page(read_study(read_features(study(tmp_path)))))
    policy = next(a["content"] or "" for tag, a in page.tags if a.get("http-equiv"))
    assert "default-src 'none'" in policy
    named = set(re.findall(r"'sha256-([^']+)'", policy))
    run_scripts = [text for attributes, text in page.scripts if "type" not in attributes]
    hashes = {base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in run_scripts}
    assert hashes == named
    assert not [a for tag, a in page.tags if "src" in a or (a.get("href") or "").startswith("http")]


def test_the_same_table_gives_the_same_page(tmp_path: Path) -> None:
    table = study(tmp_path)
    assert report_page(read_study(read_features(table))) == report_page(
        read_study(read_features(table))
    )


@pytest.mark.parametrize("ending", ["tracks.csv", "taps.csv"])
@pytest.mark.parametrize("content", [None, b"", b"a,b\n1,2\n", b"time_s\nx\n"])
def test_a_recording_without_its_files_is_shown_without_a_trace(
    tmp_path: Path, ending: str, content: bytes | None
) -> None:
    table = study(tmp_path)
    file = tmp_path / "features.tapscope" / f"r1.{ending}"
    file.unlink() if content is None else file.write_bytes(content)
    page = Page(write_report(table, tmp_path / "page.html").read_bytes())
    assert len(page.samples()) == 2
    assert page.text.count("No trace") == 1


def test_groupings_are_columns_of_few_values(tmp_path: Path) -> None:
    assert read_study(read_features(study(tmp_path))).groupings == ["status", "group"]


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "features.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ResultsError, match="no column 'recording'"):
        write_report(tmp_path / "features.csv")


def test_every_doubt_and_failure_has_a_remedy() -> None:
    page = (Path(__file__).parents[3] / "docs/outputs.md").read_text(encoding="utf-8")
    codes = page.partition("| code | meaning |")[2].partition("\n\n")[0]
    flags = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (.*?) \|", codes, re.MULTILINE))))
    assert len(flags) > 20
    remarks = {"stopped_early", "excluded"}
    assert flags - remarks == set(ADVICE)


def test_the_verb_writes_beside_the_table(tmp_path: Path) -> None:
    table = study(tmp_path)
    result = run("report", str(table))
    assert result.exit_code == 0
    assert (tmp_path / "features.html").stat().st_size > 1_000_000
    with pytest.raises(ResultsError, match="no such table"):
        run("report", str(tmp_path / "none.csv"))


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")
def test_a_browser_draws_and_counts(tmp_path: Path) -> None:
    page = write_report(study(tmp_path, name=EVIL[:8], reason=EVIL))
    found = subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,3000",
         f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom",
         page.as_uri()],
        capture_output=True, check=True, timeout=120, text=True,
    ).stdout  # fmt: skip
    assert "3 of 3 shown" in found
    drawn = re.findall(r'<div[^>]*class="[^"]*js-plotly-plot', found)
    assert len(drawn) == 4  # the distribution and three traces


def test_nobody_is_named_in_a_deidentified_page(tmp_path: Path) -> None:
    table = study(tmp_path, name="Roe_left", reason="/data/Roe_left.mp4: the file is empty")
    (tmp_path / "features.tapscope" / "r1.taps.csv").unlink()
    result = run("report", table, "--deidentify", "--key", tmp_path / "key.csv")
    assert result.exit_code == 0
    content = (tmp_path / "features.html").read_bytes()
    page = Page(content)
    assert "recording-003" in page.text
    for named in ("Roe", "r1.", str(tmp_path), "features.csv", EVIL[8:], "case"):
        assert named not in page.text
        assert named not in json.dumps([text for kind, text in page.scripts if "type" in kind])
    assert "(the words name the recording)" in page.text
    assert "recording-001,Roe_left,Roe_left.mp4," in (tmp_path / "key.csv").read_text()
    with pytest.raises(OutputError, match="belongs to --deidentify"):
        run("report", table, "--key", tmp_path / "key.csv")


def test_without_a_browser_a_pdf_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = study(tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OutputError, match="--pdf needs Chromium, Chrome or Edge"):
        run("report", table, "--pdf")
    assert not (tmp_path / "features.html").exists()


def test_a_browser_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "bin" / "chromium"
    browser.parent.mkdir()
    browser.write_text("#!/bin/sh\necho no memory >&2\nexit 3\n")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{browser.parent}:/bin:/usr/bin")
    with pytest.raises(OutputError, match=r"chromium could not print \(no memory\)"):
        run("report", study(tmp_path), "--pdf")
    assert not (tmp_path / "features.pdf").exists()


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium")
def test_each_recording_is_one_sheet(tmp_path: Path) -> None:
    result = run("report", study(tmp_path, count=4), "--pdf")
    assert result.exit_code == 0
    content = (tmp_path / "features.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    sheets = re.findall(rb"/Type */Page\b", content)
    assert len(sheets) == 1 + 4
    boxes = re.findall(rb"/MediaBox *\[([^]]+)\]", content)
    for box in boxes:
        assert [float(side) for side in box.split()] == pytest.approx([0, 0, 595, 842], abs=1.5)
    assert boxes


def test_columns_are_those_of_the_features(tmp_path: Path) -> None:
    names = [column.name for column in read_study(read_features(study(tmp_path))).columns]
    held = {"tap_count", "tapping_rate_hz", "task_start_s", "task_end_s"}
    assert names == [feature.name for feature in FEATURES if feature.name in held]
