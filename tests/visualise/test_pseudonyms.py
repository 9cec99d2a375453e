"""Numbers that stand for names: the same everywhere, and texts without the names."""

from dataclasses import replace
from pathlib import Path

from tapscope.pipeline.result_reader import VideoRow, VideoTable
from tapscope.visualise.pseudonyms import Pseudonyms


def table(*names: str, participant: str = "P07") -> VideoTable:
    cells = {"participant_id": participant, "session_id": "2", "flags": "unreadable;truncated"}
    rows = [VideoRow(name, f"{name}.mp4", "failed", "", cells) for name in names]
    return VideoTable(Path("features.csv"), tuple(rows), ())


def test_numbers_follow_the_table() -> None:
    names = Pseudonyms(table("b", "a", "a/<script>"))
    assert [names.of(name) for name in ("b", "a", "a/<script>")] == [
        "recording-001", "recording-002", "recording-003"
    ]  # fmt: skip
    many = Pseudonyms(table(*map(str, range(1000))))
    assert many.of("0") == "recording-0001"


def test_a_text_that_names_the_recording_is_left_out() -> None:
    held = table("visit/roe_left")
    names, row = Pseudonyms(held), held.rows[0]
    for text in (
        "/data/visit/roe_left.mp4: the file is empty",
        r"C:\data\Roe_Left.mp4: the file is empty",
        "participant p07 did not tap",
    ):
        assert names.without_names(text, row) == (
            "unreadable, truncated (the words name the recording)"
        )
    assert names.without_names("taps may be missed", row) == "taps may be missed"
    bare = replace(row, cells={})
    assert names.without_names("roe_left", bare).startswith("see the key")


def test_a_number_of_a_participant_is_no_name() -> None:
    held = table("x", participant="12")
    assert Pseudonyms(held).without_names("12 taps", held.rows[0]) == "12 taps"


def test_the_key_tells_what_stands_for_what(tmp_path: Path) -> None:
    Pseudonyms(table("b,c", "a")).write_key(tmp_path / "key.csv")
    assert (tmp_path / "key.csv").read_text() == (
        "pseudonym,recording,video,participant_id,session_id\n"
        'recording-001,"b,c","b,c.mp4",P07,2\n'
        "recording-002,a,a.mp4,P07,2\n"
    )
