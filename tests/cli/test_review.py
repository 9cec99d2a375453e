"""tapscope review on the command line."""

from pathlib import Path

import pytest

from tapscope import errors
from tapscope.cli import main
from tapscope.errors import AnnotationError, CorrectionsError
from tests.cli.runner import run
from tests.labelling.to_label import made_folder


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


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("features.csv",), "--labels goes without a table"),
        (("--videos", "clips"), "--labels needs no videos"),
        (("--compare",), "--labels has no raters to compare"),
    ],
)
def test_labels_go_without_what_belongs_to_a_table(
    tmp_path: Path, more: tuple[str, ...], says: str
) -> None:
    done = run("review", "--labels", made_folder(tmp_path / "to_label"), *more)
    assert done.exit_code == 2
    assert says in " ".join(done.output.replace("│", " ").split())
    assert not (tmp_path / "to_label" / "labels.jsonl").exists()


def test_labels_of_no_folder_are_refused_before_a_page_opens(tmp_path: Path) -> None:
    pytest.importorskip("starlette", reason="needs tapscope[review]")
    with pytest.raises(AnnotationError, match=r"give a folder that 'tapscope frames' wrote"):
        run("review", "--labels", tmp_path)
