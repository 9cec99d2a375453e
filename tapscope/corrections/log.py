"""The log of one rater on one recording: lines of JSON that are only ever added.

The first line says to which recording and video the log belongs. A part of a line, as a kill leaves
it, is ignored with a note, see `lines`. Numbers without a gap show that nothing else is missing.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tapscope.corrections.entry import Entry, entry_of
from tapscope.corrections.lines import append_lines, read_entries
from tapscope.errors import CorrectionsError

FORMAT: Final = "tapscope corrections 1"
ENDING: Final = ".jsonl"
FOLDER: Final = "corrections"
"""Within the folder of results; it holds a folder a rater."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a log is about."""

    recording: str
    """Name of the recording."""
    rater: str
    video_sha256: str
    """Of the video that the rater saw: corrections do not fit another one."""
    slow_motion: float
    """By what the times of the file were divided; 1 for none."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a log holds."""

    subject: Subject | None
    """None where nothing has been written yet."""
    entries: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()
    """Lines that were ignored, and why."""


def log_path(folder: Path, rater: str, stem: str) -> Path:
    """Return where the log of a rater on a recording is.

    Parameters
    ----------
    folder
        The folder of results.
    rater
        See `entry.rater_id`.
    stem
        Start of the names of the recording's files.
    """
    return folder / FOLDER / rater / f"{stem}{ENDING}"


def raters_of(folder: Path, stem: str) -> list[str]:
    """Return the raters who have a log of a recording, in order of their ids."""
    own = folder / FOLDER
    if not own.is_dir():
        return []
    return sorted(
        each.name for each in own.iterdir() if log_path(folder, each.name, stem).is_file()
    )


def read_log(path: Path) -> Log:
    """Read a log; one that does not exist is empty.

    Raises
    ------
    CorrectionsError
        The log cannot be read, belongs to no recording, or an entry is missing or damaged.
    """
    subject, entries, notes = read_entries(path, _subject, entry_of)
    for entry in entries:
        if subject is not None and entry.rater != subject.rater:
            raise CorrectionsError(
                f"{path}: entry {entry.number} is of {entry.rater}, the log of {subject.rater}; "
                "restore the file from a copy"
            )
    return Log(subject, tuple(entries), tuple(notes))


def append(path: Path, subject: Subject, entry: Entry) -> None:
    """Add an entry and wait until it is on the disk.

    Raises
    ------
    CorrectionsError
        The entry does not follow the last one, or the log belongs to another video.
    OSError
        It cannot be written.
    """
    entry_of(json.loads(entry.line()))  # what could not be read back is not written
    log = read_log(path)
    if log.subject not in (None, subject):
        raise CorrectionsError(
            f"{path}: these corrections are of another video or another slow motion; move the file "
            "away to begin anew"
        )
    if entry.number != len(log.entries) + 1:
        raise CorrectionsError(f"{path}: entry {entry.number} does not follow the last one")
    lines = [entry.line()]
    if log.subject is None:
        lines.insert(0, json.dumps({"format": FORMAT, **asdict(subject)}, ensure_ascii=False))
    append_lines(path, lines)


def _subject(content: Mapping[str, Any]) -> Subject:
    recording, rater, digest, slow_motion = (
        content.get(name) for name in ("recording", "rater", "video_sha256", "slow_motion")
    )
    if content.get("format") != FORMAT:
        raise CorrectionsError(f"format is {content.get('format')!r}; it must be {FORMAT!r}")
    if not (isinstance(recording, str) and isinstance(rater, str) and isinstance(digest, str)):
        raise CorrectionsError("the first line does not say to what the log belongs")
    if not isinstance(slow_motion, int | float) or slow_motion <= 0:
        raise CorrectionsError(f"slow_motion is {slow_motion!r}; it must be over 0")
    return Subject(recording, rater, digest, float(slow_motion))
