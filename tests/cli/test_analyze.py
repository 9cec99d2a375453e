"""Tests of the command line as a user meets it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tapscope import __version__, cli
from tapscope.errors import WeightsError
from tapscope.network import weights
from tapscope.pipeline import analyze
from tapscope.protocol.protocol import bundled
from tests import clips
from tests.hands import labelled_folder, tiny_card, tiny_weights
from tests.tapping import SeeDiscs, write_clip

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(a) for a in arguments], catch_exceptions=False)


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


def test_analyze_writes_what_it_promises(discs: Path) -> None:
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
    kept = Path("features.tapscope")
    assert len(table(kept / "sub-01_hand-left_run-1.taps.csv")) == 6
    record = json.loads((kept / "run.json").read_text())
    assert record["tapscope_version"] == __version__
    assert len(record["weights"]["sha256"]) == len(record["protocol"]["sha256"]) == 64
    assert [len(r["video_sha256"]) for r in record["recordings"]] == [64, 64]
    assert record["packages"]["numpy"]
    assert record["utc_time"].endswith("+00:00")
    names = [row["name"] for row in json.loads((kept / "features.json").read_text())]
    assert names == list(left)


def test_failures_show_in_the_exit_code_and_on_the_screen(discs: Path) -> None:
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
    assert "3 done before" in again.output
    assert "the end of the video is lost" in " ".join(again.output.split())


def test_quiet_is_quiet(discs: Path) -> None:
    assert run("analyze", discs, "--quiet").output == ""


def test_json_log_names_nobody(discs: Path) -> None:
    (discs / "sub-03.mp4").touch()
    result = run("analyze", discs, "--json-log")
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


def test_interruption_keeps_what_is_done(discs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tapscope.pipeline.workers.run", interrupt)
    result = run("analyze", discs)
    assert result.exit_code == 130
    assert "interrupted" in result.output
    assert table(Path("features.csv")) == []


def failing(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tapscope", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env=environment()
    )


def environment() -> dict[str, str]:
    import os  # noqa: PLC0415

    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from tapscope.cli import app\n"
        "result = CliRunner().invoke(app, ['--help'])\n"
        "assert result.exit_code == 0 and 'analyze' in result.output, result.output\n"
        "heavy = {'torch', 'openvino', 'numpy', 'scipy', 'cv2', 'av', 'decord', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_a_batch_is_given_out_without_torch() -> None:
    script = (
        "import sys, tapscope.pipeline.analyze, tapscope.cli.console; print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "False"


def test_foreseen_errors_are_one_plain_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, message in [
        (["analyze", "absent.mp4", "--weights", "w"], "w: there is no such weights file"),
        (["analyze", "x", "--out", "t.xlsx"], "the ending must be .csv or .parquet"),
        (["analyze", "x", "--protocol", "mine"], "there is no protocol 'mine'"),
        (["protocols", "show", "mine"], "there is no protocol 'mine'"),
        (["train"], "there is no folder annotations/ here"),
        (["evaluate", "--data", "x", "--weights", "w"], "there is no such weights file"),
    ]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["tapscope", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2, arguments
        said = capsys.readouterr().err
        assert said.startswith("tapscope: ") and said.count("\n") == 1, said
        assert message in said


def test_usage_errors_have_code_2() -> None:
    assert run("analyze").exit_code == 2
    assert run("analyze", "x", "--jobs", "0").exit_code == 2
    assert run("analyze", "x", "--hand", "both").exit_code == 2


def test_folder_without_videos(tmp_path: Path, discs: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(Exception, match="no video there"):
        run("analyze", tmp_path / "nothing")


def test_inspect_says_whether_it_suits(tmp_path: Path) -> None:
    good = clips.Clip(size=(320, 240)).write(tmp_path / "[good].mp4", 120)
    result = run("inspect", good)
    assert result.exit_code == 0, result.output
    assert "suits the protocol mds-updrs-3.4" in " ".join(result.output.split())
    assert "h264" in result.output
    small = run("inspect", clips.Clip().write(tmp_path / "small.mp4", 120))
    assert small.exit_code == 1
    assert "image_small" in small.output
    assert "does not suit" in small.output
    facts = json.loads(run("inspect", good, "--json").output)
    assert (facts["suitable"], facts["codec"], facts["decoded_frames"]) == (True, "h264", 120)


def test_inspect_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    result = run("inspect", tmp_path / "a.mp4")
    assert result.exit_code == 1
    assert result.stderr.startswith("tapscope: ")


def test_protocols_are_listed_and_shown() -> None:
    listed = run("protocols").output
    assert all(name in listed for name in bundled())
    shown = run("protocols", "show", "tapping-10s").output
    assert shown == (ROOT / "protocols" / "tapping-10s.toml").read_text()


def test_version() -> None:
    assert run("version").output.startswith(f"tapscope {__version__}")


def test_train_then_evaluate(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "labels", count=8)
    start, out = tmp_path / "start.safetensors", tmp_path / "out.safetensors"
    weights.write(start, tiny_weights().network, tiny_card())
    train = (
        "train", "--data", folder, "--init", start, "--out", out, "--epochs", "1", "--size", "64",
        "--device", "cpu",
    )  # fmt: skip
    trained = run(*train, "--batch", "4")
    assert trained.exit_code == 0, trained.output
    with pytest.raises(WeightsError, match=r"other settings \(batch_size\)"):
        run(*train, "--resume")
    assert "before" in trained.output
    assert "epoch 1: loss" in trained.output
    card = weights.read_card(out)
    assert card.input_size_px == 64
    assert [source.name for source in card.trained_on] == ["labels"]
    figures = tmp_path / "figures.json"
    done = run("evaluate", "--data", folder, "--weights", out, "--json", figures, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert "all keypoints" in done.output
    held_out = " ".join(trained.output.split()).split(" for validation")[0].split()[-1]
    validation = run(
        "evaluate", "--data", folder, "--weights", out, "--validation", "--device", "cpu",
        "--out", tmp_path / "scores",
    )  # fmt: skip
    assert validation.exit_code == 0, validation.output
    rows = (tmp_path / "scores" / "scores.csv").read_text().splitlines()
    assert rows[1].split(",")[4:6] == ["tips", str(2 * int(held_out))]
    both = run("evaluate", "--data", folder, "--validation", "--split", "test")
    assert both.exit_code == 2
    found = json.loads(figures.read_text())
    assert {"n", "found", "pck@5", "mpjpe@5", "all_keypoints", "groups"} <= set(found)


def test_tips_of_a_rival_are_trained_and_measured(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "labels", count=20, groups=1)
    tips = ("--joint", "thumb_tip", "--joint", "index_tip")
    out, finder = tmp_path / "w.safetensors", tmp_path / "finder.safetensors"
    weights.write(finder, tiny_weights().network, tiny_card())
    trained = run(
        "train", "--data", folder, "--model", "higherhrnet", *tips, "--tenths", "3", "--out", out,
        "--epochs", "1", "--size", "32", "--device", "cpu",
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    assert "12 images trained on, 2 for" in " ".join(trained.output.split())
    card = weights.read_card(out)
    assert (card.architecture, card.keypoints) == ("higherhrnet", ("thumb_tip", "index_tip"))
    measure = ("evaluate", "--data", folder, "--tenths", "3", *tips, "--device", "cpu")
    done = run(
        *measure, "--finder", finder, "--weights", out, "--weights", out, "--size", "64",
        "--out", tmp_path / "scores",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert (tmp_path / "scores" / "curves-labels.png").is_file()
    rows = (tmp_path / "scores" / "scores.csv").read_text().splitlines()
    assert rows[1].split(",")[4:6] == ["tips", "2"]  # one of fifteen hands
    with pytest.raises(WeightsError, match="place no wrist, middle_mcp"):
        run(*measure, "--weights", out)
    both = run(*measure, "--weights", out, "--weights", finder, "--json", tmp_path / "x.json")
    assert both.exit_code == 2
    assert "--json" in both.output
    with pytest.raises(WeightsError, match="give a multiple of 32"):
        run(*measure, "--finder", finder, "--weights", out, "--size", "48")


def test_model_besides_given_weights_is_refused(tmp_path: Path) -> None:
    start = tmp_path / "w.safetensors"
    weights.write(start, tiny_weights().network, tiny_card())
    done = run("train", "--data", tmp_path, "--init", start, "--model", "u-net")
    assert done.exit_code == 2
    assert "the weights of --init say which" in done.output


def test_networks_are_benchmarked(tmp_path: Path) -> None:
    labelled_folder(tmp_path / "data" / "hands", count=8)
    finder, table = tmp_path / "finder.safetensors", tmp_path / "table.toml"
    weights.write(finder, tiny_weights().network, tiny_card())
    table.write_text(
        'train = ["hands"]\ntest = ["hands"]\nepochs = 1\nsize_px = 32\nseeds = [1]\n'
        '[[network]]\nname = "Tiny"\narguments = {stages = 1, widths = [4, 4]}\n'
    )
    done = run(
        "benchmark", "networks", table, "--data", tmp_path / "data", "--out", tmp_path / "out",
        "--finder", finder, "--device", "cpu",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Tiny" in done.output
    assert (tmp_path / "out" / "table.md").read_text().startswith("**hands**")


def test_every_verb_and_option_is_documented() -> None:
    pages = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    group = cli.typer.main.get_command(cli.app)
    commands = dict(group.commands)  # type: ignore[attr-defined]
    for verb in [verb for verb in commands if hasattr(commands[verb], "commands")]:
        for inner, command in commands[verb].commands.items():
            commands[f"{verb} {inner}"] = command
    for verb, command in commands.items():
        assert f"tapscope {verb}" in pages, verb
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--"):
                    assert option in pages, f"{verb} {option}"
