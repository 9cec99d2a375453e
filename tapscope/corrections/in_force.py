"""What of a rater's log is in force."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from tapscope.corrections.entry import Entry, Place, Span
from tapscope.corrections.log import Log, Subject
from tapscope.errors import CorrectionsError

Tip = tuple[int, str]
"""Number of a frame, and the name of the tip."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrections in force of one recording."""

    subject: Subject
    tips: tuple[tuple[Tip, Place], ...] = ()
    """Where tips were set, in order of frames; pixels of the displayed image."""
    closures_s: tuple[float, ...] | None = None
    """Every closure; None where the rater left those that were found."""
    placed_s: tuple[float, ...] = ()
    """Those of them that the rater added or moved."""
    task_s: Place | None = None
    """Start and end of the task; None where the rater left those that were found."""
    excluded: tuple[Span, ...] = ()
    exclusion: str = ""
    """Why the whole recording is excluded; '' if it is not."""
    count: int = 0
    """Corrections in force."""

    @property
    def rater(self) -> str:
        """Return who made them."""
        return self.subject.rater

    @property
    def effect(self) -> tuple[object, ...]:
        """Return what two raters share who correct the same way."""
        spans = tuple(sorted((span.start_s, span.end_s) for span in self.excluded))
        return self.tips, self.closures_s, self.task_s, spans, bool(self.exclusion)

    @property
    def digest(self) -> str:
        """Return a hash of everything on which the row depends."""
        spans = [(span.start_s, span.end_s) for span in self.excluded]
        parts = [self.rater, self.tips, self.closures_s, self.placed_s, self.task_s, spans]
        content = json.dumps([*parts, self.exclusion, self.count])
        return hashlib.sha256(content.encode()).hexdigest()


def standing(entries: Sequence[Entry]) -> list[Entry]:
    """Return the corrections that were not taken back, signatures left out."""
    undone: set[int] = set()
    kept = []
    for entry in reversed(entries):
        if entry.number in undone:
            continue
        if entry.kind == "undo":
            undone.add(cast(int, entry.undone))
        elif entry.kind != "sign":
            kept.append(entry)
    return kept[::-1]


def in_force(subject: Subject, entries: Sequence[Entry]) -> Corrections:
    """Return what a rater's entries amount to.

    Raises
    ------
    CorrectionsError
        They contradict one another.
    """
    kept = standing(entries)
    tips: dict[Tip, Place] = {}
    spans: list[Span] = []
    closures_s: tuple[float, ...] | None = None
    placed: set[float] = set()
    task_s: Place | None = None
    exclusion = ""
    for entry in kept:
        match entry.kind:
            case "tip":
                tips[cast(int, entry.frame), entry.keypoint] = cast(Place, entry.after)
            case "tap":
                closures_s = entry.closures_s
                placed.discard(cast(float, entry.before))
                placed |= {cast(float, entry.after)} - {None}
            case "task":
                task_s = cast(Place, entry.after)
            case "span" if entry.after is not None:
                spans.append(cast(Span, entry.after))
            case "span" if entry.before not in spans:
                raise CorrectionsError(f"entry {entry.number} takes a span back that is not there")
            case "span":
                spans.remove(cast(Span, entry.before))
            case "recording":
                exclusion = cast(str, entry.after) or ""
    return Corrections(
        subject=subject,
        tips=tuple(sorted(tips.items())),
        closures_s=closures_s,
        placed_s=tuple(sorted(placed & set(closures_s or ()))),
        task_s=task_s,
        excluded=tuple(spans),
        exclusion=exclusion,
        count=len(kept),
    )


def signed(log: Log) -> Corrections | None:
    """Return what a rater signed last; None where nothing is signed.

    Raises
    ------
    CorrectionsError
        The entries contradict one another.
    """
    places = [place for place, entry in enumerate(log.entries) if entry.kind == "sign"]
    if log.subject is None or not places:
        return None
    return in_force(log.subject, log.entries[: places[-1]])


def unsigned_count(log: Log) -> int:
    """Return how many entries follow the last signature."""
    later = 0
    for entry in reversed(log.entries):
        if entry.kind == "sign":
            break
        later += 1
    return later
