"""Taps of real gyroscope recordings against the laboratory: python -m tests.bench.sensor_gyro DIR.

`tapscope.sensors` reads every .mat and gives its trajectory; the taps are found by the same code as
in videos. Prints F1 at 80 ms by diagnosis.

The laboratory's boundaries are not closures: they mark minima of the filtered angular velocity, a
quarter of a cycle before the closure. So each closure found is compared by the fastest moment of
the closing before it. Closings cut off by either end of a recording count where they reach 30 % of
the usual speed. Without this step the counts are the same and the times a quarter cycle apart.
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import butter, sosfiltfilt

from tapscope.records import FloatArray, Taps, Trajectory
from tapscope.sensors import read
from tapscope.sensors.trajectory import to_trajectory
from tests.matching import match
from tests.signal_path import find_taps

TOLERANCE_S = 0.08
SAMPLING_RATE_HZ = 200.0
TREMOR_FROM_HZ = 3.5
LEAST_SPEED_SHARE = 0.3


def closings(trajectory: Trajectory, taps: Taps) -> FloatArray:
    """Return the fastest moment of each closing, seconds; slower ones than tremor only."""
    if not len(taps):
        return np.empty(0)
    time_s = trajectory.time_s
    closure_s = np.append(taps.closure_s, taps.next_closure_s[-1:])
    cycle_s = float(np.median(taps.interval_s))
    speed = np.gradient(trajectory.aperture, time_s)
    top_hz = max(TREMOR_FROM_HZ, 2 / cycle_s)
    speed = sosfiltfilt(butter(2, top_hz, fs=SAMPLING_RATE_HZ, output="sos"), speed)
    begin_s = np.append(closure_s[0] - 0.6 * cycle_s, taps.peak_s)
    begin_s, end_s = (
        np.append(begin_s, closure_s[-1] + 0.25 * cycle_s),
        np.append(closure_s, np.inf),
    )
    found = []
    for begin, end in zip(*np.searchsorted(time_s, [begin_s, end_s]), strict=True):
        if end - begin > 1:
            found.append(int(begin + np.argmin(speed[begin:end])))
    usual = np.median(speed[found])
    inner = [n for n in found if time_s[n] >= closure_s[0] and time_s[n] <= closure_s[-1]]
    edges = [n for n in found if n not in inner and 2 <= n < len(speed) - 3]
    whole = [n for n in edges if speed[n] < LEAST_SPEED_SHARE * usual]
    return time_s[sorted(inner + whole)]


def main(folder: Path) -> None:
    """Print precision, recall and F1 of the closures by diagnosis and over all."""
    reference = pd.read_csv(folder / "taps.csv")
    counts: dict[str, FloatArray] = defaultdict(lambda: np.zeros(3))
    for row in reference.itertuples():
        path = folder / str(row.file)
        if not path.is_file():
            continue
        boundary_s = np.array(str(row.tap_boundaries_samples).split(), float) / SAMPLING_RATE_HZ
        trajectory = to_trajectory(read(path))
        found_s = closings(trajectory, find_taps(trajectory))
        of_file = np.array(
            [len(match(found_s, boundary_s, TOLERANCE_S)), len(found_s), len(boundary_s)]
        )
        for group in (str(row.diagnosis), "all"):
            counts[group] += of_file
    print(
        f"{'group':6} {'found':>6} {'lab':>6} precision recall    F1   ({TOLERANCE_S * 1e3:.0f} ms)"
    )
    for group, (both, found, lab) in counts.items():
        print(
            f"{group:6} {found:6.0f} {lab:6.0f} {both / found:9.4f} {both / lab:6.4f} "
            f"{2 * both / (found + lab):5.4f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
