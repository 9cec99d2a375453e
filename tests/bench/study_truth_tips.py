"""Check taps on the true tips of a rendered study, with noise: no video, no network.

    python -m tests.bench.study_truth_tips FOLDER

The true tip pixels of FOLDER/truth/*.json get Gaussian noise of 1.5 px a coordinate and go through
apertures, task and taps. Amplitudes are held against the same steps without noise, closures against
the contacts from the first to the last, the task (data/clinic) against first opening and last
closing.
"""

import json
import sys
from pathlib import Path

import numpy as np

from tapscope.hand import INDEX_TIP, KEYPOINTS, THUMB_TIP
from tapscope.protocol import protocol
from tapscope.records import FloatArray, Keypoints
from tapscope.signal.aperture import from_keypoints
from tests.matching import match
from tests.signal_path import Path as SignalPath
from tests.signal_path import path_of

NOISE_PX = 1.5


def taps_of(time_s: FloatArray, tips_px: FloatArray) -> SignalPath:
    """Return task and taps of tips (frames, 2, 2), in pixels."""
    position = np.full((len(time_s), len(KEYPOINTS), 2), np.nan)
    position[:, [THUMB_TIP, INDEX_TIP]] = tips_px
    keypoints = Keypoints(
        time_s=time_s,
        position_px=position,
        confidence=np.ones((len(time_s), len(KEYPOINTS))),
        reason=np.full(len(time_s), "", dtype="U16"),
        names=KEYPOINTS,
        blur_px=np.zeros(len(time_s)),
        agreement=np.full(len(time_s), np.nan),
    )
    rules = protocol.load()
    apertures = from_keypoints(keypoints, rules.keypoints)
    return path_of(apertures.trajectory("px"), rules)


def check(path: Path, seed: int = 0) -> dict[str, float]:
    """Return the errors of one recording."""
    truth = json.loads(path.read_text())
    time_s, tips_px = np.array(truth["frame_times_s"]), np.array(truth["tips_px"])
    contacts_s = np.array(truth["contacts_s"])
    noise_px = np.random.default_rng(seed).normal(0, NOISE_PX, tips_px.shape)
    noisy, clean = taps_of(time_s, tips_px + noise_px), taps_of(time_s, tips_px).taps
    taps = noisy.taps
    found_s = np.unique(np.concatenate([taps.closure_s, taps.next_closure_s]))
    found_s = found_s[(found_s > contacts_s[0] - 0.05) & (found_s < contacts_s[-1] + 0.05)]
    task_s = truth.get("task_s", (np.nan, np.nan))
    pairs = match(found_s, contacts_s, 0.05)
    apart_s = [found_s[one] - contacts_s[two] for one, two in pairs]
    same = match(taps.peak_s, clean.peak_s, 0.05)
    true_rate_hz = (len(contacts_s) - 1) / float(np.ptp(contacts_s))
    return {
        "nominal_hz": float(truth["nominal_frequency_hz"]),
        "rate_error_hz": len(taps) / float(taps.interval_s.sum()) - true_rate_hz,
        "f1": 2 * len(pairs) / (len(found_s) + len(contacts_s)),
        "matched": len(pairs),
        "found": len(found_s),
        "true": len(contacts_s),
        "start_error_s": noisy.task.start_s - task_s[0],
        "end_error_s": noisy.task.end_s - task_s[1],
        "noise_px": noisy.movement.noise,
        "timing_ms": 1000 * float(np.median(np.abs(apart_s))),
        "amplitude_bias_pct": 100
        * (float(np.median([taps.amplitude[a] / clean.amplitude[b] for a, b in same])) - 1),
    }


def main() -> None:
    """Print one line a recording and the totals."""
    rows = [check(path) for path in sorted((Path(sys.argv[1]) / "truth").glob("*.json"))]
    for row in rows:
        print("  ".join(f"{name} {value:.3f}" for name, value in row.items()))
    matched = sum(row["matched"] for row in rows)
    print(f"F1 {2 * matched / sum(row['found'] + row['true'] for row in rows):.4f}")
    late = [max(abs(row["start_error_s"]), abs(row["end_error_s"])) for row in rows]
    print(f"tasks within 0.25 s at both ends: {sum(error <= 0.25 for error in late)}")
    print(f"rates within 0.1 Hz: {sum(abs(row['rate_error_hz']) <= 0.1 for row in rows)}")


if __name__ == "__main__":
    main()
