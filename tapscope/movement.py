"""From the samples of a trajectory to the movement between them."""

from dataclasses import dataclass

import numpy as np

from tapscope import signals
from tapscope.protocol import GapRules, SmoothingRules
from tapscope.records import FloatArray, Trajectory

_SPECTRUM_HZ = 60.0
_MIN_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class Stretch:
    """Movement over a time without an unbridged gap, on an even grid."""

    time_s: FloatArray
    """Even grid, seconds; shape (n,)."""
    opening: FloatArray
    """Estimated opening, in the unit of the trajectory; shape (n,)."""
    sample_s: FloatArray
    """Times of the known samples that it rests on; shape (samples,)."""

    @property
    def speed(self) -> FloatArray:
        """Return the rate of change of the opening, unit per second, opening positive."""
        return np.gradient(self.opening, self.time_s)


@dataclass(frozen=True, slots=True)
class Movement:
    """All stretches of a recording and what was learnt on the way."""

    stretches: tuple[Stretch, ...]
    """In order of time; empty where too little is known."""
    spectral_rate_hz: float
    """Strongest rhythm of the recording; NaN unknown."""
    passband_hz: float
    """Highest frequency that smoothing left alone; NaN unknown."""
    noise: float
    """Standard deviation of the noise of one sample, in the unit of the trajectory."""
    max_gap_s: float
    """Longest time between known samples that was bridged."""


def estimate(
    trajectory: Trajectory,
    smoothing: SmoothingRules = SmoothingRules(),  # noqa: B008 - frozen
    gaps: GapRules = GapRules(),  # noqa: B008 - frozen
) -> Movement:
    """Estimate the movement under a trajectory at moments between its samples.

    NaN samples are left out; a gap longer than the rules allow cuts the movement in two.
    The passband follows the measured tapping rate and the measured bandwidth.
    """
    known = np.isfinite(trajectory.opening)
    time_s, opening = trajectory.time_s[known], trajectory.opening[known]
    unknown = float("nan")
    if len(time_s) < _MIN_SAMPLES or np.ptp(opening) == 0:
        return Movement((), unknown, unknown, unknown, gaps.max_gap_s)
    sampling_rate_hz = signals.median_rate_hz(time_s)
    few_s, few = signals.thin(time_s, opening, _SPECTRUM_HZ)
    noise = trajectory.noise
    if np.isnan(noise):
        noise = signals.noise_sd(few_s, few) * np.sqrt(len(time_s) // len(few_s))
    rate_hz = signals.spectral_rate_hz(few_s, few)
    passband_hz = np.nanmax(
        [
            smoothing.passband_rates * rate_hz,
            signals.bandwidth_hz(few_s, few, noise, smoothing.power_share),
            1.0,
        ]
    )
    max_gap_s = min(
        gaps.max_gap_s, np.nanmax([gaps.max_gap_cycles / rate_hz, 2.5 / sampling_rate_hz])
    )
    cuts = np.flatnonzero(np.diff(time_s) > max_gap_s) + 1
    stretches = []
    for part_s, part in zip(np.split(time_s, cuts), np.split(opening, cuts), strict=True):
        if len(part_s) < _MIN_SAMPLES or np.ptp(part) == 0:
            continue
        grid_s = np.arange(part_s[0], part_s[-1], 1.0 / smoothing.grid_hz)
        estimated = signals.reconstruct(part_s, part, grid_s, float(passband_hz), float(noise))
        stretches.append(Stretch(grid_s, estimated, part_s))
    return Movement(tuple(stretches), rate_hz, float(passband_hz), float(noise), float(max_gap_s))
