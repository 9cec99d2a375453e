"""Results of single recordings on disk, and whether a new run would give the same.

The folder `features.tapscope` beside `features.csv` holds the tracks, taps, bouts and keypoints of
each recording and `<name>.row.json`: its row of the table and the cache key, which is everything
that the row depends on. The row is written last, so that a recording with a row is complete.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from tapscope.errors import OutputError, VideoError
from tapscope.files import read_json, sha256_of
from tapscope.output import columns
from tapscope.output.table import Cell, json_bytes, write_result
from tapscope.pipeline.recordings import Recording

Status = Literal["ok", "doubtful", "failed"]

_ROW, _TRACKS, _TAPS, _BOUTS = ".row.json", ".tracks.csv", ".taps.csv", ".bouts.csv"
_KEYPOINTS = ".keypoints.csv"
_TRACE, _TRACKING = ".error.txt", ".tracking.npz"
_OF_TRACKING = (
    *("tapscope_version", "weights", "device", "decoder"),
    *("video_sha256", "hand", "slow_motion"),
)
"""What the keypoints in the tracking file of a recording depend on, by key of `cache_key`."""


@dataclass(frozen=True, slots=True)
class RecordingResult:
    """Result of the analysis of one recording."""

    status: Status
    reason: str
    """Why it is not ok, in words; '' if it is."""
    codes: tuple[str, ...] = ()
    """Code of each problem found, for programs."""
    measures: Mapping[str, Cell] = field(default_factory=dict)
    """Features and quality by column; missing columns are unknown."""
    tracks: bytes | None = None
    """Content of the tracks file."""
    taps: bytes | None = None
    """Content of the taps file."""
    bouts: bytes | None = None
    """Content of the bouts file."""
    keypoints: bytes | None = None
    """Content of the file of all keypoints."""
    tracking: bytes | None = None
    """Content of the tracking file, from which the recording can be measured again."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """How the result was obtained: engine, decoder, how the hand was chosen ..."""
    frames: int = 0
    """Frames decoded."""
    retry: bool = False
    """Whether the next run tries again, because the failure may be gone."""
    trace: str = ""
    """Traceback of an unexpected error."""


@dataclass(frozen=True, slots=True)
class CachedResult:
    """A result as stored on disk."""

    cache_key: Mapping[str, str]
    """Everything that the measures depend on; see `cache_key`."""
    cells: Mapping[str, Cell]
    """Status, measures and origin by column; `row_of` adds participant, session, trial and hand."""
    facts: Mapping[str, str]
    files: Mapping[str, str]
    """SHA-256 of each file of this recording, by ending."""
    frames: int
    retry: bool


def folder_of(out: Path) -> Path:
    """Return the folder of results of a table."""
    return out.with_suffix(".tapscope")


def cache_key(recording: Recording, origin: Mapping[str, str], video_sha256: str) -> dict[str, str]:
    """Return everything that the measures of a recording depend on.

    Parameters
    ----------
    origin
        What all recordings of a run have in common: version, weights, protocol, device, decoder.
    """
    key = {
        **origin,
        "video_sha256": video_sha256,
        "hand": recording.hand,
        "px_per_mm": str(recording.px_per_mm or ""),
        "metronome_rate_hz": str(recording.metronome_rate_hz or ""),
        "slow_motion": str(recording.slow_motion or ""),
    }
    if recording.corrections:
        key["corrections"] = recording.corrections.digest
    elif recording.corrections_problem:
        key["corrections"] = recording.corrections_problem
    return key


def store(
    folder: Path,
    recording: Recording,
    result: RecordingResult,
    *,
    origin: Mapping[str, str],
    video_sha256: str,
) -> CachedResult:
    """Write the files of one recording, the row last; return what was stored.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    contents = {
        _TRACKS: result.tracks,
        _TAPS: result.taps,
        _BOUTS: result.bouts,
        _KEYPOINTS: result.keypoints,
        _TRACKING: result.tracking,
        _TRACE: result.trace.encode() if result.trace else None,
    }
    for ending, content in contents.items():
        file = _file(folder, recording, ending)
        if content is None:
            _remove(file)  # left by an earlier run with another outcome
        else:
            write_result(file, content)
    cached = CachedResult(
        cache_key=cache_key(recording, origin, video_sha256),
        cells={
            "status": result.status,
            "reason": result.reason,
            **result.measures,
            "flags": ";".join(result.codes),
            **{name: origin[name] for name in columns.ORIGIN},
        },
        facts=dict(result.facts),
        files={
            ending: sha256_of(_file(folder, recording, ending))
            for ending, content in contents.items()
            if content is not None
        },
        frames=result.frames,
        retry=result.retry,
    )
    write_result(_file(folder, recording, _ROW), json_bytes(asdict(cached)))
    return cached


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as problem:
        raise OutputError(f"{file}: cannot be removed ({problem.strerror})") from problem


def row_of(recording: Recording, cached: CachedResult) -> dict[str, Cell]:
    """Return the table row of a recording; unknown cells are missing or None."""
    described: dict[str, Cell] = {
        "recording": recording.name,
        "video": recording.video,
        "participant_id": recording.participant_id,
        "session_id": recording.session_id,
        "hand": recording.hand,
        "hand_source": recording.hand_source,
        "trial": recording.trial,
    }
    cells = dict(cached.cells)
    cells["speed_unit"] = columns.speed_unit(str(cells.get("unit") or ""))
    if recording.name_hand not in ("", recording.hand):
        # not stored: it says nothing about the measurement
        cells["flags"] = ";".join(filter(None, [str(cells["flags"]), "hand_contradicts_name"]))
    return described | cells | dict(recording.extra or {})


def load_cached(
    folder: Path, recording: Recording, origin: Mapping[str, str]
) -> CachedResult | None:
    """Return the stored result of a recording if a new run would give the same, else None.

    The video is hashed only if everything else agrees. A damaged row file counts as missing.
    """
    cached = read_result(folder, recording)
    if cached is None or cached.retry:
        return None
    digest = cached.cache_key["video_sha256"]
    if cached.cache_key != cache_key(recording, origin, digest):
        return None
    if not all(_is_unchanged(folder, recording, cached, ending) for ending in cached.files):
        return None
    return cached if video_sha256(recording.path) == digest else None


def read_result(folder: Path, recording: Recording) -> CachedResult | None:
    """Return what is stored of a recording; None where there is nothing, or it is damaged."""
    try:
        content = json.loads(_file(folder, recording, _ROW).read_bytes())
        cached = CachedResult(**content)
        return cached if "video_sha256" in cached.cache_key else None
    except (OSError, ValueError, TypeError):
        return None  # the recording is analysed again and the file replaced


def has_tracking(folder: Path, recording: Recording, origin: Mapping[str, str]) -> bool:
    """Return whether an earlier run has left the keypoints that a new run would find.

    Raises
    ------
    VideoError
        The video cannot be read.
    """
    cached = read_result(folder, recording)
    if cached is None or cached.retry:
        return False
    digest = cached.cache_key["video_sha256"]
    wanted = cache_key(recording, origin, digest)
    return (
        all(cached.cache_key.get(name) == wanted.get(name) for name in _OF_TRACKING)
        and cached.facts.get("hand_source", "") == recording.hand_source
        and holds_tracking(folder, recording, cached)
        and video_sha256(recording.path) == digest
    )


def holds_tracking(folder: Path, recording: Recording, cached: CachedResult) -> bool:
    """Return whether the tracking file of a stored result is there and unchanged."""
    return _TRACKING in cached.files and _is_unchanged(folder, recording, cached, _TRACKING)


def tracking_file(folder: Path, recording: Recording) -> Path:
    """Return the path of the tracking file of a recording."""
    return _file(folder, recording, _TRACKING)


def _is_unchanged(folder: Path, recording: Recording, cached: CachedResult, ending: str) -> bool:
    file = _file(folder, recording, ending)
    return file.is_file() and sha256_of(file) == cached.files[ending]


def copy(recording: Recording, source: Path, folder: Path) -> CachedResult:
    """Copy the files of one recording to another folder of results, the row last.

    Parameters
    ----------
    recording
        Only its name is used.
    source, folder
        Folders of results.

    Raises
    ------
    OutputError
        A file is missing or damaged, or cannot be written.
    """
    row = _file(source, recording, _ROW)
    try:
        cached = CachedResult(**read_json(row, OutputError))
    except TypeError as problem:
        raise OutputError(f"{row}: is damaged; analyse the recording again") from problem
    for ending in (_TRACKS, _TAPS, _BOUTS, _KEYPOINTS, _TRACKING, _TRACE):
        file, target = _file(source, recording, ending), _file(folder, recording, ending)
        if ending not in cached.files:
            _remove(target)
            continue
        try:
            content = file.read_bytes()
        except OSError as problem:
            raise OutputError(
                f"{file}: cannot be read ({problem.strerror}); analyse the recording again"
            ) from problem
        if hashlib.sha256(content).hexdigest() != cached.files[ending]:
            raise OutputError(f"{file}: is damaged; analyse the recording again")
        write_result(target, content)
    write_result(_file(folder, recording, _ROW), json_bytes(asdict(cached)))
    return cached


def video_sha256(path: Path) -> str:
    """Return the SHA-256 of a video.

    Raises
    ------
    VideoError
        It cannot be read.
    """
    try:
        return sha256_of(path)
    except OSError as problem:
        raise VideoError(f"{path}: cannot be read ({problem.strerror})") from problem


def trace_name(recording: Recording) -> str:
    """Return the name of the file with the traceback of an unexpected error."""
    return recording.file_stem + _TRACE


def _file(folder: Path, recording: Recording, ending: str) -> Path:
    return folder / (recording.file_stem + ending)
