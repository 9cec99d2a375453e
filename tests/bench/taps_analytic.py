"""Print rate, timing and amplitude errors on analytic taps: python -m tests.bench.taps_analytic."""

import numpy as np

from tapscope.records import FloatArray
from tests.matching import match
from tests.signal_path import find_taps
from tests.synthetic import Motion, frames, sampled, tapping

RATES_HZ = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
WAYS = ("cosine", "study", "lost frames", "exposure", "halts", "decrement")


def motion_of(way: str, rate_hz: float, seed: int) -> Motion:
    """Return the movement of one simulated recording."""
    phase = (0.37 * seed) % 1
    if way in ("cosine", "lost frames"):
        return tapping(rate_hz, phase=phase)
    halts = dict.fromkeys(range(5, 400, 6), 0.7) if way == "halts" else None
    decrement = 1 - 0.2 ** (1 / (8 * rate_hz)) if way == "decrement" else 0.0
    return tapping(
        rate_hz, phase=phase, seed=seed, jitter=0.03, spread=0.06, halts=halts, decrement=decrement
    )


def errors(way: str, rate_hz: float, seed: int) -> tuple[float, float, float, float]:
    """Return error of the rate (Hz), F1 and median timing error (s) of closures, amplitude bias."""
    motion = motion_of(way, rate_hz, seed)
    time_s = frames(lost=0.05 if way == "lost frames" else 0.0, seed=seed)
    exposure_s = 0.6 / 30 if way == "exposure" else 0.0
    taps = find_taps(sampled(motion, time_s, seed=seed, exposure_s=exposure_s))
    truth_s: FloatArray = motion.closure_s
    inside = (truth_s >= 0) & (truth_s <= time_s[-1])
    truth_s, amplitude = truth_s[inside], motion.amplitude[inside[:-1]]
    found_s = np.unique(np.concatenate([taps.closure_s, taps.next_closure_s]))
    pairs = match(found_s, truth_s, 0.05)
    one, two = np.array(pairs).T
    starts = match(taps.closure_s, truth_s[:-1], 0.05)
    bias = float(np.median([taps.amplitude[a] / amplitude[b] for a, b in starts])) - 1
    slack_s = 0.25 / rate_hz
    spanned_s = truth_s[(truth_s > found_s[0] - slack_s) & (truth_s < found_s[-1] + slack_s)]
    true_rate_hz = (len(spanned_s) - 1) / float(np.ptp(spanned_s))
    rate_error_hz = len(taps) / float(taps.interval_s.sum()) - true_rate_hz
    share = 2 * len(pairs) / (len(found_s) + len(truth_s))
    return rate_error_hz, share, float(np.median(np.abs(found_s[one] - truth_s[two]))), bias


def main() -> None:
    """Print a table: worst rate error, F1, timing and amplitude bias over the seeds."""
    for way in WAYS:
        for rate_hz in RATES_HZ:
            rate, share, timing, bias = np.array(
                [errors(way, rate_hz, seed) for seed in range(6)]
            ).T
            print(
                f"{way:12s} {rate_hz:3.1f} Hz: rate error at most {np.abs(rate).max():.4f} Hz, "
                f"closures F1 {share.mean():.4f}, {1000 * timing.mean():5.1f} ms, "
                f"amplitude {100 * bias.min():+5.1f} to {100 * bias.max():+5.1f} %"
            )


if __name__ == "__main__":
    main()
