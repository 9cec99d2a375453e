"""What the page shows of a recording, as plain values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

import numpy as np

from tapscope.corrections.entry import Entry
from tapscope.corrections.in_force import Corrections, standing, unsigned_count
from tapscope.corrections.log import Log
from tapscope.hand import TIPS
from tapscope.pipeline.measurement import Measurement
from tapscope.records import FloatArray, Taps
from tapscope.review.pictures import Box
from tapscope.review.study import Item
from tapscope.video.probe import VideoInfo

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
SAME_S: Final = 1e-6
"""Closures nearer than this are the same one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A recording as a rater has it now."""

    log: Log
    corrections: Corrections
    measured: Measurement


def listed(index: int, item: Item, log: Log, problem: str) -> dict[str, Any]:
    """Return a recording as the list shows it, and how far its rater is."""
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


def state_of(
    index: int,
    item: Item,
    seen: Seen,
    plain: Measurement,
    info: VideoInfo,
    *,
    boxes: Mapping[str, Box],
    video_problem: str,
) -> dict[str, Any]:
    """Return everything that the page shows of a recording.

    Parameters
    ----------
    plain
        What is measured without corrections.
    info
        Of the video.
    boxes
        The part of the image that each view shows.
    video_problem
        Why no picture can be shown; '' if one can.
    """
    found = seen.measured
    kept = {entry.number for entry in standing(seen.log.entries)}
    unit = found.tapping.trajectory.unit
    aperture = found.apertures.trajectory(unit).aperture
    confidence = found.keypoints.confidence[:, [found.keypoints.names.index(name) for name in TIPS]]
    return {
        **listed(index, item, seen.log, ""),
        "size": [info.width, info.height],
        "boxes": {view: {**asdict(box), "scale": box.scale} for view, box in boxes.items()},
        "videoProblem": video_problem,
        "unit": unit,
        "time_s": found.keypoints.time_s.tolist(),
        "frames": found.frames.tolist(),
        "aperture": _rounded(aperture, 5),
        "confidence": _rounded(confidence.min(axis=1), 3),
        "reasons": found.apertures.reason.tolist(),
        "tips": {
            name: [place_of(place) for place in found.keypoints.position_of(name)] for name in TIPS
        },
        "setTips": [[frame, name] for (frame, name), _ in seen.corrections.tips],
        "closures": _closures_shown(seen),
        "task_s": task_of(found),
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


def _closures_shown(seen: Seen) -> list[dict[str, Any]]:
    """Return each closure, whether the rater placed it, and whether a tap ends or begins there."""
    counted = _closures_of(seen.measured.tapping.taps)
    placed = set(seen.corrections.placed_s)
    return [
        {
            "time_s": moment_s,
            "placed": moment_s in placed,
            "counts": bool((np.abs(counted - moment_s) < SAME_S).any()),
        }
        for moment_s in every_closure(seen)
    ]


def every_closure(seen: Seen) -> list[float]:
    """Return the closures of a recording in order: the rater's, or those of the taps found."""
    if seen.corrections.closures_s is not None:
        return list(seen.corrections.closures_s)
    return cast(list[float], _closures_of(seen.measured.tapping.taps).tolist())


def _plain(entry: Entry) -> dict[str, Any]:
    shown = asdict(entry)
    del shown["closures_s"], shown["rater"]
    return shown


def _closures_of(taps: Taps) -> FloatArray:
    return np.unique(np.concatenate([taps.closure_s, taps.next_closure_s]))


def task_of(measured: Measurement) -> list[float] | None:
    """Return start and end of the task in seconds, None where there is none."""
    task = measured.tapping.task
    return [task.start_s, task.end_s] if np.isfinite([task.start_s, task.end_s]).all() else None


def place_of(place: FloatArray) -> list[float] | None:
    """Return x and y, None where they are not known."""
    return [round(float(value), 3) for value in place] if np.isfinite(place).all() else None


def _rounded(values: FloatArray, decimals: int) -> list[float | None]:
    return [round(value, decimals) if np.isfinite(value) else None for value in values.tolist()]


def _value(measured: Measurement, name: str) -> float | None:
    value = measured.numbers[name]
    return float(f"{value:.4g}") if np.isfinite(value) else None
