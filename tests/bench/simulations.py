"""Hold taps against simulated movements, beside plain peak finding.

    python -m tests.bench.simulations

Minimum-jerk taps (`tests.synthetic.reaches`) filmed under the conditions of each row. Plain peak
finding is what scripts in the field do: a 7.5 Hz zero-phase low-pass of the linearly interpolated
aperture, peaks at least 125 ms apart and of a prominence of 10 % of the range. Each cell reads
tapscope / plain peak finding.

count: mean absolute error of the number of taps. rate: mean absolute error of taps over the time
from first to last closure, percent. amplitude: mean over the recordings of the error of the median
amplitude, percent. CV: mean absolute error of the interval CV. closures: median distance of the
closures between two taps, ms. noise: median of the noise found over the true one (tapscope alone).
Rate and CV of tapscope take in the closures beside the rests, half of a usual closed time away from
the movement; plain peak finding is spared them, as it has no notion of a rest.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

from tapscope.protocol import protocol
from tapscope.records import FloatArray, Trajectory
from tapscope.signal.noise import noise_of
from tests.matching import match
from tests.signal_path import path_of
from tests.synthetic import Reach, filmed, reaches

SEEDS = 6


@dataclass(frozen=True)
class Found:
    """What one method says about one recording."""

    count: int
    rate_hz: float
    amplitude: float
    interval_cv: float
    closure_s: FloatArray
    noise: float = float("nan")
    has_ends: bool = False
    """Whether the closures beside the rests are among them."""


def plain_peaks(trajectory: Trajectory) -> Found:
    """Find peaks as most scripts do."""
    known = np.isfinite(trajectory.aperture)
    time_s = np.arange(trajectory.time_s[0], trajectory.time_s[-1], 1 / trajectory.sampling_rate_hz)
    aperture = np.interp(time_s, trajectory.time_s[known], trajectory.aperture[known])
    rate_hz = trajectory.sampling_rate_hz
    if rate_hz > 16:
        low_pass = butter(4, 7.5, fs=rate_hz, output="sos")
        aperture = sosfiltfilt(low_pass, aperture)
    limits = {"distance": max(0.125 * rate_hz, 1), "prominence": 0.1 * np.ptp(aperture)}
    peaks = find_peaks(aperture, **limits)[0]
    valleys = np.array([a + int(aperture[a:b].argmin()) for a, b in pairwise(peaks)], int)
    ends = [int(aperture[: peaks[0] + 1].argmin())] if len(peaks) else []
    ends += [*valleys, peaks[-1] + int(aperture[peaks[-1] :].argmin())] if len(peaks) else []
    floor = aperture[ends]
    heights = aperture[peaks] - (floor[:-1] + floor[1:]) / 2
    gaps_s = np.diff(time_s[valleys])
    if len(gaps_s) < 2:
        return Found(len(peaks), np.nan, np.nan, np.nan, time_s[valleys])
    return Found(
        len(peaks),
        1 / float(gaps_s.mean()),
        float(np.median(heights)),
        float(gaps_s.std(ddof=1) / gaps_s.mean()),
        time_s[valleys],
    )


def tapscope_taps(trajectory: Trajectory) -> Found:
    """Find taps as the program does, with the default protocol."""
    found = path_of(trajectory, protocol.load())
    taps = found.taps
    noise = noise_of(trajectory, found.movement, taps)
    closure_s = np.unique(np.concatenate([taps.closure_s, taps.next_closure_s]))
    if len(taps) < 2:
        return Found(len(taps), np.nan, np.nan, np.nan, closure_s, noise, True)
    return Found(
        len(taps),
        len(taps) / float(taps.interval_s.sum()),
        float(np.nanmedian(taps.amplitude)),
        float(taps.interval_s.std(ddof=1) / taps.interval_s.mean()),
        closure_s,
        noise,
        True,
    )


def errors(found: Found, motion: Reach, noise: float) -> tuple[float, ...]:
    """Return count, rate, amplitude, CV and closure errors and the noise as a share of the true."""
    gaps_s = np.diff(motion.closure_s)
    if found.has_ends:
        gaps_s = np.diff(motion.every_closure_s)
    rate_hz = 1 / gaps_s.mean()
    pairs = match(found.closure_s, motion.closure_s, 0.1)
    apart_s = [abs(found.closure_s[one] - motion.closure_s[two]) for one, two in pairs]
    return (
        abs(found.count - len(motion.taps)),
        abs(100 * (np.nan_to_num(found.rate_hz) / rate_hz - 1)),
        100 * (np.nan_to_num(found.amplitude) / np.median(motion.amplitude) - 1),
        abs(found.interval_cv - gaps_s.std(ddof=1) / gaps_s.mean()),
        1000 * float(np.median(apart_s)) if apart_s else np.nan,
        found.noise / noise if noise else np.nan,
    )


Row = Callable[..., tuple[Reach, Trajectory, float]]


def row(
    rate_hz: float,
    fps: float = 30.0,
    seed: int = 0,
    *,
    taps: dict[str, object] | None = None,
    film: dict[str, object] | None = None,
) -> tuple[Reach, Trajectory, float]:
    """Return one recording of a row: movement, trajectory and noise."""
    movement = {"jitter": 0.04, "spread": 0.06, "dwell": 0.15, **(taps or {})}
    # the frames meet the taps at another phase in each
    lead_s = 0.6 + 0.137 * (seed % 5)
    motion = reaches(rate_hz, seed=seed, **{"lead_in_s": lead_s, "lead_out_s": 0.6, **movement})
    camera = {"noise": (0.005, 0.01, 0.02)[seed % 3], **(film or {})}
    return motion, filmed(motion, fps, seed=seed, **camera), float(camera["noise"])


def _rows() -> Iterator[tuple[str, Row]]:
    yield from _plain_rows()
    yield from _restless_rows()
    yield from _lossy_rows()
    yield from _irregular_rows()


def _plain_rows() -> Iterator[tuple[str, Row]]:
    for rate_hz in (0.5, 1, 2, 3, 4, 5, 6, 7, 8):
        yield f"{rate_hz:g} Hz at 30", partial(row, rate_hz)
    for rate_hz, fps in ((2, 15), (4, 15), (4, 24), (6, 25), (8, 60), (3, 120), (7, 240)):
        yield f"{rate_hz} Hz at {fps}", partial(row, rate_hz, fps)
    for dwell in (0.05, 0.1, 0.3, 0.4, 0.5):
        for rate_hz in (1, 3, 5, 6):
            yield f"{rate_hz} Hz, closed {dwell:.0%}", partial(row, rate_hz, taps={"dwell": dwell})
    for rate_hz, fps in ((6, 24), (6, 25), (7, 30)):
        film: dict[str, object] = {}
        taps: dict[str, object] = {"dwell": 0.35}
        yield f"{rate_hz} Hz at {fps}, closed 35%", partial(row, rate_hz, fps, taps=taps, film=film)
    for share in (0.3, 0.7):
        yield f"3 Hz, opening {share:.0%}", partial(row, 3, taps={"opening_share": share})


def _restless_rows() -> Iterator[tuple[str, Row]]:
    yield "5 Hz, noise 3%", partial(row, 5, film={"noise": 0.03})
    yield "3 Hz, noise 5%", partial(row, 3, film={"noise": 0.05})
    for rest_s, share in ((2, 0.03), (5, 0.03), (5, 0.06)):
        rest = {"lead_in_s": rest_s, "lead_out_s": rest_s}
        for rate_hz in (1, 3, 5):
            yield (
                f"{rate_hz} Hz, rests {rest_s} s, fidget {share:.0%}",
                partial(row, rate_hz, taps=rest, film={"fidgets": share}),
            )
    half_open = {"lead_in_s": 3.0, "lead_out_s": 3.0, "rest_level": 0.4}
    yield (
        "3 Hz, rests half open, fidget 3%",
        partial(row, 3, taps=half_open, film={"fidgets": 0.03}),
    )
    still = {"lead_in_s": 4.0, "lead_out_s": 4.0}
    yield "3 Hz, rests 4 s, still", partial(row, 3, taps=still)
    for rate_hz in (0.5, 1, 2):
        yield f"{rate_hz:g} Hz, tremor 5%", partial(row, rate_hz, film={"tremor": 0.05})
        yield f"{rate_hz:g} Hz, tremor 7% at 60", partial(row, rate_hz, 60, film={"tremor": 0.07})
    yield "3 Hz, drift 100%", partial(row, 3, film={"drift": 1.0})


def _lossy_rows() -> Iterator[tuple[str, Row]]:
    for rate_hz in (2, 4):
        yield f"{rate_hz} Hz, lost 10%", partial(row, rate_hz, film={"lost": 0.1})
        yield f"{rate_hz} Hz, lost 20%", partial(row, rate_hz, film={"lost": 0.2})
        for share in (0.1, 0.2):
            film = {"block_lost": share}
            yield f"{rate_hz} Hz, blocks lost {share:.0%}", partial(row, rate_hz, film=film)
    for rate_hz in (1, 2, 3, 4, 5):
        for below in (0.03, 0.1):
            film = {"hidden_below": below}
            yield f"{rate_hz} Hz, hidden below {below:g}", partial(row, rate_hz, film=film)
    yield (
        "2 Hz, closed 40%, hidden",
        partial(row, 2, taps={"dwell": 0.4}, film={"hidden_below": 0.03}),
    )


def _irregular_rows() -> Iterator[tuple[str, Row]]:
    yield "3 Hz, 4 jumps", partial(row, 3, film={"jumps": 4})
    yield "5 Hz, 4 jumps", partial(row, 5, film={"jumps": 4})
    yield "3 Hz, halts closed 1 and 2.5 s", partial(row, 3, taps={"halts": {6: 1.0, 14: 2.5}})
    yield "3 Hz, halt open 1.5 s", partial(row, 3, taps={"open_halts": {9: 1.5}})
    yield "1 Hz, halt closed 3 s", partial(row, 1, taps={"halts": {4: 3.0}})
    for rate_hz in (2, 4):
        sizes = {"sizes": (1.0, 0.2)}
        yield f"{rate_hz} Hz, 100 and 20% in turn", partial(row, rate_hz, taps=sizes)
        yield f"{rate_hz} Hz, decrement to 20%", partial(row, rate_hz, taps={"decrement_to": 0.2})
    resting: dict[str, object] = {"decrement_to": 0.2, "lead_in_s": 3.0, "lead_out_s": 3.0}
    yield "3 Hz, decrement to 20%, rests 3 s", partial(row, 3, taps=resting, film={"fidgets": 0.01})
    yield "3 Hz, irregular 15%", partial(row, 3, taps={"jitter": 0.15, "spread": 0.2})


def main() -> None:
    """Print the table."""
    print("| recording | count | rate % | amplitude % | CV | closures ms | noise |")
    print("|---|---|---|---|---|---|---|")
    for name, make in _rows():
        cells = []
        for method in (tapscope_taps, plain_peaks):
            found = [
                errors(method(trajectory), motion, noise)
                for motion, trajectory, noise in (make(seed=seed) for seed in range(SEEDS))
            ]
            cells.append(np.array(found).T)
        ours, plain = cells
        means = [
            f"{mine.mean():.{digits}f} / {theirs.mean():.{digits}f}"
            for mine, theirs, digits in zip(ours[:4], plain[:4], (2, 2, 1, 3), strict=True)
        ]
        both_ms = f"{np.nanmedian(ours[4]):.0f} / {np.nanmedian(plain[4]):.0f}"
        print(
            f"| {name} | {' | '.join(means)} | {both_ms} | {np.nanmedian(ours[5]):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
