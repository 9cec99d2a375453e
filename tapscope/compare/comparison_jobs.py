"""From names and manifests to jobs: which logs there are, whose they are, what is told of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Final

from tapscope.compare.alignment import ClockRule
from tapscope.compare.pairing import Identity, Named, Pairing, pair
from tapscope.compare.recording_comparison import Job
from tapscope.compare.video_tables import VideoRow, VideoTable
from tapscope.errors import ComparisonError
from tapscope.pipeline.manifest import Manifest
from tapscope.protocol.protocol import Protocol

SENSOR_FILE: Final = "sensor_file"
"""Column of a manifest that names the sensor log of a recording."""
NAME_PARTS: Final = ("participant_id", "session_id", "hand", "trial")
CLOCK_COLUMNS: Final = ("offset_s", "sync_video_s", "sync_sensor_s")
"""Columns of a manifest that relate the clocks of one recording."""
_NOT_LOGS: Final = ("_channels.tsv", "_events.tsv", "_scans.tsv", "participants.tsv")
_LOG_ENDINGS: Final = (".csv", ".tsv", ".txt", ".mat", ".c3d", ".xdf", ".xdfz", ".h5", ".hdf5")


def find_logs(folder: Path) -> list[str]:
    """Return the files of a folder, and of folders in it, that may be sensor logs; sorted.

    Raises
    ------
    ComparisonError
        There is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise ComparisonError(f"{folder}: there is no such folder of sensor logs")
    found = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix.lower() in _LOG_ENDINGS
        and not path.name.startswith(".")
        and not path.name.endswith(_NOT_LOGS)
    )
    if not found:
        raise ComparisonError(
            f"{folder}: holds no sensor log (files ending in {', '.join(_LOG_ENDINGS)})"
        )
    return found


def paired(
    table: VideoTable, manifest: Manifest, logs: Sequence[str], protocol: Protocol
) -> Pairing:
    """Join the rows of a table with sensor logs, by the manifest where it names logs.

    Raises
    ------
    ComparisonError
        What belongs together is ambiguous; see `pair`.
    """
    recordings = [
        Named(row.recording, _identity(row, manifest.rows.get(row.recording, {})))
        for row in table.rows
    ]
    sensors = [Named(log, Identity.of(_parts(log, protocol))) for log in logs]
    told = None
    if SENSOR_FILE in manifest.extra_columns:
        told = {name: cells.get(SENSOR_FILE, "") for name, cells in manifest.rows.items()}
    return pair(recordings, sensors, told)


def _parts(log: str, protocol: Protocol) -> dict[str, str]:
    """Return what the name of a log says, or of its folder where the file's own says nobody."""
    path = PurePosixPath(log)
    said = protocol.parse_name(path.stem)
    if not said.participant_id:
        said = protocol.parse_name(path.parent.name)
    return asdict(said)


def _identity(row: VideoRow, told: Mapping[str, str]) -> Identity:
    known = {name: row.cells.get(name, "") for name in NAME_PARTS}
    return Identity.of({**known, **{k: v for k, v in told.items() if k in NAME_PARTS}})


def job_of(
    row: VideoRow,
    files: tuple[str, ...],
    told: Mapping[str, str],
    extra: Sequence[str],
    clock: ClockRule,
) -> Job:
    """Return what is to be compared of one recording.

    Parameters
    ----------
    told
        What the manifest says of it; it goes before the table.
    extra
        Columns of the table that describe recordings.
    clock
        How clocks are related where the manifest says nothing.

    Raises
    ------
    ComparisonError
        The manifest's clock columns hold no numbers, or half a cue.
    """
    own = {*NAME_PARTS, SENSOR_FILE, *CLOCK_COLUMNS}
    described = {name: row.cells.get(name, "") for name in extra}
    described |= {name: cell for name, cell in told.items() if name not in own}
    return Job(
        row=row,
        sensor_files=files,
        clock=_clock(row.recording, told, clock),
        strata=described,
        participant_id=told.get("participant_id", row.identity.participant_id),
    )


def _clock(recording: str, told: Mapping[str, str], common: ClockRule) -> ClockRule:
    """Return what the manifest says of a recording's clocks, else what is said of all."""
    numbers = {
        column: _seconds(recording, column, told[column])
        for column in CLOCK_COLUMNS
        if column in told
    }
    if not common.align or not numbers:
        return common
    if {"sync_video_s", "sync_sensor_s"} <= set(numbers):
        return ClockRule(cues=((numbers["sync_video_s"], numbers["sync_sensor_s"]),))
    if "offset_s" in numbers and len(numbers) == 1:
        return ClockRule(rough_offset_s=numbers["offset_s"], within_s=common.within_s)
    raise ComparisonError(
        f"manifest: {recording!r} has one of sync_video_s and sync_sensor_s; both are needed"
    )


def _seconds(recording: str, column: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ComparisonError(f"manifest: {column} of {recording!r} is {text!r}; write seconds")
    return seconds
