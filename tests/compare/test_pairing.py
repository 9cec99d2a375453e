"""Recordings find their sensor logs, and what is ambiguous is refused."""

import pytest

from tapscope.compare.pairing import Candidate, Identity, Unpaired, pair
from tapscope.errors import ComparisonError


def named(
    name: str, participant: str = "", session: str = "", hand: str = "", trial: str = ""
) -> Candidate:
    return Candidate(name, Identity(participant, session, hand, trial))


def test_every_known_part_has_to_agree() -> None:
    left = Identity("01", "1", "left", "2")
    assert left.fits(Identity("01", "1", "left", "2"))
    assert not left.fits(Identity("02", "1", "left", "2"))
    assert not left.fits(Identity("01", "2", "left", "2"))
    assert not left.fits(Identity("01", "1", "right", "2"))
    assert not left.fits(Identity("01", "1", "left", "3"))


def test_unknown_parts_fit_and_numbers_are_numbers() -> None:
    assert Identity("01", hand="left", trial="01").fits(Identity("1", "2", "Left", "1"))
    assert Identity("P0").fits(Identity("p0"))
    assert not Identity("0").fits(Identity("1"))


def test_unknown_participants_fit_nobody() -> None:
    assert not Identity(hand="left").fits(Identity(hand="left"))
    assert not Identity("01").fits(Identity())


def test_pairs_by_name_and_lists_who_stays_alone() -> None:
    found = pair(
        [named("a", "1", hand="left"), named("b", "1", hand="right"), named("c", "2")],
        [named("x.csv", "1", hand="right"), named("y.csv", "1", hand="left"), named("z.csv", "9")],
    )
    assert found.sensor_files == {"a": ("y.csv",), "b": ("x.csv",)}
    assert [each.name for each in found.unpaired_recordings] == ["c"]
    assert "participant, session, hand and trial" in found.unpaired_recordings[0].reason
    assert found.unpaired_logs == (Unpaired("z.csv", "no recording fits it"),)


def test_names_without_participant_go_by_the_whole_name() -> None:
    found = pair([named("day1/tap a")], [named("day1/tap a.csv"), named("tap a.csv")])
    assert found.sensor_files == {"day1/tap a": ("day1/tap a.csv",)}
    assert pair([named("a.b/c")], [named("a.b/c")]).sensor_files == {"a.b/c": ("a.b/c",)}


def test_two_logs_for_one_recording_are_refused_by_name() -> None:
    with pytest.raises(ComparisonError, match=r"first\.csv and second\.csv both fit"):
        pair([named("a", "1")], [named("first.csv", "1"), named("second.csv", "1")])


def test_two_recordings_for_one_log_are_refused_by_name() -> None:
    with pytest.raises(ComparisonError, match="recordings a and b both fit"):
        pair([named("a", "1", trial="1"), named("b", "1", trial="2")], [named("x.csv", "1")])


def test_a_manifest_goes_before_names() -> None:
    recordings = [named("a", "1"), named("b", "2"), named("c", "3"), named("d", "4")]
    sensors = [named("x.csv", "1"), named("y.csv", "2"), named("z.csv", "3")]
    found = pair(recordings, sensors, {"a": "y.csv", "b": "x.csv; z.csv", "c": "lost.csv"})
    assert found.sensor_files == {"a": ("y.csv",), "b": ("x.csv", "z.csv")}
    assert found.unpaired_recordings == (
        Unpaired("c", "the manifest names lost.csv, which is not there"),
        Unpaired("d", "the manifest names no sensor log for it"),
    )
    assert found.unpaired_logs == ()


def test_a_manifest_may_not_give_a_log_twice() -> None:
    with pytest.raises(ComparisonError, match="gives this sensor log to a and to b"):
        pair([named("a"), named("b")], [named("x.csv")], {"a": "x.csv", "b": "x.csv"})


def test_a_log_that_the_manifest_leaves_out_is_listed() -> None:
    found = pair([named("a")], [named("x.csv"), named("y.csv")], {"a": "x.csv"})
    assert found.unpaired_logs == (Unpaired("y.csv", "the manifest does not name it"),)
