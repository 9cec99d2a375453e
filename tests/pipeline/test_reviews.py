"""Which corrections are applied to which recording."""

from dataclasses import replace
from pathlib import Path

import pytest

from tapscope.corrections.log import Subject, log_path
from tapscope.errors import CorrectionsError
from tapscope.pipeline.cache import cache_key, video_sha256
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.reviews import with_corrections
from tests.corrections.made import entry, write

OUT = entry(1, "recording", after="sleeve over the hand")
SIGN = entry(1, "sign")
TASK = entry(1, "task", before=(1.0, 2.0), after=(1.0, 3.0))


@pytest.fixture
def recordings(tmp_path: Path) -> list[Recording]:
    found = []
    for name in ("a", "sub/b"):
        path = tmp_path / "videos" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        found.append(Recording(path, name, f"{name}.mp4"))
    return found


def reviewed(folder: Path, recording: Recording, rater: str, *entries: object) -> Path:
    path = log_path(folder, rater, recording.file_stem)
    digest = video_sha256(recording.path)
    slow_motion = recording.slow_motion or 1.0
    write(path, Subject(recording.name, rater, digest, slow_motion), *entries)  # type: ignore[arg-type]
    return path


def test_signed_corrections_are_applied_to_their_recording(
    tmp_path: Path, recordings: list[Recording]
) -> None:
    assert with_corrections(recordings, tmp_path, "") == (recordings, ())
    reviewed(tmp_path, recordings[1], "AB", TASK, SIGN)
    (first, second), notes = with_corrections(recordings, tmp_path, "")
    assert (first, notes) == (recordings[0], ())
    assert second.corrections is not None
    assert (second.corrections.task_s, second.corrections.rater) == ((1.0, 3.0), "AB")
    keys = [cache_key(each, {}, "0") for each in (recordings[1], second)]
    assert keys[0] != keys[1]
    assert cache_key(first, {}, "0") == cache_key(recordings[0], {}, "0")


def test_what_is_not_signed_is_not_applied(tmp_path: Path, recordings: list[Recording]) -> None:
    reviewed(tmp_path, recordings[0], "AB", SIGN, OUT)
    reviewed(tmp_path, recordings[1], "AB", OUT)
    (first, second), notes = with_corrections(recordings, tmp_path, "")
    assert first.corrections is not None
    assert (first.corrections.exclusion, first.corrections.count) == ("", 0)
    assert second.corrections is None
    assert len(notes) == 1
    assert "2 recordings are not signed and not applied" in notes[0]


def test_raters_who_differ_are_not_mixed(tmp_path: Path, recordings: list[Recording]) -> None:
    reviewed(tmp_path, recordings[0], "AB", OUT, SIGN)
    reviewed(tmp_path, recordings[0], "CD", SIGN)
    first = with_corrections(recordings, tmp_path, "")[0][0]
    assert first.corrections is None
    assert "AB and CD corrected this recording differently" in first.corrections_problem
    assert cache_key(first, {}, "0") != cache_key(recordings[0], {}, "0")
    for rater, exclusion in (("AB", "sleeve over the hand"), ("CD", "")):
        chosen = with_corrections(recordings, tmp_path, rater)[0][0]
        assert chosen.corrections is not None
        assert (chosen.corrections.rater, chosen.corrections.exclusion) == (rater, exclusion)
    reviewed(tmp_path, recordings[0], "CD", OUT, SIGN)
    both = with_corrections(recordings, tmp_path, "")[0][0]
    assert both.corrections is not None
    assert both.corrections.rater == "AB;CD"


def test_a_rater_who_corrected_nothing_cannot_be_chosen(
    tmp_path: Path, recordings: list[Recording]
) -> None:
    reviewed(tmp_path, recordings[0], "AB", OUT, SIGN)
    with pytest.raises(CorrectionsError, match=r"XY has corrected none .*; corrections are by AB"):
        with_corrections(recordings, tmp_path, "XY")


def test_corrections_of_another_video_are_not_applied(
    tmp_path: Path, recordings: list[Recording]
) -> None:
    reviewed(tmp_path, recordings[0], "AB", OUT, SIGN)
    slow = replace(recordings[0], slow_motion=4.0)
    said = with_corrections([slow], tmp_path, "")[0][0].corrections_problem
    assert "with the slow motion 1, now it is 4" in said
    recordings[0].path.write_bytes(b"another")
    first, second = with_corrections(recordings, tmp_path, "")[0]
    assert "another video of this name" in first.corrections_problem
    assert second == recordings[1]


def test_a_damaged_log_costs_only_its_own_row(tmp_path: Path, recordings: list[Recording]) -> None:
    path = reviewed(tmp_path, recordings[0], "AB", OUT, SIGN)
    path.write_text(path.read_text().replace('"entry": 1', '"entry": 7'))
    first, second = with_corrections(recordings, tmp_path, "")[0]
    assert "expected entry 1, found entry 7" in first.corrections_problem
    assert str(tmp_path) not in first.corrections_problem
    assert second == recordings[1]
