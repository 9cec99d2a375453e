"""Clock offsets of the rendered study against the truth: python -m tests.bench.sync_study FOLDER.

The video side is the distance of the true tip pixels with 1.5 px of noise, at the true frame times;
the sensor side is the gyroscope with the sign of its axis unknown.
"""

import json
import sys
from pathlib import Path

import numpy as np

from tapscope.records import Trajectory
from tapscope.sensors import read
from tapscope.sensors.trajectory import both_signs
from tapscope.sync.cross_correlation import choose_sign

NOISE_PX = 1.5


def main(folder: Path) -> None:
    """Print error, r, margin, evidence and flag of every recording, and the median error."""
    errors_s, unflagged_slips = [], 0
    print(f"{'recording':26}  rate  error_ms     r  margin  evidence  taps    cv  of taps  flag")
    for number, path in enumerate(sorted((folder / "truth").glob("*.json"))):
        truth = json.loads(path.read_text())
        time_s = np.array(truth["frame_times_s"])
        tips_px = np.array(truth["tips_px"])
        tips_px += np.random.default_rng(number).normal(scale=NOISE_PX, size=tips_px.shape)
        distance_px = np.linalg.norm(tips_px[:, 0] - tips_px[:, 1], axis=1)
        video = Trajectory(time_s - time_s[0], distance_px, "px", "video")
        recording = read(folder / "sensor" / f"{path.stem}.csv")
        _, found = choose_sign(video, both_signs(recording))
        error_s = found.offset_s - truth["sensor_clock"]["video_time_zero_at"] - time_s[0]
        rate_hz = truth["nominal_frequency_hz"]
        slipped = abs(error_s) > 0.25 / rate_hz
        unflagged_slips += slipped and found.is_trusted
        errors_s.append(error_s)
        print(
            f"{path.stem:26} {rate_hz:5.1f} {1e3 * error_s:9.1f} {found.r:5.3f} "
            f"{found.margin:7.3f} {found.evidence:9.1f} {found.taps:5d} {found.interval_cv:5.3f} "
            f"{found.tap_evidence:8.1f}  {found.flag}{' SLIP' if slipped else ''}"
        )
    print(f"median |error| {1e3 * np.median(np.abs(errors_s)):.1f} ms of {len(errors_s)}")
    print(f"slips with flag '' or 'by_pattern': {unflagged_slips}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
