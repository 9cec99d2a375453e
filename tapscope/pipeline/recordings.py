"""Find video files, name them and collect what is known about each recording."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from tapscope.corrections.in_force import Corrections
from tapscope.errors import TapscopeError, VideoError
from tapscope.protocol.recording_name import RecordingName

VIDEO_ENDINGS: Final = frozenset(
    {".3g2", ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"}
    | {".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
"""Endings of videos searched in folders; a file given by its own path may have any ending."""

LONGEST_STEM_BYTES: Final = 180
"""Most file systems allow names of 255 bytes; endings and a temporary name are added."""

SIDES: Final = {
    **dict.fromkeys(("left", "l", "lh"), "left"),
    **dict.fromkeys(("right", "r", "rh"), "right"),
    "": "",
}
"""What people write for a side, and the name used here."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One video file and what is known about it before the analysis; '' and None are unknown."""

    path: Path
    name: str
    """Path relative to the folder analysed, without ending; unique within a run."""
    video: str
    """The same with its ending."""
    participant_id: str = ""
    session_id: str = ""
    hand: str = ""
    """'left', 'right' or ''."""
    hand_source: str = ""
    """Where `hand` comes from: 'option', 'manifest', 'file name' or 'protocol'."""
    trial: str = ""
    px_per_mm: float | None = None
    """Calibration: pixels of the displayed image per millimetre in the plane of the hand."""
    metronome_rate_hz: float | None = None
    """Rate of the metronome in a paced test."""
    slow_motion: float | None = None
    """How many times slower than in truth the file shows the movement; None if nobody said."""
    fault: str = ""
    """Why there is nothing to analyse: a folder that cannot be read; '' for a video."""
    name_hand: str = ""
    """What the file name alone says about the hand."""
    extra: Mapping[str, str] | None = None
    """Cells of the manifest's own columns."""
    corrections: Corrections | None = None
    """What a rater signed; None where nobody did."""
    corrections_problem: str = ""
    """Why corrections are not applied; '' where there are none, or they are."""

    @property
    def file_stem(self) -> str:
        """Start of the names of this recording's files, relative to the folder of results."""
        place = PurePosixPath(self.name)
        if len(os.fsencode(place.name)) <= LONGEST_STEM_BYTES:
            return self.name
        mark = hashlib.sha256(place.name.encode()).hexdigest()[:12]
        return str(place.with_name(f"{place.name[: LONGEST_STEM_BYTES // 4]}-{mark}"))


def find_recordings(paths: Iterable[Path], *, recursive: bool = True) -> list[Recording]:
    """Find the video files under some paths.

    Parameters
    ----------
    paths
        Files with any ending, and folders, which are searched for files with a video's ending.
        Hidden files and folders are skipped: cameras and macOS leave files there that have a
        video's ending but are no videos.
    recursive
        Whether folders within folders are searched too.

    Returns
    -------
    list of Recording
        Sorted by name; a file found twice is listed once. A folder within a folder that cannot be
        read is listed, too, with its `fault`: it costs a row, not the others.

    Raises
    ------
    VideoError
        A path does not exist, or a folder given cannot be read.
    """
    found: dict[Path, Recording] = {}
    for path in paths:
        if path.is_dir():
            files, unreadable = _files_in(path, recursive)
            for folder, fault in unreadable:
                shown = _printable(folder.relative_to(path).as_posix())
                found[folder.resolve()] = Recording(folder, shown, shown, fault=fault)
        elif path.exists():
            files = [path]
        else:
            raise VideoError(f"{path}: no such file or folder; check the path")
        for file in files:
            relative = file.relative_to(path) if path.is_dir() else Path(path.name)
            shown = _printable(relative.as_posix())
            bare = shown[: -len(relative.suffix)] if relative.suffix else shown
            found.setdefault(file.resolve(), Recording(file, bare, shown))
    return sorted(_with_unique_names(list(found.values())), key=lambda recording: recording.name)


def _files_in(folder: Path, recursive: bool) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Return the videos under a folder, and the folders within it that cannot be read, with why.

    Raises
    ------
    VideoError
        The folder itself cannot be read.
    """
    videos: list[Path] = []
    unreadable: list[tuple[Path, str]] = []

    def note(problem: OSError) -> None:
        place = Path(problem.filename)
        fault = f"the folder cannot be read ({problem.strerror}); change its permissions"
        if place == folder:
            raise VideoError(f"{folder}: {fault}, or give other paths") from problem
        unreadable.append((place, f"{fault}, or move it"))

    for place, folders, files in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        videos += [
            Path(place, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in VIDEO_ENDINGS
        ]
    return videos, unreadable


def _printable(name: str) -> str:
    """Return a file name as valid Unicode; invalid bytes are written as \\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _with_unique_names(found: list[Recording]) -> list[Recording]:
    """Give recordings of the same name longer names: with the ending, then with the folder.

    Names that differ only in case count as the same, because some file systems keep one file for
    both.
    """
    for longer in (
        lambda r: r.video,
        lambda r: f"{_printable(r.path.absolute().parent.name)}/{r.video}",
    ):
        counts = Counter(recording.name.casefold() for recording in found)
        found = [replace(r, name=longer(r)) if counts[r.name.casefold()] > 1 else r for r in found]
    counts = Counter(recording.name.casefold() for recording in found)
    for recording in found:
        if counts[recording.name.casefold()] > 1:
            raise VideoError(
                f"{recording.path}: another recording given has the same name, "
                f"{recording.name!r}; give the folder above both instead"
            )
    return found


def describe(
    recordings: Sequence[Recording],
    *,
    parse_name: Callable[[str], RecordingName],
    manifest_rows: Mapping[str, Mapping[str, str]],
    option_hand: str = "",
    protocol_hand: str = "",
    option_slow_motion: float | None = None,
) -> list[Recording]:
    """Add participant, session, trial, hand and calibration to recordings.

    Parameters
    ----------
    recordings
        As found.
    parse_name
        Reads a file name without ending by the protocol's pattern.
    manifest_rows
        The manifest's cells, by recording name; they override the file name.
    option_hand, protocol_hand
        Sides for all recordings: the first overrides everything, the second is used if nothing
        else gives a side.
    option_slow_motion
        Factor for all recordings; overrides the manifest.
    """
    described = [
        _described(r, parse_name, manifest_rows.get(r.name, {}), option_hand, protocol_hand)
        for r in recordings
    ]
    if option_slow_motion is None:
        return described
    return [replace(r, slow_motion=option_slow_motion) for r in described]


NUMBERS: Final = ("px_per_mm", "metronome_rate_hz", "slow_motion")
"""Columns of the manifest that hold a number over 0."""
_KNOWN: Final = ("participant_id", "session_id", "hand", "trial", *NUMBERS)


def _described(
    recording: Recording,
    parse_name: Callable[[str], RecordingName],
    cells: Mapping[str, str],
    option_hand: str,
    protocol_hand: str,
) -> Recording:
    named = parse_name(PurePosixPath(recording.video).stem)
    sides = {
        "option": option_hand,
        "manifest": cells.get("hand", ""),
        "file name": named.hand,
        "protocol": protocol_hand,
    }
    source = next((who for who, side in sides.items() if side), "")
    return replace(
        recording,
        participant_id=cells.get("participant_id") or named.participant_id,
        session_id=cells.get("session_id") or named.session_id,
        hand=side_named(sides[source], recording.video) if source else "",
        hand_source=source,
        name_hand=named.hand and side_named(named.hand, recording.video),
        trial=cells.get("trial") or named.trial,
        px_per_mm=_number(cells.get("px_per_mm")),
        metronome_rate_hz=_number(cells.get("metronome_rate_hz")),
        slow_motion=_number(cells.get("slow_motion")),
        extra={key: value for key, value in cells.items() if key not in _KNOWN},
    )


def side_named(text: str, where: str) -> str:
    """Return 'left', 'right' or '' for the text of a user; `where` is for the error message."""
    try:
        return SIDES[text.strip().lower()]
    except KeyError:
        raise TapscopeError(f"{where}: hand is {text!r}; write left or right") from None


def _number(text: str | None) -> float | None:
    return float(text) if text else None
