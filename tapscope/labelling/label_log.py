"""Who changed which label when, before and after: labels.jsonl beside annotations.json.

Lines are only ever added, see `corrections.lines`. The first line says to which images the log
belongs. Numbers without a gap show that no entry is missing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from tapscope.corrections.entry import rater_id
from tapscope.corrections.lines import append_lines, read_entries
from tapscope.errors import CorrectionsError
from tapscope.labelling.labels import ImageLabels, labels_of

FORMAT: Final = "tapscope labels 1"
NAME: Final = "labels.jsonl"

Kind = Literal["thumb_tip", "index_tip", "box", "accept", "skip", "undo"]


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """One line of the log."""

    number: int
    """1, 2, 3 ... within the log."""
    rater: str
    utc: str
    """When, ISO 8601 in UTC."""
    image: str
    """Name of its file, relative to the folder."""
    kind: Kind
    before: ImageLabels
    after: ImageLabels
    undone: int | None = None
    """undo: number of the entry that is taken back."""

    def line(self) -> str:
        """Return the entry as one line of JSON without its end."""
        shown: dict[str, object] = {
            "entry": self.number,
            "rater": self.rater,
            "utc": self.utc,
            "image": self.image,
            "kind": self.kind,
            "before": self.before.plain(),
            "after": self.after.plain(),
        }
        if self.kind == "undo":
            shown["undone"] = self.undone
        return json.dumps(shown, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, slots=True)
class LabelLog:
    """What a log holds."""

    images_sha256: str = ""
    """Of the names of the images; '' where nothing has been written yet."""
    entries: tuple[LabelEntry, ...] = ()
    notes: tuple[str, ...] = ()
    """Lines that were ignored, and why."""


def read_log(path: Path) -> LabelLog:
    """Read a log; one that does not exist is empty.

    Raises
    ------
    CorrectionsError
        The log cannot be read, or an entry is missing or damaged.
    """
    digest, entries, notes = read_entries(path, _digest, _entry_of)
    return LabelLog(digest or "", tuple(entries), tuple(notes))


def append(path: Path, images_sha256: str, entry: LabelEntry) -> None:
    """Add an entry and wait until it is on the disk.

    Raises
    ------
    OSError
        It cannot be written.
    """
    lines = [entry.line()]
    if entry.number == 1:
        lines.insert(0, json.dumps({"format": FORMAT, "images_sha256": images_sha256}))
    append_lines(path, lines)


def last_standing(entries: Sequence[LabelEntry], rater: str) -> LabelEntry | None:
    """Return the last change of a rater that was not taken back; None where there is none."""
    undone = {entry.undone for entry in entries}
    for entry in reversed(entries):
        if entry.rater == rater and entry.kind != "undo" and entry.number not in undone:
            return entry
    return None


def _digest(content: Mapping[str, Any]) -> str:
    digest = content.get("images_sha256")
    if content.get("format") != FORMAT or not isinstance(digest, str) or not digest:
        raise CorrectionsError(f"format is {content.get('format')!r}; it must be {FORMAT!r}")
    return digest


def _entry_of(content: Mapping[str, Any]) -> LabelEntry:
    kind, number, undone = content.get("kind"), content.get("entry"), content.get("undone")
    utc, image = content.get("utc"), content.get("image")
    if kind not in get_args(Kind):
        raise CorrectionsError(f"kind is {kind!r}; it must be one of {', '.join(get_args(Kind))}")
    if not isinstance(number, int) or not isinstance(utc, str) or not isinstance(image, str):
        raise CorrectionsError("it has no number, no time or no image")
    if kind == "undo" and not isinstance(undone, int):
        raise CorrectionsError(f"undone is {undone!r}; it must be the number of an entry")
    before, after = content.get("before"), content.get("after")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        raise CorrectionsError("it does not hold the labels before and after")
    return LabelEntry(
        number, rater_id(content.get("rater")), utc, image, cast(Kind, kind),
        labels_of(before), labels_of(after), cast("int | None", undone),
    )  # fmt: skip
