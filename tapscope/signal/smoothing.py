"""From the samples of a trajectory to the movement between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from tapscope.protocol.rules import GapRules, SmoothingRules
from tapscope.records import FloatArray, Trajectory
from tapscope.signal import spectrum
from tapscope.signal.bridges import Bridges, bridge
from tapscope.signal.wiener import likely_noise, reconstruct

_SPECTRUM_HZ = 60.0
_MIN_SAMPLES = 8
_DENSE_SAMPLES = 5.5
"""Five samples in a row span four sampling intervals, with one of them lost five."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Movement over a time without an unbridged gap, on an even grid."""

    time_s: FloatArray
    """Even grid, seconds; shape (n,)."""
    aperture: FloatArray
    """Estimated aperture, in the unit of the trajectory, no smaller for the noise; shape (n,)."""
    smoothed: FloatArray
    """The same with less noise and fast movement a little smaller: in it taps are looked for, in
    `aperture` they are measured; shape (n,)."""
    sample_s: FloatArray
    """Times of the known samples that it rests on; shape (samples,)."""
    inferred_s: FloatArray
    """Times within gaps whose aperture was inferred from the neighbours; shape (inferred,)."""
    hidden_peak_s: FloatArray
    """Those among them where the tips were widest unseen; shape (hidden,)."""

    @property
    def speed(self) -> FloatArray:
        """Return the rate of change of the aperture, unit per second, opening positive."""
        return np.gradient(self.aperture, self.time_s)


@dataclass(frozen=True, slots=True)
class Movement:
    """All stretches of a recording and what was learnt on the way."""

    stretches: tuple[Stretch, ...]
    """In order of time; empty where too little is known."""
    spectral_rate_hz: float
    """Strongest rhythm of the recording; NaN unknown."""
    line_power: float
    """Power of that rhythm, in variances of the signal (`spectrum.strongest_line`); NaN unknown."""
    passband_hz: float
    """Highest frequency that smoothing left alone; NaN unknown."""
    noise: float
    """What smoothing takes for the standard deviation of the noise of one sample, in the unit of
    the trajectory; with few samples a tap it holds what these do not show of the movement, too (see
    `noise.noise_of` for the noise alone)."""
    max_gap_s: float
    """Longest time between known samples that was bridged."""
    usual_gap_s: float
    """Longest time between known samples that is no gap: two and a half sampling intervals."""
    sampling_rate_hz: float
    """Median rate of the known samples."""

    @property
    def remaining_noise(self) -> float:
        """Return about the standard deviation of the noise that smoothing leaves."""
        passed = min(2.4 * self.passband_hz / self.sampling_rate_hz, 1.0)
        return float(self.noise * np.sqrt(passed))


def estimate(
    trajectory: Trajectory,
    smoothing: SmoothingRules = SmoothingRules(),  # noqa: B008 - frozen
    gaps: GapRules = GapRules(),  # noqa: B008 - frozen
) -> Movement:
    """Estimate the movement under a trajectory at moments between its samples.

    NaN samples are left out. What lies in a short gap is inferred from its neighbours where they
    leave no doubt (`bridges`); a longer gap cuts the movement in two. The passband follows the
    measured tapping rate and the measured bandwidth.
    """
    known = np.isfinite(trajectory.aperture)
    time_s, values = trajectory.time_s[known], trajectory.aperture[known]
    unknown = float("nan")
    if not _is_enough(time_s, values):
        return Movement((), unknown, unknown, unknown, unknown, gaps.max_gap_s, unknown, unknown)
    sampling_rate_hz = trajectory.sampling_rate_hz
    kept = ~_jumps(time_s, values, sampling_rate_hz, smoothing)
    time_s, values = time_s[kept], values[kept]
    usual_gap_s = 2.5 / sampling_rate_hz
    rate_hz = _rhythm_hz(trajectory.time_s, time_s, values)
    max_gap_s = max(min(gaps.max_gap_s, gaps.max_gap_cycles / rate_hz), usual_gap_s)
    bridges = bridge(
        time_s,
        values,
        step_s=1.0 / sampling_rate_hz,
        rate_hz=rate_hz,
        max_gap_s=max_gap_s,
        rules=gaps,
    )
    order = np.argsort(np.concatenate([time_s, bridges.time_s]), kind="stable")
    every_s = np.concatenate([time_s, bridges.time_s])[order]
    every = np.concatenate([values, bridges.aperture])[order]
    few_s, few = spectrum.decimate(every_s, every, _SPECTRUM_HZ)
    # what the spectrum shows between its lines: noise, and rhythm too unsteady to be reconstructed
    blur = spectrum.noise_sd(few_s, few) * np.sqrt(len(every_s) // len(few_s))
    rate_hz, line_power = spectrum.strongest_line(few_s, few)
    passband_hz = float(
        np.nanmax(
            [
                smoothing.passband_rates * rate_hz,
                spectrum.bandwidth_hz(few_s, few, blur, smoothing.power_share),
                1.0,
            ]
        )
    )
    noise = trajectory.noise
    if np.isnan(noise):
        noise = likely_noise(every_s, every, passband_hz)
    blur = float(np.clip(blur, noise, 2 * noise))
    cuts = np.searchsorted(every_s, bridges.cut_s)
    stretches = tuple(
        _stretch((part_s, part), (time_s, bridges), smoothing.grid_hz, passband_hz, blur)
        for part_s, part in zip(np.split(every_s, cuts), np.split(every, cuts), strict=True)
        if _is_enough(part_s, part)
    )
    return Movement(
        stretches=stretches,
        spectral_rate_hz=rate_hz,
        line_power=line_power,
        passband_hz=passband_hz,
        noise=float(noise),
        max_gap_s=max_gap_s,
        usual_gap_s=usual_gap_s,
        sampling_rate_hz=sampling_rate_hz,
    )


def _is_enough(time_s: FloatArray, values: FloatArray) -> bool:
    """Return whether there are samples enough for a movement, also where many are averaged."""
    if len(time_s) < _MIN_SAMPLES or np.ptp(values) == 0:
        return False
    return len(spectrum.decimate(time_s, values, _SPECTRUM_HZ)[0]) >= _MIN_SAMPLES


def _jumps(
    time_s: FloatArray, values: FloatArray, sampling_rate_hz: float, rules: SmoothingRules
) -> NDArray[np.bool_]:
    """Return the single samples that are far off the cubic through two neighbours on each side.

    Where samples are lost among these neighbours, a fast tap looks like a jump: nothing is said.
    """
    jumps = np.zeros(len(values), dtype=np.bool_)
    before, after = values[:-4] - 4 * values[1:-3], values[4:] - 4 * values[3:-1]
    off = np.abs(values[2:-2] + (before + after) / 6)
    low, high = np.percentile(values, [5, 95])
    least = max(rules.max_jump_share * (high - low), rules.jump_multiple * float(np.median(off)))
    # a jump throws off its neighbours' cubics too, by less
    highest = maximum_filter1d(off, 5)
    is_dense = (time_s[4:] - time_s[:-4]) * sampling_rate_hz < _DENSE_SAMPLES
    jumps[2:-2] = (off > least) & (off >= highest) & is_dense
    return jumps


def _rhythm_hz(frame_s: FloatArray, time_s: FloatArray, values: FloatArray) -> float:
    """Return the strongest rhythm where frames may be lost in step with it.

    Lost frames get values between their neighbours first: without them the rhythm of the
    losses would pass for one of the movement.
    """
    inside_s = frame_s[(frame_s >= time_s[0]) & (frame_s <= time_s[-1])]
    filled = np.interp(inside_s, time_s, values)
    return spectrum.spectral_rate_hz(*spectrum.decimate(inside_s, filled, _SPECTRUM_HZ))


def _stretch(
    samples: tuple[FloatArray, FloatArray],
    sources: tuple[FloatArray, Bridges],
    grid_hz: float,
    passband_hz: float,
    noise: float,
) -> Stretch:
    """Return the movement through some samples, of which the sources say whether they were seen."""
    part_s, part = samples
    known_s, bridges = sources
    grid_s = np.arange(part_s[0], part_s[-1], 1.0 / grid_hz)
    found = reconstruct(part_s, part, grid_s, passband_hz=passband_hz, noise=noise)
    seen = (known_s >= part_s[0]) & (known_s <= part_s[-1])
    inferred = (bridges.time_s >= part_s[0]) & (bridges.time_s <= part_s[-1])
    hidden = inferred & (bridges.is_peak > 0)
    return Stretch(
        grid_s,
        found.twiced,
        found.plain,
        known_s[seen],
        bridges.time_s[inferred],
        bridges.time_s[hidden],
    )
