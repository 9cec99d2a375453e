"""Tests of the manifest."""

from pathlib import Path

import pytest

from tapscope.errors import ManifestError, OutputError
from tapscope.pipeline.manifest import draft_manifest, read_manifest
from tapscope.pipeline.recordings import Recording, find_recordings

RECORDINGS = [
    Recording(Path("videos/a.mp4"), "a", "a.mp4"),
    Recording(Path("videos/sub/b.mov"), "sub/b", "sub/b.mov"),
]


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "manifest.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_cells_are_read(tmp_path: Path, delimiter: str, mark: str) -> None:
    text = f"{mark}recording,participant_id,hand,px_per_mm,group\na,P1,left,2.5,PD\nsub/b,P2,,,\n\n"
    found = read_manifest(written(tmp_path, text.replace(",", delimiter)), RECORDINGS)
    assert found.rows == {
        "a": {"participant_id": "P1", "hand": "left", "px_per_mm": "2.5", "group": "PD"},
        "sub/b": {"participant_id": "P2"},
    }
    assert found.extra_columns == ("group",)
    assert found.unmatched == ()


def test_videos_are_found_by_path(tmp_path: Path) -> None:
    inside = Recording(tmp_path / "films" / "c.mp4", "c", "c.mp4")
    text = 'video,trial\nfilms/c.mp4,1\nsub/b.mov,2\n"gone, away.mp4",3\n'
    found = read_manifest(written(tmp_path, text), [*RECORDINGS, inside])
    assert found.rows == {"c": {"trial": "1"}, "sub/b": {"trial": "2"}}
    assert found.unmatched == ("gone, away.mp4",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("participant_id\nP1\n", "a column called recording or video is needed"),
        ("recording,hand\na,both\n", "line 2: hand is 'both'"),
        ("recording,px_per_mm\na,-1\n", "px_per_mm is '-1'; write a number over 0"),
        ("recording,metronome_rate_hz\na,fast\n", "metronome_rate_hz is 'fast'"),
        ("recording,trial\na,1\na,2\n", "line 3: a second row for 'a'"),
        ("recording,trial\n,1\n", "line 2: the cells recording and video are empty"),
        ("recording,trial\na,1,2\n", "line 2: 3 cells under 2 columns"),
        ("recording,trial,trial\na,1,2\n", "two columns called 'trial'"),
        ("recording,status\na,ok\n", "'status' has the name of a column that tapscope writes"),
        (b"recording\n\xff\n", "is not UTF-8"),
        (b"video\na\0.mp4\n", "is no text"),
        ('recording\n"a\n', "is not CSV"),
    ],
)
def test_problems_are_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read_manifest(written(tmp_path, text), RECORDINGS, reserved=["status"])


def test_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path / "absent.csv", RECORDINGS)


def test_a_draft_holds_what_the_names_say_and_is_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("P07_left_1.mp4", "FT.mp4"):
        (folder / name).write_bytes(b"x")
    path = tmp_path / "manifest.csv"
    assert draft_manifest(path, [folder], protocol="mds-updrs-3.4") == 2
    found = find_recordings([folder])
    rows = read_manifest(path, found).rows
    assert rows == {"FT": {}, "P07_left_1": {"participant_id": "P07", "hand": "left"}}
    with pytest.raises(OutputError, match="may have been filled in"):
        draft_manifest(path, [folder], protocol="mds-updrs-3.4")
