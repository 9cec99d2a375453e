"""Tests of the record of a run."""

import subprocess
from pathlib import Path

import pytest

from tapscope import __version__
from tapscope.output import provenance


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository of one commit that holds a package."""
    package = tmp_path / "tapscope"
    package.mkdir()
    (package / "a.py").write_text("a = 1\n")
    for command in ("init -q", "add .", "-c user.name=T -c user.email=t@t commit -q -m one"):
        subprocess.run(["git", "-C", str(tmp_path), *command.split()], check=True)
    monkeypatch.setattr(provenance, "_PACKAGE", package)
    return package


def test_commit_is_marked_if_the_code_differs(checkout: Path) -> None:
    found = provenance.commit()
    assert found is not None and len(found) == 40
    (checkout.parent / "notes").touch()
    assert provenance.commit() == found
    (checkout / "a.py").write_text("a = 2\n")
    assert provenance.commit() == f"{found}-changed"


def test_the_record_of_a_run_names_the_commit(checkout: Path) -> None:
    record = provenance.environment(["tapscope"])
    assert record["commit"] == provenance.commit() is not None
    assert record["tapscope_version"] == __version__


def test_no_commit_outside_a_checkout(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance.commit() is None
    monkeypatch.setattr(provenance, "_PACKAGE", tmp_path / "site-packages" / "tapscope")
    assert provenance.commit() is None


def test_versions_of_what_numbers_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "NUMERIC_PACKAGES", ("numpy", "no-such-package"))
    found = provenance.package_versions()
    assert found["numpy"][0].isdigit()
    assert found["no-such-package"] == "absent"


def test_command_can_be_repeated() -> None:
    record = provenance.environment(["tapscope", "analyze", "a b.mp4"])
    assert record["command"] == "tapscope analyze 'a b.mp4'"
