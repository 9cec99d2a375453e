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
_TRACE = ".error.txt"


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
    """Content of the keypoints file."""
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
    return {
        **origin,
        "video_sha256": video_sha256,
        "hand": recording.hand,
        "px_per_mm": str(recording.px_per_mm or ""),
        "metronome_rate_hz": str(recording.metronome_rate_hz or ""),
        "slow_motion": str(recording.slow_motion or ""),
    }


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
    try:
        content = json.loads(_file(folder, recording, _ROW).read_bytes())
        cached = CachedResult(**content)
        digest = cached.cache_key["video_sha256"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        return None  # damaged: the recording is analysed again and the file replaced
    if cached.retry or cached.cache_key != cache_key(recording, origin, digest):
        return None
    for ending, content_sha256 in cached.files.items():
        file = _file(folder, recording, ending)
        if not file.is_file() or sha256_of(file) != content_sha256:
            return None
    return cached if video_sha256(recording.path) == digest else None


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
    for ending in (_TRACKS, _TAPS, _BOUTS, _TRACE):
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
