"""Files are written whole or not at all."""

from pathlib import Path

import pytest

from tapscope import files


def test_content_and_folder_appear(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b.txt"
    files.write_atomically(target, b"one")
    files.write_atomically(target, b"two")
    assert target.read_bytes() == b"two"
    assert [p.name for p in target.parent.iterdir()] == ["b.txt"]
    assert target.stat().st_mode & 0o400


def test_failure_leaves_the_old_content_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "b.txt"
    files.write_atomically(target, b"old")

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        files.write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]


def test_hash_is_sha256(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"abc")
    assert files.sha256_of(target).startswith("ba7816bf8f01cfea")
