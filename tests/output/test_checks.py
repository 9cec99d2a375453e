"""Whether results can be written is known before the work, and asking leaves nothing behind."""

from pathlib import Path

import pytest

from tapscope.errors import OutputError
from tapscope.output.checks import check_file, check_folder


def test_new_folders_are_fine_and_not_created(tmp_path: Path) -> None:
    check_file(tmp_path / "a" / "b" / "c.csv")
    check_folder(tmp_path / "a" / "b")
    check_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_relative_names_are_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_file(Path("c.csv"))
    check_folder(Path())
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a folder; give the name of a file with --json"):
        check_file(tmp_path, "--json")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper", Path("/proc/none")):
        with pytest.raises(OutputError, match=r"cannot be written \(.+\); choose another --out"):
            check_folder(folder)
        with pytest.raises(OutputError, match="cannot be written"):
            check_file(folder / "c.csv")
