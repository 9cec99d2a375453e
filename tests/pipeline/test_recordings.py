"""Tests of finding and describing recordings."""

import os
import sys
from pathlib import Path

import pytest

from tapscope.errors import TapscopeError, VideoError
from tapscope.pipeline.recordings import Recording, describe, find_recordings, side_named
from tapscope.protocol.protocol import load

PARSE_NAME = load().parse_name


def make(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


def names_in(*paths: Path, recursive: bool = True) -> list[str]:
    return [r.name for r in find_recordings(paths, recursive=recursive)]


def test_folder_is_searched_for_videos_of_any_kind(tmp_path: Path) -> None:
    make(
        tmp_path, "b.MP4", "a, with comma.mov", "sub/a.webm", "notes.txt", ".hidden.mp4", "._b.mp4"
    )
    make(tmp_path, ".trash/c.mp4")
    found = find_recordings([tmp_path])
    assert [r.name for r in found] == ["a, with comma", "b", "sub/a"]
    assert [r.video for r in found] == ["a, with comma.mov", "b.MP4", "sub/a.webm"]
    assert names_in(tmp_path, recursive=False) == ["a, with comma", "b"]


def test_a_given_file_may_have_any_ending(tmp_path: Path) -> None:
    make(tmp_path, "video.bin", "noending")
    assert names_in(tmp_path / "video.bin", tmp_path / "noending") == ["noending", "video"]


def test_a_file_found_twice_is_listed_once(tmp_path: Path) -> None:
    make(tmp_path, "day/a.mp4")
    assert names_in(tmp_path, tmp_path / "day", tmp_path / "day" / "a.mp4") == ["day/a"]


def test_same_names_become_unique(tmp_path: Path) -> None:
    make(tmp_path, "one/a.mp4", "one/a.mov", "one/A.avi", "one/sub/a.mp4")
    assert names_in(tmp_path / "one") == ["A.avi", "a.mov", "a.mp4", "sub/a"]
    make(tmp_path, "two/b.mp4", "three/b.mp4")
    assert names_in(tmp_path / "two", tmp_path / "three") == ["three/b.mp4", "two/b.mp4"]


def test_names_that_stay_the_same_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "x/day/a.mp4", "y/day/a.mp4")
    with pytest.raises(VideoError, match="the folder above both"):
        find_recordings([tmp_path / "x" / "day", tmp_path / "y" / "day"])


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such file"):
        find_recordings([tmp_path / "absent"])


def test_folder_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scandir(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(VideoError, match="cannot be read"):
        find_recordings([tmp_path])


def test_a_folder_within_that_cannot_be_read_costs_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "day1/a.mp4", "day2/b.mp4")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "day2":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = {recording.name: recording.fault for recording in find_recordings([tmp_path])}
    assert list(found) == ["day1/a", "day2"]
    assert not found["day1/a"]
    assert "cannot be read (Permission denied)" in found["day2"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have Unicode names only")
def test_name_that_is_no_unicode_is_written_with_escapes(tmp_path: Path) -> None:
    make(tmp_path, os.fsdecode(b"caf\xe9.mp4"))
    assert names_in(tmp_path) == [r"caf\xe9"]


def test_file_stem_fits_a_file_system() -> None:
    long = "sub/" + "ü" * 120
    stem = Recording(Path("x"), long, long + ".mp4").file_stem
    assert stem.startswith("sub/üü")
    assert len(stem.encode()) < 200
    assert stem != Recording(Path("x"), long + "y", "").file_stem
    assert Recording(Path("x"), "a/b", "").file_stem == "a/b"


def described(name: str, option: str = "", protocol: str = "", **cells: str) -> Recording:
    recording = Recording(Path(name), name, f"{name}.mp4")
    (found,) = describe(
        [recording],
        parse_name=PARSE_NAME,
        manifest_rows={name: cells},
        option_hand=option,
        protocol_hand=protocol,
    )
    return found


def test_names_say_who_and_which_hand() -> None:
    found = described("day/sub-01_ses-2_hand-left_run-3")
    assert (found.participant_id, found.session_id, found.trial) == ("01", "2", "3")
    assert (found.hand, found.hand_source) == ("left", "file name")
    assert described("holiday").participant_id == ""
    assert described("sub-7").hand_source == ""


def test_manifest_overrides_the_name() -> None:
    found = described("sub-01_hand-left", participant_id="P9", hand="R", px_per_mm="2.5", age="70")
    assert (found.participant_id, found.hand, found.hand_source) == ("P9", "right", "manifest")
    assert found.px_per_mm == 2.5
    assert found.metronome_rate_hz is None
    assert found.extra == {"age": "70"}


def test_the_option_overrides_everything() -> None:
    found = described("sub-1_hand-left", option="right", hand="left")
    assert (found.hand, found.hand_source) == ("right", "option")
    assert described("sub-1_hand-left", protocol="right").hand_source == "file name"
    assert described("sub-1", protocol="right").hand_source == "protocol"


def test_unknown_side_is_refused() -> None:
    with pytest.raises(TapscopeError, match="write left or right"):
        side_named("both", "x.mp4")
