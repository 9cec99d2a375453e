"""What the report says about a study: its rows, and the trace of each recording."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from tapscope.errors import TapscopeError
from tapscope.features import FEATURES
from tapscope.pipeline.result_reader import (
    APERTURE_COLUMNS,
    VideoRow,
    VideoTable,
    read_taps,
)
from tapscope.records import FloatArray
from tapscope.visualise.pseudonyms import Pseudonyms
from tapscope.visualise.report.advice import advice_for
from tapscope.visualise.report.pictures import Strip, pictures_of

STATUSES: Final = ("ok", "doubtful", "failed")
MAX_GROUPS: Final = 12
"""A column of the manifest with more values than so many is no grouping."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What is drawn of one recording."""

    time_s: FloatArray
    """Of every frame, shape (frames,)."""
    aperture: FloatArray
    """NaN where it is unknown, shape (frames,)."""
    confidence: FloatArray
    """Of the less sure tip, shape (frames,)."""
    unit: str
    task_s: tuple[float, float] | None
    """Start and end of the measured bout; None where nothing taps."""
    closure_s: FloatArray
    """Every closure of the taps, shape (closures,)."""
    peak_s: FloatArray
    """Shape (taps,)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One recording."""

    name: str
    status: str
    reason: str
    advice: Sequence[str]
    cells: Mapping[str, str]
    numbers: Mapping[str, float]
    """Every feature of tapscope in the table, NaN unknown."""
    trace: Trace | None
    no_trace: str
    """Why there is no trace; '' where there is one."""
    pictures: Strip | None = None
    """Of the hand at some taps."""
    no_pictures: str = ""
    """Why there are none though they were asked for."""


@dataclass(frozen=True, slots=True)
class Column:
    """One numeric column of the table."""

    name: str
    unit: str
    """'{unit}' stands for the unit of the row."""
    is_quality: bool
    formula: str


@dataclass(frozen=True, slots=True)
class Study:
    """A table of features and what lies beside it."""

    title: str
    rows: Sequence[Row]
    columns: Sequence[Column]
    groupings: Sequence[str]
    """Columns of text that divide the recordings into a few groups; 'status' is always one."""


def read_study(
    table: VideoTable,
    *,
    videos: Mapping[str, Sequence[Path]] | None = None,
    pseudonyms: Pseudonyms | None = None,
    on_recording: Callable[[int, int], None] = lambda done, total: None,
) -> Study:
    """Read what lies beside a table of features.

    A recording whose tracks or taps are missing or damaged is kept without a trace.

    Parameters
    ----------
    videos
        Where the videos are, for pictures of the hand (see `reachable_videos`); None for no
        pictures.
    pseudonyms
        What stands for the names of the recordings; None to show the names.
    on_recording
        Called after each recording with the number of those done and their total.
    """
    held = set(table.rows[0].cells) if table.rows else set()
    columns = tuple(
        Column(feature.name, feature.unit, feature.domain == "quality", feature.formula)
        for feature in FEATURES
        if feature.name in held
    )
    rows = []
    for done, video_row in enumerate(table.rows, start=1):
        row = _row(table, video_row, [column.name for column in columns])
        if videos is not None:
            row = _with_pictures(row, table, video_row, videos)
        rows.append(_renamed(row, video_row, pseudonyms) if pseudonyms else row)
        on_recording(done, len(table.rows))
    title = "Tapping recordings" + ("" if pseudonyms else f" of {table.path.name}")
    return Study(title, tuple(rows), columns, _groupings(table, named=pseudonyms is None))


def _with_pictures(
    row: Row, table: VideoTable, video_row: VideoRow, videos: Mapping[str, Sequence[Path]]
) -> Row:
    try:
        return replace(row, pictures=pictures_of(table, video_row, videos))
    except TapscopeError as problem:  # the row is shown all the same
        return replace(row, no_pictures=str(problem))


def _renamed(row: Row, video_row: VideoRow, pseudonyms: Pseudonyms) -> Row:
    """Return a row without the name of the recording, in its texts too."""
    return replace(
        row,
        name=pseudonyms.of(row.name),
        reason=pseudonyms.without_names(row.reason, video_row),
        no_trace=pseudonyms.without_names(row.no_trace, video_row),
        no_pictures=pseudonyms.without_names(row.no_pictures, video_row),
    )


def _row(table: VideoTable, row: VideoRow, names: Sequence[str]) -> Row:
    trace, no_trace = None, ""
    try:
        trace = _trace(table, row)
    except (TapscopeError, OSError, ValueError, KeyError) as problem:
        # the row is shown all the same, and the page says what is missing
        no_trace = str(problem)
    flags = [flag for flag in row.cells.get("flags", "").split(";") if flag]
    return Row(
        name=row.recording,
        status=row.status,
        reason=row.reason,
        advice=advice_for(flags) if row.status != "ok" else [],
        cells=row.cells,
        numbers={name: row.number(name) for name in names},
        trace=trace,
        no_trace=no_trace,
    )


def _trace(table: VideoTable, row: VideoRow) -> Trace:
    tracks = pd.read_csv(table.file(row, ".tracks.csv"))
    unit = row.cells.get("unit", "")
    column = next((name for known, name in APERTURE_COLUMNS.items() if known == unit), None)
    aperture = tracks[column or "aperture_px"].to_numpy(dtype=np.float64)
    confidence = tracks[["thumb_tip_confidence", "index_tip_confidence"]].min(axis=1)
    taps = read_taps(table.file(row, ".taps.csv"))
    return Trace(
        time_s=tracks["time_s"].to_numpy(dtype=np.float64),
        aperture=aperture,
        confidence=confidence.to_numpy(dtype=np.float64),
        unit=unit if column else "px",
        task_s=_task_s(row),
        closure_s=np.unique(np.concatenate([taps.closure_s, taps.next_closure_s])),
        peak_s=taps.peak_s,
    )


def _task_s(row: VideoRow) -> tuple[float, float] | None:
    start_s, end_s = row.number("task_start_s"), row.number("task_end_s")
    return (start_s, end_s) if np.isfinite([start_s, end_s]).all() else None


def _groupings(table: VideoTable, *, named: bool) -> list[str]:
    """Return the groupings; if nobody is named, those that tapscope itself has found."""
    found = ["status"]
    others = ("participant_id", "session_id", *table.extra_columns) if named else ()
    for name in ("hand", *others):
        values = {row.cells.get(name, "") for row in table.rows} - {""}
        if 1 < len(values) <= MAX_GROUPS:
            found.append(name)
    return found


def drawable(trace: Trace) -> dict[str, Any]:
    """Return a trace as short numbers for JSON: milliseconds, thousandths, per cent.

    NaN becomes None.
    """
    return {
        "unit": trace.unit,
        "t": _whole(1000 * trace.time_s),
        "a": _whole(1000 * trace.aperture),
        "c": _whole(100 * trace.confidence),
        "task": None if trace.task_s is None else _whole(1000 * np.array(trace.task_s)),
        "closures": _whole(1000 * trace.closure_s),
        "peaks": _whole(1000 * trace.peak_s),
    }


def _whole(values: FloatArray) -> list[int | None]:
    return [round(value) if np.isfinite(value) else None for value in values.tolist()]
