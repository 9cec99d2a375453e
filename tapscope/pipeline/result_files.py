"""The files about one recording: tracks, keypoints, taps and bouts as CSV."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope.output import table
from tapscope.records import FloatArray, Keypoints, Taps, Task
from tapscope.signal.aperture import Apertures

_TIPS: Final = ("thumb_tip", "index_tip")


def tracks_csv(keypoints: Keypoints, apertures: Apertures, frames: NDArray[np.integer]) -> bytes:
    """Return the tracks file: one row a new picture, empty cells where unknown.

    Parameters
    ----------
    keypoints, apertures
        Of the frames that show a new picture.
    frames
        Their numbers, counted over all decoded frames; shape (frames,).
    """
    columns = {
        "time_s": table.fixed(keypoints.time_s, 6),
        "frame": [str(n) for n in frames.tolist()],
    }
    for name in _TIPS:
        place = keypoints.position_of(name)
        columns[f"{name}_x"] = table.fixed(place[:, 0], 3)
        columns[f"{name}_y"] = table.fixed(place[:, 1], 3)
    for name in _TIPS:
        sure = keypoints.confidence[:, keypoints.names.index(name)]
        columns[f"{name}_confidence"] = table.fixed(sure, 3)
    columns["aperture_px"] = table.fixed(apertures.aperture_px, 3)
    columns["aperture_hand"] = table.fixed(apertures.aperture_hand, 5)
    columns["aperture_mm"] = table.fixed(apertures.aperture_mm, 3)
    columns["angle_deg"] = table.fixed(apertures.angle_deg, 3)
    columns["reason"] = apertures.reason.tolist()
    return table.csv_bytes(list(columns), zip(*columns.values(), strict=True))


def keypoints_csv(keypoints: Keypoints, frames: NDArray[np.integer]) -> bytes:
    """Return the keypoints file: all keypoints of the hand as the network saw them.

    Parameters
    ----------
    keypoints
        Of the frames that show a new picture.
    frames
        Their numbers, as in `tracks_csv`.
    """
    columns = {
        "time_s": table.fixed(keypoints.time_s, 6),
        "frame": [str(n) for n in frames.tolist()],
    }
    for n, name in enumerate(keypoints.names):
        columns[f"{name}_x"] = table.fixed(keypoints.position_px[:, n, 0], 1)
        columns[f"{name}_y"] = table.fixed(keypoints.position_px[:, n, 1], 1)
        columns[f"{name}_confidence"] = table.fixed(keypoints.confidence[:, n], 2)
    return table.csv_bytes(list(columns), zip(*columns.values(), strict=True))


def taps_csv(taps: Taps) -> bytes:
    """Return the taps file: one row a tap, closure to closure."""
    columns = {
        "tap": [str(n) for n in range(1, len(taps) + 1)],
        "closure_s": table.fixed(taps.closure_s, 6),
        "next_closure_s": table.fixed(taps.next_closure_s, 6),
        "peak_s": table.fixed(taps.peak_s, 6),
        "amplitude": _texts(taps.amplitude),
        "unit": [taps.unit] * len(taps),
        "opening_speed_mean": _texts(taps.opening_speed_mean),
        "opening_speed_peak": _texts(taps.opening_speed_peak),
        "closing_speed_mean": _texts(taps.closing_speed_mean),
        "closing_speed_peak": _texts(taps.closing_speed_peak),
        "interval_s": table.fixed(taps.interval_s, 6),
        "flags": taps.flags.tolist(),
    }
    return table.csv_bytes(list(columns), zip(*columns.values(), strict=True))


def _texts(values: FloatArray) -> list[str]:
    return [table.cell_text(table.rounded(value)) for value in values.tolist()]


def bouts_csv(task: Task) -> bytes:
    """Return the file of bouts: one row a bout of tapping; `is_task` marks the measured one."""
    columns = {
        "bout": [str(n) for n in range(1, len(task.bouts) + 1)],
        "start_s": [f"{bout.start_s:.6f}" for bout in task.bouts],
        "end_s": [f"{bout.end_s:.6f}" for bout in task.bouts],
        "taps": [str(len(bout.peak_s)) for bout in task.bouts],
        "is_task": ["yes" if bout.start_s == task.start_s else "no" for bout in task.bouts],
    }
    return table.csv_bytes(list(columns), zip(*columns.values(), strict=True))
