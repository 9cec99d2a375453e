"""What a review is about: the table, its recordings and their videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tapscope.corrections.log import Subject
from tapscope.errors import CorrectionsError, ProtocolError, TapscopeError, VideoError
from tapscope.files import read_json
from tapscope.pipeline.cache import (
    CachedResult,
    folder_of,
    holds_tracking,
    read_result,
    tracking_file,
    video_sha256,
)
from tapscope.pipeline.recordings import Recording, find_recordings
from tapscope.pipeline.result_reader import VideoRow, read_features
from tapscope.pipeline.tracking import Tracking, read_tracking
from tapscope.protocol.protocol import Protocol, load

AGAIN: Final = "run 'tapscope analyze' again"


@dataclass(frozen=True, slots=True)
class Item:
    """One recording of the table."""

    row: VideoRow
    recording: Recording
    """Its path is that of the video, where it was found."""
    cached: CachedResult | None
    problem: str
    """Why it cannot be reviewed; '' if it can."""
    video_problem: str
    """Why no picture can be shown; '' if one can."""

    @property
    def subject_digest(self) -> str:
        """Return the hash of the video that was analysed."""
        return "" if self.cached is None else self.cached.cache_key["video_sha256"]

    def subject(self, rater: str) -> Subject:
        """Return what a rater's log of this recording is about."""
        slow_motion = self.recording.slow_motion or 1.0
        return Subject(self.recording.name, rater, self.subject_digest, slow_motion)


@dataclass(frozen=True, slots=True)
class Study:
    """A table that `tapscope analyze` wrote, with what lies beside it."""

    table: Path
    protocol: Protocol
    items: tuple[Item, ...]

    @property
    def folder(self) -> Path:
        """Return the folder of results."""
        return folder_of(self.table)

    def tracking(self, item: Item) -> Tracking:
        """Read the keypoints of a recording.

        Raises
        ------
        CorrectionsError
            It cannot be reviewed.
        """
        if item.problem:
            raise CorrectionsError(f"{item.recording.name}: {item.problem}")
        return read_tracking(tracking_file(self.folder, item.recording), item.recording.path)


def open_study(table: Path, videos: Sequence[Path] = ()) -> Study:
    """Read a table and find its videos.

    Parameters
    ----------
    table
        What `tapscope analyze` wrote.
    videos
        Where the videos are now; by default where they were analysed.

    Raises
    ------
    TapscopeError
        The table or its record is missing or damaged, the protocol has changed, or a path of
        `videos` does not exist.
    """
    rows = read_features(table).rows
    folder = folder_of(table)
    record = _record(folder / "run.json")
    paths = _video_paths(record, videos)
    items = tuple(_item(folder, row, paths) for row in rows)
    return Study(table, _protocol(record, folder / "run.json"), items)


def _record(path: Path) -> Mapping[str, Any]:
    content = read_json(path, CorrectionsError)
    if not isinstance(content, dict) or not {"options", "protocol"} <= set(content):
        raise CorrectionsError(f"{path}: is no record of 'tapscope analyze'; {AGAIN}")
    return content


def _protocol(record: Mapping[str, Any], path: Path) -> Protocol:
    named, used = record["options"].get("protocol", ""), record["protocol"].get("sha256")
    try:
        protocol = load(named)
    except ProtocolError as problem:
        raise CorrectionsError(f"{path}: {problem}; {AGAIN}") from problem
    if protocol.content_hash != used:
        raise CorrectionsError(
            f"{path}: the protocol {named} has changed since the table was made; {AGAIN}"
        )
    return protocol


def _video_paths(record: Mapping[str, Any], videos: Sequence[Path]) -> dict[str, Path]:
    """Return the path of each video by the name of its recording."""
    recursive = bool(record["options"].get("recursive", True))
    if videos:
        return {r.name: r.path for r in find_recordings(videos, recursive=recursive)}
    found: dict[str, Path] = {}
    try:
        before = [Path(path) for path in record["options"].get("videos", [])]
        found = {r.name: r.path for r in find_recordings(before, recursive=recursive)}
    except VideoError:
        pass  # the videos have moved: each recording says so
    return found


def _item(folder: Path, row: VideoRow, paths: Mapping[str, Path]) -> Item:
    path = paths.get(row.recording)
    recording = Recording(path or Path(row.video), row.recording, row.video)
    cached = read_result(folder, recording)
    if cached is None or not holds_tracking(folder, recording, cached):
        why = row.reason if row.status == "failed" and row.reason else f"no keypoints; {AGAIN}"
        return Item(row, recording, cached, why, "")
    key = cached.cache_key
    recording = replace(
        recording,
        hand=key["hand"],
        px_per_mm=_number(key["px_per_mm"]),
        metronome_rate_hz=_number(key["metronome_rate_hz"]),
        slow_motion=_number(key["slow_motion"]),
    )
    missing = "" if path else "the video was not found; give its folder with --videos"
    return Item(row, recording, cached, "", missing)


def _number(text: str) -> float | None:
    return float(text) if text else None


def check_video(item: Item) -> str:
    """Return why the pictures of a recording cannot be shown, '' if they can; reads the video."""
    if item.video_problem:
        return item.video_problem
    try:
        digest = video_sha256(item.recording.path)
    except TapscopeError as problem:
        return str(problem)
    if digest != item.subject_digest:
        return f"the video of this name is not the one that was analysed; {AGAIN}"
    return ""
