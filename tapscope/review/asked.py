"""A correction that the page asks for, checked against the recording before it is written."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np

from tapscope.corrections.entry import Entry, Span, entry_of
from tapscope.corrections.in_force import standing
from tapscope.errors import CorrectionsError
from tapscope.hand import TIPS
from tapscope.records import FloatArray
from tapscope.review.recording_state import SAME_S, Seen, every_closure, place_of, task_of
from tapscope.video.probe import VideoInfo


def entry_asked(
    asked: Mapping[str, Any], rater: str, seen: Seen, info: VideoInfo, least_s: float
) -> Entry:
    """Return the entry that the page asks for, checked against the recording.

    Parameters
    ----------
    asked
        See `Session.correct`.
    rater
        Id of the rater.
    seen
        The recording as the rater has it.
    info
        Of the video.
    least_s
        Least time between closures.

    Raises
    ------
    CorrectionsError
        The correction does not fit the recording.
    """
    kind = asked.get("kind")
    content = {
        "entry": len(seen.log.entries) + 1,
        "rater": rater,
        "utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "kind": kind,
        "before": asked.get("before"),
        "after": asked.get("after"),
    }
    time_s = seen.measured.keypoints.time_s
    if kind == "undo":
        kept = standing(seen.log.entries)
        if not kept:
            raise CorrectionsError("there is nothing to undo")
        content["undone"] = kept[-1].number
    elif kind == "tip":
        content |= _tip(seen, info, asked)
    elif kind == "task":
        content["before"] = task_of(seen.measured)
    elif kind == "recording":
        content["before"] = seen.corrections.exclusion or None
    elif kind == "tap":
        before, after = _moment(asked, "before"), _moment(asked, "after")
        closures_s = changed(every_closure(seen), before, after, least_s)
        content["closures_s"] = closures_s
    entry = entry_of(content)
    if kind == "span" and entry.before is not None:
        if entry.before not in seen.corrections.excluded:
            raise CorrectionsError("there is no such excluded span")
    elif isinstance(entry.after, Span):
        _check_times((entry.after.start_s, entry.after.end_s), time_s)
    elif kind == "task":
        _check_times(cast(tuple[float, float], entry.after), time_s)
    elif kind == "tap" and entry.after is not None:
        _check_times((cast(float, entry.after),), time_s)
    return entry


def _tip(seen: Seen, info: VideoInfo, asked: Mapping[str, Any]) -> dict[str, Any]:
    frame, name, after = asked.get("frame"), asked.get("keypoint"), asked.get("after")
    places = np.flatnonzero(seen.measured.frames == frame)
    if not len(places) or name not in TIPS:
        raise CorrectionsError(f"there is no {name} in frame {frame}")
    is_inside = (
        isinstance(after, list)
        and len(after) == 2
        and all(isinstance(value, int | float) for value in after)
        and 0 <= after[0] <= info.width
        and 0 <= after[1] <= info.height
    )
    if not is_inside:
        raise CorrectionsError("a tip must lie within the image")
    before = place_of(seen.measured.keypoints.position_of(name)[places[0]])
    return {"frame": frame, "keypoint": name, "before": before}


def changed(
    closures_s: list[float], before: float | None, after: float | None, least_s: float
) -> list[float]:
    """Return closures after one was added, moved or deleted.

    Raises
    ------
    CorrectionsError
        There is no such closure, or the new one is too near to another.
    """
    kept = closures_s
    if before is not None:
        kept = [moment_s for moment_s in closures_s if abs(moment_s - before) >= SAME_S]
        if len(kept) == len(closures_s):
            raise CorrectionsError(f"there is no closure at {before:.3f} s")
    if after is None:
        return kept
    if any(abs(moment_s - after) < least_s for moment_s in kept):
        raise CorrectionsError(f"another closure is nearer than {least_s:g} s")
    return sorted([*kept, after])


def _moment(asked: Mapping[str, Any], name: str) -> float | None:
    value = asked.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise CorrectionsError(f"{name} is {value!r}; it must be a time in seconds")
    return float(value)


def _check_times(moments_s: tuple[float, ...], time_s: FloatArray) -> None:
    for moment_s in moments_s:
        if not time_s[0] <= moment_s <= time_s[-1]:
            raise CorrectionsError(
                f"{moment_s:.3f} s is not within the recording "
                f"({time_s[0]:.3f} to {time_s[-1]:.3f} s)"
            )
