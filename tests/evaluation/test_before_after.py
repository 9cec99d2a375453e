"""What new weights change in recordings: the comparison, its warnings, and what is held out."""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tapscope.cli.console.before_after import print_before_after
from tapscope.cli.console.log import SilentListener
from tapscope.errors import OutputError, VideoError, WeightsError
from tapscope.evaluation.before_after import (
    FEATURES,
    MEAN_CONFIDENCE,
    BeforeAfter,
    RecordingChange,
    RowOfWeights,
    check_try_on,
    try_on,
)
from tapscope.evaluation.learned_from import Sources, read_sources
from tapscope.hand import KEYPOINTS
from tapscope.network import weights
from tapscope.pipeline import analyze
from tapscope.pipeline.batch import Analyse
from tapscope.pipeline.cache import RecordingResult
from tapscope.pipeline.measurement import measure
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.workers import Report
from tapscope.protocol.protocol import load
from tapscope.video.stream import VideoStream
from tests.cli.runner import run
from tests.hands import labelled_folder, tiny_card, tiny_weights
from tests.labelling.to_label import made_folder
from tests.tapping import track, write_clip


@dataclass(frozen=True)
class SeePart:
    """Makes an analysis that sees the discs only in a share of the frames, less and less sure."""

    share: float

    def __call__(self) -> Analyse:
        protocol = load()

        def analyse(recording: Recording, report: Report) -> RecordingResult:
            with VideoStream(recording.path) as stream:
                keypoints = track(stream, report)
            n = len(keypoints.time_s)
            lost = np.arange(n) >= self.share * n
            keypoints = replace(
                keypoints,
                position_px=np.where(lost[:, None, None], np.nan, keypoints.position_px),
                confidence=np.where(lost[:, None], 0.0, keypoints.confidence),
                reason=np.where(lost, "no_hand", keypoints.reason),
            )
            return measure(
                keypoints, stream.info, stream.summary, recording, protocol, facts={"engine": "x"}
            )

        return analyse


@pytest.fixture
def part_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are a file with the share of the frames in which the hand is seen."""

    def prepare(weights: Path, *_: object) -> SeePart:
        return SeePart(float(weights.read_text()))

    monkeypatch.setattr(analyze, "Prepare", prepare)


@pytest.mark.usefixtures("part_seen")
def test_recordings_are_compared_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = tmp_path / "videos"
    for name, rate_hz in (("rec-0", 2.0), ("site/new", 3.0)):
        write_clip(videos / f"{name}.mp4", rate_hz=rate_hz)
    (videos / "broken.mp4").write_bytes(b"no video")
    labels = made_folder(tmp_path / "to_label")
    content = json.loads((labels / "annotations.json").read_text())
    content["images"][0]["corrected"] = True  # of rec-0; those of rec-1 still wait
    (labels / "annotations.json").write_text(json.dumps(content))
    before, after = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    weights.write(before, tiny_weights().network, tiny_card())
    before.write_text("1.0")
    after.write_text("0.2")
    done = try_on(
        [videos], [labels], before, after, device="cpu", listener=SilentListener(),
        command=["tests"],
    )  # fmt: skip
    assert {row.recording: row.relation for row in done.rows} == {
        "broken": "held out", "rec-0": "learned from", "site/new": "held out"
    }  # fmt: skip
    broken, old, new = done.rows
    assert (old.before.status, new.before.status) == ("ok", "ok")
    assert new.before.numbers["tapping_rate_hz"] == pytest.approx(3.0, abs=0.05)
    assert new.before.numbers[MEAN_CONFIDENCE] == pytest.approx(0.9)
    assert new.after.numbers[MEAN_CONFIDENCE] == pytest.approx(0.9 * 0.2)
    assert new.after.status != "ok"
    assert new.warnings[0].startswith(f"was ok, is now {new.after.status}: {new.after.reason}")
    assert (broken.before.status, broken.warnings) == ("failed", ())
    assert math.isnan(broken.before.numbers[MEAN_CONFIDENCE])

    assert done.path == tmp_path / "new.try-on.csv"
    with done.path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["relation"] for line in lines] == [row.relation for row in done.rows]
    names = ["status", "reason", "unit", *FEATURES, MEAN_CONFIDENCE]
    assert list(lines[0]) == [
        "recording", "relation", *(f"{n}_{w}" for n in names for w in ("before", "after")),
        "warnings",
    ]  # fmt: skip
    assert lines[2]["status_before"] == "ok"
    assert float(lines[2]["tapping_rate_hz_before"]) == new.before.numbers["tapping_rate_hz"]
    assert lines[0]["tapping_rate_hz_before"] == ""  # never 0
    assert lines[2]["warnings"] == "; ".join(new.warnings)
    assert all(table.is_file() for table in done.tables)
    assert done.earlier == ()

    print_before_after(done)
    shown = " ".join(capsys.readouterr().out.split())
    assert f"warning: site/new (held out): was ok, is now {new.after.status}" in shown
    assert "3 recordings, 2 held out" in shown
    assert "note: recordings that were learned from look better than others will" in shown


def row(status: str = "ok", rate_hz: float = 2.0, unit: str = "hand_lengths") -> RowOfWeights:
    numbers = {**dict.fromkeys(FEATURES, 1.0), "tapping_rate_hz": rate_hz, MEAN_CONFIDENCE: 0.9}
    return RowOfWeights(status, "" if status == "ok" else "why", unit, numbers)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (row(), row(rate_hz=2.1), []),
        (row(rate_hz=2.1), row(), []),
        (row(), row(rate_hz=2.101), ["the rate moved by +0.10 Hz"]),
        (row(), row(rate_hz=1.5), ["the rate moved by -0.50 Hz"]),
        (row(), row("doubtful"), ["was ok, is now doubtful: why"]),
        (row("doubtful"), row("failed", math.nan), ["the rate is no longer known"]),
        (row("failed", math.nan), row(), []),
        (row("failed", math.nan, ""), row("failed", math.nan), []),
        (row(), row(unit="px"), ["amplitudes are in px now, not in hand_lengths"]),
    ],
)
def test_what_may_be_worse_gets_a_warning(
    before: RowOfWeights, after: RowOfWeights, says: list[str]
) -> None:
    assert list(RecordingChange("a", "held out", before, after).warnings) == says


@pytest.mark.parametrize(
    ("rows", "recording", "participant", "relation"),
    [
        ([{"recording": "a/b"}], "a/b", "", "learned from"),
        ([{"recording": "a/b"}], "b", "", "learned from"),  # given by its own path
        ([{"recording": "b"}], "a/b", "", "learned from"),
        ([{"recording": "b"}], "ab", "", "held out"),
        ([{"recording": "x/b"}], "a/b", "", "held out"),
        ([{"recording": "b", "corrected": False}], "b", "", "held out"),
        ([{"recording": "b", "split": "test"}], "b", "", "held out"),
        ([{"recording": "b", "group": "Anna"}], "c", "Anna", "same participant"),
        ([{"recording": "b", "group": "b"}], "c", "", "held out"),
        ([{"file_name": "images/a/b_f000012.png"}], "a/b", "", "learned from"),
        ([{"file_name": "0.png", "source": "b_f000012.png"}], "a/b", "", "learned from"),
        ([{"file_name": "images/3.png", "group": "b"}], "b", "", "learned from"),
        ([{"file_name": "images/3.png"}], "b", "", "not known"),
        ([{"recording": "recording-001", "group": "participant-01"}], "b", "Anna", "not known"),
    ],
)
def test_what_was_learned_from_is_not_held_out(
    tmp_path: Path,
    rows: Sequence[dict[str, object]],
    recording: str,
    participant: str,
    relation: str,
) -> None:
    images = [{"file_name": "images/x.png", **each} for each in rows]
    (tmp_path / "annotations.json").write_text(json.dumps({"images": images}))
    assert read_sources([tmp_path]).relation(recording, participant) == relation


def test_folders_that_are_silent_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = (tmp_path / "a", tmp_path / "b")
    change = RecordingChange("[b]x", "not known", row(), row())
    silent = Sources(silent=(Path("other"),))
    print_before_after(BeforeAfter((change,), tmp_path, tables, silent, ("first_round",)))
    shown = capsys.readouterr().out
    assert "the weights of --init had learned from first_round before" in shown
    assert "other: does not name the recordings of its frames" in shown
    assert "[b]x" in shown  # no markup


def written(path: Path, keypoints: Sequence[str] = KEYPOINTS) -> Path:
    made = tiny_weights(keypoints)
    network = {**made.card.network, "keypoints": len(keypoints)}
    weights.write(path, made.network, replace(made.card, network=network))
    return path


def test_what_cannot_be_compared_is_refused_before_the_training(tmp_path: Path) -> None:
    start, out = written(tmp_path / "start.safetensors"), tmp_path / "out.safetensors"
    video = write_clip(tmp_path / "a.mp4")
    check_try_on([video], start, out)
    with pytest.raises(OutputError, match="would be replaced"):
        check_try_on([video], start, start)
    with pytest.raises(VideoError, match="no such file"):
        check_try_on([tmp_path / "absent.mp4"], start, out)
    (tmp_path / "none").mkdir()
    with pytest.raises(VideoError, match="no video found"):
        check_try_on([tmp_path / "none"], start, out)
    (tmp_path / "out.try-on").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        check_try_on([video], start, out)


def test_weights_that_follow_no_hand_are_refused(tmp_path: Path) -> None:
    start = written(tmp_path / "tips.safetensors", ("thumb_tip", "index_tip"))
    with pytest.raises(WeightsError, match="does not place wrist, middle_mcp"):
        check_try_on([write_clip(tmp_path / "a.mp4")], start, tmp_path / "out.safetensors")


def test_train_shows_both_weights_on_recordings(tmp_path: Path) -> None:
    start, out = written(tmp_path / "start.safetensors"), tmp_path / "out.safetensors"
    folder = labelled_folder(tmp_path / "labels", count=8)
    video = write_clip(tmp_path / "a.mp4", stamps_s=[n / 30 for n in range(20)])
    train = (
        "train", "--data", folder, "--init", start, "--out", out, "--epochs", "1", "--size", "64",
        "--device", "cpu", "--batch", "4", "--try-on", video,
    )  # fmt: skip
    done = run(*train)
    assert done.exit_code == 0, done.output
    shown = " ".join(done.output.split())
    assert "1 recording, 0 held out" in shown
    assert "does not name the recordings of its frames" in shown
    with (tmp_path / "out.try-on.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["recording"], line["relation"]) == ("a", "not known")
    assert line["status_before"] in ("doubtful", "failed")  # the network has learned nothing
    for when, file in (("before", start), ("after", out)):
        record = json.loads((tmp_path / f"out.try-on/{when}.tapscope/run.json").read_text())
        assert record["weights"]["file"] == file.name
    again = run(*train, "--resume")  # nothing is left to train, nothing to analyse again
    assert again.exit_code == 0, again.output
    assert "1 recording, 0 held out" in " ".join(again.output.split())


def test_try_on_needs_weights_to_compare_with(tmp_path: Path) -> None:
    done = run("train", "--data", tmp_path, "--try-on", tmp_path)
    assert done.exit_code == 2
    assert "needs the weights of --init" in done.output
