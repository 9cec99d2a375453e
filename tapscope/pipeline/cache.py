"""What is kept of one recording on disk, and whether it is still good.

Beside `features.csv` lies a folder `features.tapscope`. In it, for each recording, are the tracks,
taps and bouts and, written last, `<name>.row.json`: its row of the table and what it was made from.
A row that is there is therefore complete, whatever happened afterwards.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from tapscope.errors import OutputError, VideoError
from tapscope.files import sha256_of
from tapscope.output import columns
from tapscope.output.table import Cell, json_bytes, write_result
from tapscope.pipeline.recordings import Recording

Status = Literal["ok", "doubtful", "failed"]

_ROW, _TRACKS, _TAPS, _BOUTS = ".row.json", ".tracks.csv", ".taps.csv", ".bouts.csv"
_TRACE = ".error.txt"


@dataclass(frozen=True, slots=True)
class RecordingResult:
    """What the analysis of one recording gives."""

    status: Status
    reason: str
    """Why it is not ok, in words; '' where it is."""
    codes: tuple[str, ...] = ()
    """Everything noticed, for programs."""
    measures: Mapping[str, Cell] = field(default_factory=dict)
    """Features and quality by column; what is not there is unknown."""
    tracks: bytes | None = None
    """Content of the tracks file."""
    taps: bytes | None = None
    """Content of the taps file."""
    bouts: bytes | None = None
    """Content of the bouts file."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """How it was made: engine, reader, how the hand was chosen ..."""
    frames: int = 0
    """Frames decoded."""
    retry: bool = False
    """The failure need not happen again: another run tries once more."""
    trace: str = ""
    """Where an unexpected error came from."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A result as it lies on disk."""

    made_from: Mapping[str, str]
    """Everything the measures depend on."""
    cells: Mapping[str, Cell]
    """Status, measures and origin by column; who and when is not measured, see `row_of`."""
    facts: Mapping[str, str]
    files: Mapping[str, str]
    """SHA-256 of each file that belongs to it, by ending."""
    frames: int
    retry: bool


def folder_of(out: Path) -> Path:
    """Return the folder of results that belongs to a table."""
    return out.with_suffix(".tapscope")


def made_from(recording: Recording, origin: Mapping[str, str], video_sha256: str) -> dict[str, str]:
    """Return everything that the measures of a recording depend on.

    Parameters
    ----------
    origin
        What is common to a run: version, weights, protocol, device.
    """
    return {
        **origin,
        "video_sha256": video_sha256,
        "hand": recording.hand,
        "px_per_mm": str(recording.px_per_mm or ""),
        "metronome_rate_hz": str(recording.metronome_rate_hz or ""),
    }


def keep(
    folder: Path,
    recording: Recording,
    result: RecordingResult,
    *,
    origin: Mapping[str, str],
    video_sha256: str,
) -> Kept:
    """Write the files of one recording, the row last; return what was kept.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    contents = {
        _TRACKS: result.tracks,
        _TAPS: result.taps,
        _BOUTS: result.bouts,
        _TRACE: result.trace.encode() if result.trace else None,
    }
    for ending, content in contents.items():
        file = _file(folder, recording, ending)
        if content is None:
            _remove(file)  # left by an earlier run that went better or worse
        else:
            write_result(file, content)
    kept = Kept(
        made_from=made_from(recording, origin, video_sha256),
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
    write_result(_file(folder, recording, _ROW), json_bytes(asdict(kept)))
    return kept


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as problem:
        raise OutputError(f"{file}: cannot be removed ({problem.strerror})") from problem


def row_of(recording: Recording, kept: Kept) -> dict[str, Cell]:
    """Return a recording's row of the table; unknown cells are left out or None."""
    described: dict[str, Cell] = {
        "recording": recording.name,
        "video": recording.video,
        "participant_id": recording.participant_id,
        "session_id": recording.session_id,
        "hand": recording.hand,
        "hand_source": recording.hand_source,
        "trial": recording.trial,
    }
    return described | dict(kept.cells) | dict(recording.extra or {})


def load_kept(folder: Path, recording: Recording, origin: Mapping[str, str]) -> Kept | None:
    """Return the result kept of a recording if it is what a new run would give, else None.

    The video is hashed only when everything else fits. A row file that is damaged counts as none.
    """
    try:
        content = json.loads(_file(folder, recording, _ROW).read_bytes())
        kept = Kept(**content)
        digest = kept.made_from["video_sha256"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        return None  # cannot be trusted: the recording is done again and the file replaced
    if kept.retry or kept.made_from != made_from(recording, origin, digest):
        return None
    for ending, content_sha256 in kept.files.items():
        file = _file(folder, recording, ending)
        if not file.is_file() or sha256_of(file) != content_sha256:
            return None
    return kept if video_sha256(recording.path) == digest else None


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
    """Return the name of the file that says where an unexpected error came from."""
    return recording.file_stem + _TRACE


def _file(folder: Path, recording: Recording, ending: str) -> Path:
    return folder / (recording.file_stem + ending)
