"""`tapscope compare` against the truth of a study: python -m tests.bench.compare_study FOLDER.

FOLDER holds sensor/ and truth/. The table is --features FILE where given; else it is made from the
true tips with 1.5 px of noise, as a network of that error would see them. Prints, for each
recording, the error of the clock and the flag, then what the issue asks for.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from tapscope.compare import Options, compare_study
from tapscope.compare.records import Comparison, RecordingComparison
from tapscope.records import FloatArray
from tests.paired_study import from_truth

SLIP_CYCLES = 0.25
VARIES_FROM = 0.05


def main() -> None:
    """Compare the study and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--features", type=Path)
    given = parser.parse_args()
    truths = {p.stem: json.loads(p.read_text()) for p in sorted(given.folder.glob("truth/*.json"))}
    with tempfile.TemporaryDirectory() as temporary:
        table = given.features or from_truth(given.folder, Path(temporary) / "features.csv")
        found = compare_study(Options(sensor=given.folder / "sensor", features=table))
    errors_s, slips = [], []
    print("recording                   rate  clock_ms     r  margin  flag             amplitude r")
    for each in found.recordings:
        truth = truths[each.recording]
        line, error_s, slipped = clock_line(each, truth)
        errors_s.append(error_s)
        if slipped:
            slips.append(each.sync.flag if each.sync else "")
        print(f"{line}  {amplitude_r(each):.3f} (truth varies {100 * varies(truth):.1f} %)")
    print_clocks(found, np.array(errors_s), slips, truths)
    print_agreement(found, truths)


def clock_line(each: RecordingComparison, truth: dict[str, object]) -> tuple[str, float, bool]:
    """Return a line for a recording, the error of its clock, and whether that slipped a cycle."""
    clock, frames_s = truth["sensor_clock"], truth["frame_times_s"]
    assert isinstance(clock, dict)
    assert isinstance(frames_s, list)
    rate_hz = float(str(truth["nominal_frequency_hz"]))
    sync = each.sync
    assert sync is not None
    error_s = sync.offset_s - clock["video_time_zero_at"] - frames_s[0]
    slipped = bool(abs(error_s) > SLIP_CYCLES / rate_hz)
    text = (
        f"{each.recording:26} {rate_hz:5.1f} {1e3 * error_s:9.1f} {sync.r:5.3f} {sync.margin:7.3f}"
        f"  {sync.flag or 'accepted':16} {'SLIP ' if slipped else ''}"
    )
    return text, error_s, slipped


def varies(truth: dict[str, object]) -> float:
    """Return the coefficient of variation of the true amplitudes."""
    amplitude = np.array(truth["amplitude_mm"], dtype=np.float64)
    return float(amplitude.std(ddof=1) / amplitude.mean())


def centred(each: RecordingComparison) -> tuple[FloatArray, FloatArray]:
    """Return the amplitudes of matched taps, less and over the recording's mean."""
    if each.taps is None:
        return np.empty(0), np.empty(0)
    video = each.taps.video.amplitude[list(each.taps.tap_of_video)]
    sensor = each.taps.sensor.amplitude[list(each.taps.tap_of_sensor)]
    return video / video.mean() - 1, sensor / sensor.mean() - 1


def amplitude_r(each: RecordingComparison) -> float:
    """Return the correlation of the amplitudes of one recording; NaN where clocks are unknown."""
    video, sensor = centred(each)
    return float(np.corrcoef(video, sensor)[0, 1]) if video.size > 2 else float("nan")


def print_clocks(
    found: Comparison, errors_s: FloatArray, slips: list[str], truths: dict[str, dict[str, object]]
) -> None:
    """Print how right the clocks are."""
    unflagged = [flag for flag in slips if flag in ("", "by_pattern")]
    accepted = np.array([each.taps is not None for each in found.recordings])
    print(
        f"clock error, median absolute: {1e3 * np.median(np.abs(errors_s)):.1f} ms of all, ", end=""
    )
    print(f"{1e3 * np.median(np.abs(errors_s[accepted])):.1f} ms of the {accepted.sum()} trusted")
    print(f"slips: {len(slips)}, of which trusted: {len(unflagged)}")
    claimed = [each for each in found.recordings if each.sync and each.sync.drift_known]
    right = 0
    for each in claimed:
        clock = truths[each.recording]["sensor_clock"]
        assert each.sync is not None
        assert isinstance(clock, dict)
        low, high = each.sync.drift_interval_ppm
        right += low <= clock["drift_ppm"] <= high
    print(f"drift: claimed {len(claimed)} times, right within its interval {right} times")


def print_agreement(found: Comparison, truths: dict[str, dict[str, object]]) -> None:
    """Print how video and sensor agree."""
    rate, taps = found.row("tapping_rate_hz"), found.row("tap_closure_time")
    if rate is not None:
        values = {estimate.name: estimate.value for estimate in rate.estimates}
        near = round(values["share_within_0.1"] * rate.n_recordings)
        print(f"rate: bias {values['bias']:+.4f} Hz, within 0.1 Hz {near} of {rate.n_recordings}")
    if taps is not None:
        counts = {estimate.name: estimate.value for estimate in taps.estimates}
        print(
            f"closures within {found.settings['event tolerance']}: F1 {counts['f1']:.4f} "
            f"({counts['matched']:.0f} matched, {counts['missed']:.0f} missed, "
            f"{counts['extra']:.0f} extra), median |error| "
            f"{1e3 * counts['timing_median_absolute_s']:.1f} ms, {taps.n_recordings} recordings"
        )
    chosen = [each for each in found.recordings if varies(truths[each.recording]) >= VARIES_FROM]
    sides = [centred(each) for each in chosen]
    video, sensor = (np.concatenate([side[n] for side in sides]) for n in (0, 1))
    compared = sum(side[0].size > 0 for side in sides)
    print(
        f"amplitude per tap, centred within the {compared} of {len(chosen)} recordings whose truth "
        f"varies by 5 % or more: r {np.corrcoef(video, sensor)[0, 1]:.3f} ({video.size} taps)"
    )


if __name__ == "__main__":
    main()
