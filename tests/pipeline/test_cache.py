"""The files of a recording."""

from pathlib import Path

from tapscope.output.columns import ORIGIN
from tapscope.pipeline.cache import RecordingResult, store
from tapscope.pipeline.recordings import Recording

RECORDING = Recording(Path("a.mp4"), "a", "a.mp4")


def test_bouts_lie_beside_taps_and_tracks_and_go_when_there_are_none(tmp_path: Path) -> None:
    origin = dict.fromkeys(ORIGIN, "x")
    found = RecordingResult("ok", "", tracks=b"t", taps=b"p", bouts=b"bout\n1\n")
    stored = store(tmp_path, RECORDING, found, origin=origin, video_sha256="0")
    assert (tmp_path / "a.bouts.csv").read_bytes() == b"bout\n1\n"
    assert ".bouts.csv" in stored.files
    failed = RecordingResult("failed", "cannot be read")
    store(tmp_path, RECORDING, failed, origin=origin, video_sha256="0")
    assert not (tmp_path / "a.bouts.csv").exists()
