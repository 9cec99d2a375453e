"""Tests of the command line as a whole: help, errors, exit codes, documentation."""

import subprocess
import sys
from pathlib import Path

import pytest

from tapscope import __version__, cli
from tests.cli.runner import ROOT, run


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


def test_the_main_process_needs_no_torch() -> None:
    script = (
        "import sys, tapscope.pipeline.analyze, tapscope.cli.console; print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "False"


def test_an_expected_error_is_one_plain_message(
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


@pytest.mark.parametrize("how", ["version", "--version"])
@pytest.mark.parametrize(
    ("commit", "shown"),
    [
        (None, ""),
        ("0123456789abcdef" * 2, " (commit 0123456789ab)"),
        ("0123456789abcdef" * 2 + "-changed", " (commit 0123456789ab, changed)"),
    ],
)
def test_version_and_commit(
    how: str, commit: str | None, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tapscope.output.provenance.commit", lambda: commit)
    done = run(how)
    assert (done.exit_code, done.output) == (0, f"tapscope {__version__}{shown}\n")
