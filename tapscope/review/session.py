"""What the page asks for: the state of a recording for a rater, and a correction more."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, cast

import numpy as np

from tapscope.corrections.entry import Entry, Span, entry_of, rater_id
from tapscope.corrections.in_force import Corrections, in_force, standing, unsigned_count
from tapscope.corrections.log import Log, append, log_path, read_log
from tapscope.errors import ConflictError, CorrectionsError, OutputError, VideoError
from tapscope.hand import TIPS
from tapscope.pipeline.measurement import Measurement, measurement_of
from tapscope.pipeline.tracking import Tracking
from tapscope.records import FloatArray, Taps
from tapscope.review.pictures import Box, Clip, Clips, hand_box
from tapscope.review.study import Item, Study, check_video

SHOWN: Final = (
    "tap_count",
    "tapping_rate_hz",
    "amplitude_median",
    "inter_tap_interval_cv",
    "amplitude_decrement_ratio",
    "hesitation_count",
    "halt_count",
    "tracked_frames_pct",
)
"""Features beside the trace, as found and as corrected."""
VIEWS: Final = ("hand", "full")
_SAME_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class _Seen:
    """A recording as a rater has it now."""

    log: Log
    corrections: Corrections
    measured: Measurement


class Session:
    """One study under review. Its methods may be called from several threads."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._clips = Clips()
        self._writing = threading.Lock()
        self._tracking = lru_cache(maxsize=4)(self._read_tracking)
        self._measured = lru_cache(maxsize=12)(self._measure)
        self._video_problem = lru_cache(maxsize=None)(self._check_video)

    def close(self) -> None:
        """Stop decoding."""
        self._clips.close()

    def recordings(self, rater: str) -> dict[str, Any]:
        """Return the recordings of the study, and how far a rater is with each."""
        rater = rater_id(rater)
        listed = []
        for index, item in enumerate(self.study.items):
            try:
                log = self._log(item, rater)
            except CorrectionsError as problem:
                listed.append(_listed(index, item, Log(None), str(problem)))
            else:
                listed.append(_listed(index, item, log, item.problem))
        return {"table": self.study.table.name, "rater": rater, "recordings": listed}

    def state(self, index: int, rater: str) -> dict[str, Any]:
        """Return everything that the page shows of a recording.

        Raises
        ------
        CorrectionsError
            It cannot be reviewed, or there is no such recording.
        """
        item = self._item(index)
        return self._state(index, item, self._seen(index, rater_id(rater)))

    def correct(self, index: int, rater: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Write a correction and return the new state of the recording.

        Parameters
        ----------
        asked
            'entries': how many entries the page knows; 'kind', 'before' and 'after' as in
            `corrections.entry.Entry`, where 'before' names the closure or the span.

        Raises
        ------
        ConflictError
            There are entries that the page does not know.
        CorrectionsError
            The correction does not fit the recording.
        OutputError
            It cannot be written.
        """
        item, rater = self._item(index), rater_id(rater)
        with self._writing:
            seen = self._seen(index, rater)
            if asked.get("entries") != len(seen.log.entries):
                raise ConflictError("this recording was corrected on another page; look again")
            entry = self._entry(index, rater, seen, asked)
            path = log_path(self.study.folder, rater, item.recording.file_stem)
            try:
                append(path, item.subject(rater), entry)
            except OSError as problem:
                raise OutputError(f"{path}: cannot be written ({problem.strerror})") from problem
            return self._state(index, item, self._seen(index, rater))

    def picture(self, index: int, frame: int, view: str) -> bytes:
        """Return a frame as JPEG.

        Raises
        ------
        CorrectionsError, VideoError
            There is no such recording or frame, or it cannot be shown.
        """
        item = self._item(index)
        if view not in VIEWS:
            raise VideoError(f"view is {view!r}; it must be one of {', '.join(VIEWS)}")
        if problem := self._video_problem(index):
            raise VideoError(problem)
        box = self._box(self._tracking(index), view)
        clip = self._clips.get((index, view), lambda: Clip(item.recording.path, box))
        return clip.picture(frame)

    def _item(self, index: int) -> Item:
        if not 0 <= index < len(self.study.items):
            raise CorrectionsError(f"there is no recording {index}")
        return self.study.items[index]

    def _log(self, item: Item, rater: str) -> Log:
        log = read_log(log_path(self.study.folder, rater, item.recording.file_stem))
        if log.subject not in (None, item.subject(rater)):
            raise CorrectionsError(
                f"{item.recording.name}: the corrections of {rater} are of another video or "
                "another slow motion; move their file away to begin anew"
            )
        return log

    def _seen(self, index: int, rater: str) -> _Seen:
        item = self._item(index)
        log = self._log(item, rater)
        corrections = in_force(item.subject(rater), log.entries)
        return _Seen(
            log, corrections, self._measured(index, corrections if corrections.count else None)
        )

    def _read_tracking(self, index: int) -> Tracking:
        return self.study.tracking(self.study.items[index])

    def _measure(self, index: int, corrections: Corrections | None) -> Measurement:
        recording = replace(self.study.items[index].recording, corrections=corrections)
        return measurement_of(self._tracking(index), recording, self.study.protocol)

    def _check_video(self, index: int) -> str:
        return check_video(self.study.items[index])

    def _box(self, tracking: Tracking, view: str) -> Box:
        width, height = tracking.info.width, tracking.info.height
        if view == "full":
            return Box(0, 0, width, height)
        return hand_box(tracking.keypoints.position_px, width, height)

    def _entry(self, index: int, rater: str, seen: _Seen, asked: Mapping[str, Any]) -> Entry:
        """Return the entry that the page asks for, checked against the recording."""
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
            content |= self._tip(index, seen, asked)
        elif kind == "task":
            content["before"] = _task_of(seen.measured)
        elif kind == "recording":
            content["before"] = seen.corrections.exclusion or None
        elif kind == "tap":
            least_s = self.study.protocol.taps.min_interval_s
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

    def _tip(self, index: int, seen: _Seen, asked: Mapping[str, Any]) -> dict[str, Any]:
        frame, name, after = asked.get("frame"), asked.get("keypoint"), asked.get("after")
        places = np.flatnonzero(seen.measured.frames == frame)
        if not len(places) or name not in TIPS:
            raise CorrectionsError(f"there is no {name} in frame {frame}")
        info = self._tracking(index).info
        is_inside = (
            isinstance(after, list)
            and len(after) == 2
            and all(isinstance(value, int | float) for value in after)
            and 0 <= after[0] <= info.width
            and 0 <= after[1] <= info.height
        )
        if not is_inside:
            raise CorrectionsError("a tip must lie within the image")
        before = _place(seen.measured.keypoints.position_of(name)[places[0]])
        return {"frame": frame, "keypoint": name, "before": before}

    def _state(self, index: int, item: Item, seen: _Seen) -> dict[str, Any]:
        found, plain = seen.measured, self._measured(index, None)
        tracking = self._tracking(index)
        boxes = {view: self._box(tracking, view) for view in VIEWS}
        kept = {entry.number for entry in standing(seen.log.entries)}
        unit = found.tapping.trajectory.unit
        aperture = found.apertures.trajectory(unit).aperture
        confidence = found.keypoints.confidence[
            :, [found.keypoints.names.index(name) for name in TIPS]
        ]
        counted = _closures_of(found.tapping.taps)
        placed = set(seen.corrections.placed_s)
        return {
            **_listed(index, item, seen.log, ""),
            "size": [tracking.info.width, tracking.info.height],
            "boxes": {view: {**asdict(box), "scale": box.scale} for view, box in boxes.items()},
            "videoProblem": self._video_problem(index),
            "unit": unit,
            "time_s": found.keypoints.time_s.tolist(),
            "frames": found.frames.tolist(),
            "aperture": _rounded(aperture, 5),
            "confidence": _rounded(confidence.min(axis=1), 3),
            "reasons": found.apertures.reason.tolist(),
            "tips": {
                name: [_place(place) for place in found.keypoints.position_of(name)]
                for name in TIPS
            },
            "setTips": [[frame, name] for (frame, name), _ in seen.corrections.tips],
            "closures": [
                {
                    "time_s": moment_s,
                    "placed": moment_s in placed,
                    "counts": bool((np.abs(counted - moment_s) < _SAME_S).any()),
                }
                for moment_s in every_closure(seen)
            ],
            "task_s": _task_of(found),
            "taskIsSet": seen.corrections.task_s is not None,
            "spans": [asdict(span) for span in seen.corrections.excluded],
            "exclusion": seen.corrections.exclusion,
            "verdict": {"status": found.verdict.status, "reason": found.verdict.reason},
            "features": [
                {"name": name, "found": _value(plain, name), "now": _value(found, name)}
                for name in SHOWN
            ],
            "history": [
                {**_plain(entry), "inForce": entry.number in kept} for entry in seen.log.entries
            ],
            "notes": list(seen.log.notes),
        }


def every_closure(seen: _Seen) -> list[float]:
    """Return the closures of a recording in order: the rater's, or those of the taps found."""
    if seen.corrections.closures_s is not None:
        return list(seen.corrections.closures_s)
    return cast(list[float], _closures_of(seen.measured.tapping.taps).tolist())


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
        kept = [moment_s for moment_s in closures_s if abs(moment_s - before) >= _SAME_S]
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


def _listed(index: int, item: Item, log: Log, problem: str) -> dict[str, Any]:
    signatures = [entry.utc for entry in log.entries if entry.kind == "sign"]
    return {
        "index": index,
        "name": item.recording.name,
        "status": item.row.status,
        "reason": item.row.reason,
        "problem": problem,
        "entries": len(log.entries),
        "corrections": len(standing(log.entries)),
        "unsigned": unsigned_count(log),
        "signed": signatures[-1] if signatures else "",
    }


def _plain(entry: Entry) -> dict[str, Any]:
    shown = asdict(entry)
    del shown["closures_s"], shown["rater"]
    return shown


def _closures_of(taps: Taps) -> FloatArray:
    return np.unique(np.concatenate([taps.closure_s, taps.next_closure_s]))


def _task_of(measured: Measurement) -> list[float] | None:
    task = measured.tapping.task
    return [task.start_s, task.end_s] if np.isfinite([task.start_s, task.end_s]).all() else None


def _place(place: FloatArray) -> list[float] | None:
    return [round(float(value), 3) for value in place] if np.isfinite(place).all() else None


def _rounded(values: FloatArray, decimals: int) -> list[float | None]:
    return [round(value, decimals) if np.isfinite(value) else None for value in values.tolist()]


def _value(measured: Measurement, name: str) -> float | None:
    value = measured.numbers[name]
    return float(f"{value:.4g}") if np.isfinite(value) else None
