"""The manifest: a table in which the user describes each recording."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tapscope.errors import ManifestError, OutputError, VideoError
from tapscope.output.table import csv_bytes, write_result
from tapscope.pipeline.recordings import NUMBERS, SIDES, Recording, describe, find_recordings
from tapscope.protocol.protocol import load


@dataclass(frozen=True, slots=True)
class Manifest:
    """The rows of a manifest, joined to the recordings found."""

    rows: Mapping[str, Mapping[str, str]]
    """By recording name: filled cells by column, without the columns recording and video."""
    extra_columns: tuple[str, ...]
    """Columns that tapscope does not know; they are copied to the table."""
    unmatched: tuple[str, ...]
    """Recordings that the manifest names but that were not found."""


KNOWN_COLUMNS: Final = (
    "recording",
    "video",
    "participant_id",
    "session_id",
    "hand",
    "trial",
    *NUMBERS,
)


def draft_manifest(
    path: Path,
    videos: Sequence[Path],
    *,
    protocol: str,
    recursive: bool = True,
    force: bool = False,
) -> int:
    """Write a manifest of the recordings under some paths; return how many there are.

    Raises
    ------
    TapscopeError
        There is no video, or the protocol or the output cannot be used.
    """
    rules = load(protocol)
    found = [r for r in find_recordings(videos, recursive=recursive) if not r.fault]
    if not found:
        raise VideoError(f"{', '.join(map(str, videos))}: no video found; give another folder")
    write_manifest(
        path, describe(found, parse_name=rules.parse_name, manifest_rows={}), force=force
    )
    return len(found)


def write_manifest(path: Path, recordings: Sequence[Recording], *, force: bool = False) -> None:
    """Write a manifest to fill in; what is known about the recordings is in it already.

    Parameters
    ----------
    path
        CSV file; its folder must exist.
    recordings
        As described by their names.
    force
        Replace a file that exists.

    Raises
    ------
    OutputError
        The file exists, or cannot be written.
    """
    if path.exists() and not force:
        raise OutputError(
            f"{path}: exists and may have been filled in; give another --out, or --force"
        )
    rows = [
        [
            recording.name,
            recording.video,
            recording.participant_id,
            recording.session_id,
            recording.hand,
            recording.trial,
            *[""] * len(NUMBERS),
        ]
        for recording in recordings
    ]
    write_result(path, csv_bytes(KNOWN_COLUMNS, rows))


def read_manifest(
    path: Path, recordings: Sequence[Recording], reserved: Sequence[str] = ()
) -> Manifest:
    """Read a manifest and join it to the recordings found.

    Parameters
    ----------
    path
        CSV with a header; comma, semicolon or tab; UTF-8 with or without byte order mark. Each row
        names its recording in the column `recording` (as in the table) or `video` (path relative
        to the manifest's folder or to the folder analysed).
    recordings
        The recordings found.
    reserved
        Columns of the table, whose names the manifest may not use for columns of its own.

    Raises
    ------
    ManifestError
        The file cannot be read, lacks the columns, names a recording twice, or holds a hand or a
        number that is not valid.
    """
    rows, columns = _rows(path)
    if not {"recording", "video"} & set(columns):
        raise ManifestError(
            f"{path}: has the columns {', '.join(columns)}; a column called recording or video is "
            "needed to join rows and recordings"
        )
    extra = tuple(name for name in columns if name not in KNOWN_COLUMNS)
    taken = sorted(set(extra) & set(reserved))
    if taken:
        raise ManifestError(
            f"{path}: the column {taken[0]!r} has the name of a column that tapscope writes; "
            "rename it"
        )
    by_name = {recording.name: recording for recording in recordings}
    by_path = {recording.path.resolve(): recording for recording in recordings}
    by_video = {recording.video: recording for recording in recordings}
    by_recording: dict[str, Mapping[str, str]] = {}
    unmatched = []
    for line, row in rows:
        name, video = row.get("recording", ""), row.get("video", "")
        if not name and not video:
            raise ManifestError(
                f"{path}, line {line}: the cells recording and video are empty; fill one"
            )
        found = by_name.get(name) if name else None
        if found is None and video:
            found = by_path.get((path.parent / video).resolve()) or by_video.get(video)
        if found is None:
            unmatched.append(name or video)
            continue
        if found.name in by_recording:
            raise ManifestError(f"{path}, line {line}: a second row for {found.name!r}; keep one")
        by_recording[found.name] = _checked(row, f"{path}, line {line}")
    return Manifest(by_recording, extra, tuple(unmatched))


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Return the rows, each with its line number, and the names of the columns."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise ManifestError(
            f"{path}: cannot be read ({problem.strerror}); check the path and permissions"
        ) from problem
    except UnicodeDecodeError as problem:
        raise ManifestError(
            f"{path}: is not UTF-8 (byte {problem.start}); save it as 'CSV UTF-8'"
        ) from problem
    if "\0" in text:
        raise ManifestError(f"{path}: is no text (it holds zero bytes); save it as 'CSV UTF-8'")
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        columns = [cell.strip() for cell in next(reader, [])]
        if not any(columns):
            raise ManifestError(f"{path}: is empty; write a header line and one row per recording")
        repeated = [name for name in columns if columns.count(name) > 1]
        if repeated:
            raise ManifestError(f"{path}: has two columns called {repeated[0]!r}; rename one")
        rows = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise ManifestError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells under {len(columns)} "
                    "columns; a cell that holds the delimiter needs quotation marks"
                )
            named = zip(columns, (cell.strip() for cell in cells), strict=True)
            rows.append((reader.line_num, dict(named)))
    except csv.Error as problem:
        raise ManifestError(f"{path}: is not CSV ({problem}); save it as CSV") from problem
    return rows, columns


def _checked(row: Mapping[str, str], where: str) -> dict[str, str]:
    if row.get("hand", "").lower() not in SIDES:
        raise ManifestError(
            f"{where}: hand is {row['hand']!r}; write left, right or leave it empty"
        )
    for column in NUMBERS:
        text = row.get(column, "")
        if text and not _is_positive(text):
            raise ManifestError(f"{where}: {column} is {text!r}; write a number over 0")
    return {key: value for key, value in row.items() if value and key not in ("recording", "video")}


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False
