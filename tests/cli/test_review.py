"""tapscope review on the command line."""

from pathlib import Path

import pytest

from tapscope import errors
from tapscope.cli import main
from tapscope.errors import CorrectionsError
from tests.cli.runner import run


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    with pytest.raises(CorrectionsError, match="the page of review needs starlette") as raised:
        run("review", tmp_path / "features.csv")
    assert 'pip install "tapscope[review]"' in str(raised.value)


def test_a_missing_table_is_one_plain_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["tapscope", "review", str(tmp_path / "x.csv"), "--compare"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "x.csv: no such table" in capsys.readouterr().err
