"""Results that are read from the disk when they are asked for."""

from pathlib import Path

import pytest

from tapscope.errors import OutputError
from tapscope.pipeline import cache
from tapscope.pipeline.cache import RecordingResult
from tapscope.pipeline.recordings import find_recordings
from tapscope.pipeline.stored_results import StoredResults
from tests.tapping import write_clip

ORIGIN = {"tapscope_version": "1", "weights": "w", "protocol": "p"}


def test_results_are_those_that_were_stored(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_clip(tmp_path / f"{name}.mp4")
    recordings = find_recordings([tmp_path])
    answer = RecordingResult("doubtful", "why", ("code",), {"tap_count": 7.25, "unit": "mm"})
    stored = {
        recording.name: cache.store(
            tmp_path, recording, answer, origin=ORIGIN, video_sha256=recording.name
        )
        for recording in recordings[:2]
    }
    results = StoredResults(tmp_path, recordings[:2])
    assert dict(results) == stored
    assert list(results) == ["a", "b"]
    assert "c" not in results
    assert results.get("c") is None


@pytest.mark.parametrize("content", [None, "{"])
def test_a_result_that_is_gone_or_damaged_is_an_error(tmp_path: Path, content: str | None) -> None:
    write_clip(tmp_path / "a.mp4")
    (recording,) = find_recordings([tmp_path])
    results = StoredResults(tmp_path, [recording])
    if content is not None:
        (tmp_path / "a.row.json").write_text(content)
    with pytest.raises(OutputError, match="the result of a is gone or damaged; run the same"):
        results["a"]
