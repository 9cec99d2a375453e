"""One job for each recording: its row of the table, its sensor logs and the manifest's facts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from tapscope.compare.alignment import ClockRule
from tapscope.compare.pairing import Candidate, Identity, Pairing, pair
from tapscope.errors import ComparisonError
from tapscope.pipeline.manifest import Manifest
from tapscope.pipeline.result_reader import VideoRow, VideoTable
from tapscope.protocol.protocol import Protocol

SENSOR_FILE: Final = "sensor_file"
"""Column of a manifest that names the sensor log of a recording."""
NAME_PARTS: Final = ("participant_id", "session_id", "hand", "trial")
CLOCK_COLUMNS: Final = ("offset_s", "sync_video_s", "sync_sensor_s")
"""Columns of a manifest that relate the clocks of one recording."""
_NOT_LOGS: Final = ("_channels.tsv", "_events.tsv", "_scans.tsv", "participants.tsv")
_LOG_ENDINGS: Final = (".csv", ".tsv", ".txt", ".mat", ".c3d", ".xdf", ".xdfz", ".h5", ".hdf5")


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that is needed to compare one recording."""

    row: VideoRow
    sensor_files: tuple[str, ...]
    clock: ClockRule
    strata: Mapping[str, str]
    """Columns of the manifests that describe the recording."""
    participant_id: str


def find_logs(folder: Path) -> list[str]:
    """Return the files of a folder and its subfolders that may be sensor logs, sorted.

    Raises
    ------
    ComparisonError
        There is no such folder, or no such file in it.
    """
    if not folder.is_dir():
        raise ComparisonError(
            f"{folder}: no such folder; give the folder of the sensor logs with --sensor"
        )
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
            f"{folder}: holds no sensor log; expected files ending in {', '.join(_LOG_ENDINGS)}"
        )
    return found


def pair_with_logs(
    table: VideoTable, manifest: Manifest, logs: Sequence[str], protocol: Protocol
) -> Pairing:
    """Pair the rows of a table with sensor logs: by the manifest where it names logs, else by name.

    Raises
    ------
    ComparisonError
        More than one pairing is possible; see `pair`.
    """
    recordings = [
        Candidate(row.recording, _identity(row, manifest.rows.get(row.recording, {})))
        for row in table.rows
    ]
    sensors = [Candidate(log, Identity.of(_parts(log, protocol))) for log in logs]
    sensor_files = None
    if SENSOR_FILE in manifest.extra_columns:
        sensor_files = {name: cells.get(SENSOR_FILE, "") for name, cells in manifest.rows.items()}
    return pair(recordings, sensors, sensor_files)


def _parts(log: str, protocol: Protocol) -> dict[str, str]:
    """Return the parts of a log's file name, or of its folder's where that names no participant."""
    path = PurePosixPath(log)
    parts = protocol.parse_name(path.stem)
    if not parts.participant_id:
        parts = protocol.parse_name(path.parent.name)
    return asdict(parts)


def _identity(row: VideoRow, manifest_row: Mapping[str, str]) -> Identity:
    known = {name: row.cells.get(name, "") for name in NAME_PARTS}
    return Identity.of({**known, **{k: v for k, v in manifest_row.items() if k in NAME_PARTS}})


def make_job(
    row: VideoRow,
    files: tuple[str, ...],
    manifest_row: Mapping[str, str],
    extra: Sequence[str],
    clock: ClockRule,
) -> Job:
    """Return the job of one recording.

    Parameters
    ----------
    manifest_row
        The recording's cells in the manifest; they override the table.
    extra
        Columns of the table that describe recordings.
    clock
        How to relate the clocks where the manifest does not say.

    Raises
    ------
    ComparisonError
        A clock column of the manifest holds no number, or one of two cue columns is empty.
    """
    own = {*NAME_PARTS, SENSOR_FILE, *CLOCK_COLUMNS}
    described = {name: row.cells.get(name, "") for name in extra}
    described |= {name: cell for name, cell in manifest_row.items() if name not in own}
    return Job(
        row=row,
        sensor_files=files,
        clock=_clock(row.recording, manifest_row, clock),
        strata=described,
        participant_id=manifest_row.get("participant_id", row.participant_id),
    )


def _clock(recording: str, manifest_row: Mapping[str, str], common: ClockRule) -> ClockRule:
    """Return the manifest's rule for the clocks of a recording, else the common rule."""
    numbers = {
        column: _seconds(recording, column, manifest_row[column])
        for column in CLOCK_COLUMNS
        if column in manifest_row
    }
    if not common.align or not numbers:
        return common
    if {"sync_video_s", "sync_sensor_s"} <= set(numbers):
        return ClockRule(cues=((numbers["sync_video_s"], numbers["sync_sensor_s"]),))
    if "offset_s" in numbers and len(numbers) == 1:
        return ClockRule(rough_offset_s=numbers["offset_s"], within_s=common.within_s)
    raise ComparisonError(
        f"manifest: {recording!r} has only one of sync_video_s and sync_sensor_s; both are needed"
    )


def _seconds(recording: str, column: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ComparisonError(f"manifest: {column} of {recording!r} is {text!r}; write seconds")
    return seconds
