"""From the samples of a trajectory to the movement between them."""

from dataclasses import dataclass

import numpy as np

from tapscope.protocol.rules import GapRules, SmoothingRules
from tapscope.records import FloatArray, Trajectory
from tapscope.signal import spectrum
from tapscope.signal.wiener import likely_noise, reconstruct

_SPECTRUM_HZ = 60.0
_MIN_SAMPLES = 8


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

    @property
    def speed(self) -> FloatArray:
        """Return the rate of change of the opening, unit per second, opening positive."""
        return np.gradient(self.aperture, self.time_s)


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

    NaN samples are left out; a gap longer than the rules allow cuts the movement in two.
    The passband follows the measured tapping rate and the measured bandwidth.
    """
    known = np.isfinite(trajectory.aperture)
    time_s, values = trajectory.time_s[known], trajectory.aperture[known]
    unknown = float("nan")
    if len(time_s) < _MIN_SAMPLES or np.ptp(values) == 0:
        return Movement((), unknown, unknown, unknown, gaps.max_gap_s, unknown, unknown)
    sampling_rate_hz = spectrum.median_rate_hz(time_s)
    few_s, few = spectrum.decimate(time_s, values, _SPECTRUM_HZ)
    # what the spectrum shows between its lines: noise, and rhythm too unsteady to be reconstructed
    blur = spectrum.noise_sd(few_s, few) * np.sqrt(len(time_s) // len(few_s))
    rate_hz = spectrum.spectral_rate_hz(few_s, few)
    passband_hz = np.nanmax(
        [
            smoothing.passband_rates * rate_hz,
            spectrum.bandwidth_hz(few_s, few, blur, smoothing.power_share),
            1.0,
        ]
    )
    usual_gap_s = 2.5 / sampling_rate_hz
    noise = trajectory.noise
    if np.isnan(noise):
        noise = likely_noise(time_s, values, float(passband_hz))
    max_gap_s = max(min(gaps.max_gap_s, gaps.max_gap_cycles / rate_hz), usual_gap_s)
    cuts = np.flatnonzero(np.diff(time_s) > max_gap_s) + 1
    stretches = []
    for part_s, part in zip(np.split(time_s, cuts), np.split(values, cuts), strict=True):
        if len(part_s) < _MIN_SAMPLES or np.ptp(part) == 0:
            continue
        grid_s = np.arange(part_s[0], part_s[-1], 1.0 / smoothing.grid_hz)
        found = reconstruct(
            part_s,
            part,
            grid_s,
            passband_hz=float(passband_hz),
            noise=float(np.clip(blur, noise, 2 * noise)),
        )
        stretches.append(Stretch(grid_s, found.twiced, found.plain, part_s))
    return Movement(
        stretches=tuple(stretches),
        spectral_rate_hz=rate_hz,
        passband_hz=float(passband_hz),
        noise=float(noise),
        max_gap_s=max_gap_s,
        usual_gap_s=usual_gap_s,
        sampling_rate_hz=sampling_rate_hz,
    )
