"""One correction: who, when, what, before and after; checked when it is written and when read."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, Literal, cast, get_args

from tapscope.errors import CorrectionsError
from tapscope.hand import TIPS

Kind = Literal["tap", "task", "tip", "span", "recording", "undo", "sign"]
"""What is corrected: a closure, start and end of the task, a tip in one frame, an excluded span, an
excluded recording. 'undo' takes an earlier entry back, 'sign' approves everything before it."""

RATER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
MAX_REASON: Final = 200
"""Longest reason, characters."""

Place = tuple[float, float]
"""x and y in pixels of the displayed image, or start and end in seconds."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time that a rater excludes."""

    start_s: float
    end_s: float
    reason: str


Value = float | Place | Span | str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a rater's log."""

    number: int
    """1, 2, 3 ... within the log."""
    rater: str
    utc: str
    """When, ISO 8601 in UTC."""
    kind: Kind
    before: Value = None
    """tap: moment of the closure, seconds, None where one is added; task, tip: two numbers; span: a
    span that is taken back; recording: the reason for which it was excluded."""
    after: Value = None
    """The same afterwards; None where something is deleted or taken back."""
    frame: int | None = None
    """tip: number of the frame among all decoded ones."""
    keypoint: str = ""
    """tip: 'thumb_tip' or 'index_tip'."""
    closures_s: tuple[float, ...] = ()
    """tap: every closure after the correction, seconds, so that the taps that the rater saw stay
    the same whatever a later version finds."""
    undone: int | None = None
    """undo: number of the entry that is taken back."""

    def line(self) -> str:
        """Return the entry as one line of JSON without its end."""
        return json.dumps(_plain(self), ensure_ascii=False, allow_nan=False)


def _plain(entry: Entry) -> dict[str, object]:
    shown: dict[str, object] = {
        "entry": entry.number,
        "rater": entry.rater,
        "utc": entry.utc,
        "kind": entry.kind,
    }
    if entry.kind == "undo":
        return shown | {"undone": entry.undone}
    if entry.kind == "sign":
        return shown
    if entry.kind == "tip":
        shown |= {"frame": entry.frame, "keypoint": entry.keypoint}
    for name, value in (("before", entry.before), ("after", entry.after)):
        if isinstance(value, Span):
            shown[name] = {"start_s": value.start_s, "end_s": value.end_s, "reason": value.reason}
        else:
            shown[name] = list(value) if isinstance(value, tuple) else value
    if entry.kind == "tap":
        shown["closures_s"] = list(entry.closures_s)
    return shown


def entry_of(content: Mapping[str, Any]) -> Entry:
    """Return the entry that a line of JSON holds.

    Raises
    ------
    CorrectionsError
        A part is missing or is not what it should be; the message says which.
    """
    kind: Any = content.get("kind")
    if kind not in get_args(Kind):
        raise CorrectionsError(f"kind is {kind!r}; it must be one of {', '.join(get_args(Kind))}")
    number, rater, utc = content.get("entry"), content.get("rater"), content.get("utc")
    if not _is_count(number) or not isinstance(utc, str) or not utc:
        raise CorrectionsError("it has no number or no time")
    entry = Entry(cast(int, number), rater_id(rater), utc, kind)
    if kind == "sign":
        return entry
    if kind == "undo":
        undone: Any = content.get("undone")
        if not _is_count(undone) or undone >= entry.number:
            raise CorrectionsError(f"undone is {undone!r}; it must be the number of an entry")
        return replace(entry, undone=undone)
    before, after = (_value(kind, content.get(name), name) for name in ("before", "after"))
    if before is None and after is None:
        raise CorrectionsError("it has neither before nor after")
    if after is None and kind in ("task", "tip"):
        raise CorrectionsError(f"a {kind} has no value after the correction")
    entry = replace(entry, before=before, after=after)
    if kind == "tip":
        return _with_tip(entry, content)
    return replace(entry, closures_s=_closures(content)) if kind == "tap" else entry


def _with_tip(entry: Entry, content: Mapping[str, Any]) -> Entry:
    frame, keypoint = content.get("frame"), content.get("keypoint")
    if not isinstance(frame, int) or isinstance(frame, bool) or frame < 0:
        raise CorrectionsError(f"frame is {frame!r}; it must be the number of a frame")
    if keypoint not in TIPS:
        raise CorrectionsError(f"keypoint is {keypoint!r}; it must be one of {', '.join(TIPS)}")
    return replace(entry, frame=frame, keypoint=str(keypoint))


def _closures(content: Mapping[str, Any]) -> tuple[float, ...]:
    closures_s = tuple(_numbers(content.get("closures_s"), "closures_s"))
    if any(one >= other for one, other in pairwise(closures_s)):
        raise CorrectionsError("closures_s must rise")
    return closures_s


def rater_id(text: object) -> str:
    """Return the id of a rater, which is also the name of a folder.

    Raises
    ------
    CorrectionsError
        It is none.
    """
    if not isinstance(text, str) or not RATER.fullmatch(text):
        raise CorrectionsError(
            f"rater is {text!r}; write 1 to 32 letters, digits, '-' or '_', for example AB"
        )
    return text


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _value(kind: Kind, value: object, name: str) -> Value:
    if value is None:
        return None
    if kind == "tap":
        return _number(value, name)
    if kind == "recording":
        return _reason(value)
    if kind == "span":
        if not isinstance(value, Mapping):
            raise CorrectionsError(f"{name} is {value!r}; it must hold start_s, end_s and reason")
        start_s, end_s = (_number(value.get(part), part) for part in ("start_s", "end_s"))
        _check_order(start_s, end_s)
        return Span(start_s, end_s, _reason(value.get("reason")))
    one, other = _numbers(value, name, 2)
    if kind == "task":
        _check_order(one, other)
    return one, other


def _check_order(start_s: float, end_s: float) -> None:
    if not start_s < end_s:
        raise CorrectionsError(f"the end, {end_s:g} s, must come after the start, {start_s:g} s")


def _reason(value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not text or len(text) > MAX_REASON or not text.isprintable():
        raise CorrectionsError(f"a reason is needed, of at most {MAX_REASON} characters")
    return text


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CorrectionsError(f"{name} is {value!r}; it must be a number")
    return float(value)


def _numbers(value: object, name: str, count: int | None = None) -> list[float]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise CorrectionsError(f"{name} is {value!r}; it must be a list of numbers")
    if count is not None and len(value) != count:
        raise CorrectionsError(f"{name} holds {len(value)} numbers; it must hold {count}")
    return [_number(each, name) for each in value]
