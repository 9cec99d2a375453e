"""Files are written whole or not at all."""

import re
from pathlib import Path

import pytest

from tapscope import files
from tapscope.errors import SensorError


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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": [1, 2', "is cut off (the JSON breaks off in line 1)"),
        (b'{\n"a": "te', "is cut off (the JSON breaks off in line 2)"),
        (b"", "is empty"),
        (b'{"a": 1,, "b": 2}', "is no valid JSON (line 1, column 9"),
        (b'{"a": "\xff"}', "is not text in utf-8"),
        (b"[" * 200_000, "is no JSON of this kind"),
    ],
    ids=["in a list", "in a text", "empty", "two commas", "not UTF-8", "deep"],
)
def test_what_is_wrong_with_json_is_said(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(content)
    with pytest.raises(SensorError, match=re.escape(f"{file}: {said}")):
        files.read_json(file, SensorError)


def test_json_is_read_in_any_unicode(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        file.write_text('{"Hand": "left", "Device": "µ"}', encoding=encoding)
        assert files.read_json(file, SensorError)["Device"] == "µ"
    with pytest.raises(SensorError, match="No such file"):
        files.read_json(tmp_path / "none.json", SensorError)
