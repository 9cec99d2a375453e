"""The log of a rater: what is written is read, and what a kill leaves does no harm."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapscope.corrections.entry import Entry, Span, entry_of, rater_id
from tapscope.corrections.log import Subject, append, log_path, raters_of, read_log
from tapscope.errors import CorrectionsError
from tests.corrections.made import SUBJECT, entry, write

NUMBER = st.floats(-1e4, 1e4, allow_nan=False)
REASON = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40)
ENTRIES = st.one_of(
    st.builds(
        lambda before, after: entry(1, "tap", before=before, after=after, closures_s=(0.5, 1.0)),
        st.none() | NUMBER, NUMBER,
    ),
    st.builds(lambda x, y, n: entry(1, "tip", before=None, after=(x, y), frame=n,
                                    keypoint="index_tip"), NUMBER, NUMBER, st.integers(0, 9999)),
    st.builds(lambda s, d: entry(1, "task", before=(0.0, 9.0), after=(s, s + d)), NUMBER,
              st.floats(0.1, 9)),
    st.builds(lambda s, r: entry(1, "span", after=Span(s, s + 1, r)), NUMBER, REASON),
    st.builds(lambda r: entry(1, "recording", after=r), REASON),
    st.just(entry(1, "sign")),
)  # fmt: skip
THREE = (
    entry(1, "task", before=(1.0, 2.0), after=(1.0, 3.0)),
    entry(2, "recording", after="sleeve over the hand"),
    entry(3, "sign"),
)


@given(ENTRIES)
def test_an_entry_is_read_as_it_was_written(made: Entry) -> None:
    assert entry_of(json.loads(made.line())) == made


def test_a_log_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = log_path(tmp_path, "AB", "sub/a")
    assert read_log(path).subject is None
    write(path, SUBJECT, *THREE)
    log = read_log(path)
    assert (log.subject, log.entries, log.notes) == (SUBJECT, THREE, ())
    assert raters_of(tmp_path, "sub/a") == ["AB"]
    assert raters_of(tmp_path, "sub/b") == []


@pytest.mark.parametrize("lost", range(1, 60))
def test_a_part_of_a_line_is_ignored_and_the_next_entry_kept(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "log.jsonl"
    write(path, SUBJECT, *THREE[:2])
    whole = path.read_bytes()
    last = whole[: whole.rindex(b'{"entry": 2')]
    path.write_bytes(whole[: len(last) + lost])
    log = read_log(path)
    assert log.entries == THREE[:1]
    assert len(log.notes) == 1
    assert "not written to its end" in log.notes[0]
    append(path, SUBJECT, THREE[1])
    assert read_log(path).entries == THREE[:2]


def test_an_entry_without_the_end_of_its_line_counts(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    write(path, SUBJECT, *THREE[:2])
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    append(path, SUBJECT, THREE[2])
    assert read_log(path).entries == THREE


def test_a_first_line_that_was_cut_off_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"format": "tapsc')
    assert read_log(path).subject is None
    append(path, SUBJECT, THREE[0])
    assert read_log(path).entries == THREE[:1]


def test_a_lost_entry_is_an_error_and_no_silence(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    write(path, SUBJECT, *THREE)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], lines[3]]) + "\n")
    with pytest.raises(CorrectionsError, match="line 3: expected entry 2, found entry 3"):
        read_log(path)


def test_the_entry_of_another_rater_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    write(path, SUBJECT, *THREE)
    path.write_text(path.read_text().replace('"rater": "AB", "utc"', '"rater": "CD", "utc"', 1))
    with pytest.raises(CorrectionsError, match="entry 1 is of CD, the log of AB"):
        read_log(path)


def test_a_log_belongs_to_one_video(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    append(path, SUBJECT, THREE[0])
    with pytest.raises(CorrectionsError, match="another video"):
        append(path, Subject("sub/a", "AB", "1" * 64, 1.0), THREE[1])
    with pytest.raises(CorrectionsError, match="does not follow"):
        append(path, SUBJECT, THREE[0])
    assert read_log(path).entries == THREE[:1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"kind": "spot"}, "kind is 'spot'"),
        ({"rater": "../AB"}, "rater is"),
        ({"entry": 0}, "no number"),
        ({"kind": "tap", "after": "soon"}, "after is 'soon'"),
        ({"kind": "tap", "after": True}, "after is True"),
        ({"kind": "tap", "after": 1.0, "closures_s": [2.0, 1.0]}, "must rise"),
        ({"kind": "task", "after": [2.0, 1.0]}, "must come after the start"),
        ({"kind": "task", "before": [1.0, 2.0]}, "no value after"),
        ({"kind": "tip", "after": [1.0, 2.0], "frame": -1, "keypoint": "thumb_tip"}, "frame is"),
        ({"kind": "tip", "after": [1.0, 2.0], "frame": 1, "keypoint": "wrist"}, "keypoint is"),
        ({"kind": "tip", "after": [1.0]}, "holds 1 numbers"),
        (
            {"kind": "span", "after": {"start_s": 1, "end_s": 2, "reason": " "}},
            "a reason is needed",
        ),
        ({"kind": "span", "after": 3}, "after is 3"),
        ({"kind": "recording"}, "neither before nor after"),
        ({"kind": "undo", "undone": 7}, "undone is 7"),
    ],
)
def test_what_is_no_entry_is_refused(content: dict[str, object], message: str) -> None:
    base = {"entry": 1, "rater": "AB", "utc": "2026-01-01T00:00:00+00:00", "kind": "sign"}
    with pytest.raises(CorrectionsError, match=message):
        entry_of(base | content)


@pytest.mark.parametrize("text", ["", "..", "a/b", "-x", "x" * 33, "a b", "é", None, "a\n"])
def test_ids_that_are_no_name_of_a_folder_are_refused(text: object) -> None:
    with pytest.raises(CorrectionsError, match="rater is"):
        rater_id(text)
