"""Simulated pairs of a video and a sensor log, among them pairs that must not be trusted."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.integrate import cumulative_trapezoid

from tapscope.records import FloatArray, Trajectory

_STEP_S = 1e-3
_VIDEO_HZ, _SENSOR_HZ = 30.0, 200.0
_CLOCK_S = 100.0
_REST = 0.03
"""How far the resting fingers are apart, as a share of the usual amplitude."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What video and sensor see, and what the user states."""

    interval_cv: tuple[float, float] = (0.03, 0.12)
    """Range from which the coefficient of variation of the intervals is drawn."""
    width_cv: tuple[float, float] = (0.05, 0.15)
    """Likewise of the amplitudes."""
    rate_hz: float | None = None
    """None: 1 to 6 Hz."""
    slowing: float = 0.0
    """How much longer the intervals get from first to last, as a share; the same in each trial."""
    alternation: float = 0.0
    """How much every second interval is longer than the others, as a share."""
    log: Literal["same", "other trial", "other time"] = "same"
    """Whether the log holds the movement of the video, that of another trial at the same rate, or
    the same tapping before or after the video."""
    rests: bool = False
    """Whether the hand rests for 0.6 to 2 s before and after the task."""
    pause: bool = False
    """Whether the hand rests for 0.7 to 1.5 s within the task."""
    before_s: float = 1.5
    """How long before the video's first frame the sensor is on; negative: it starts later."""
    after_s: float = 1.5
    """How long after the last frame the sensor is on."""
    duration_s: float = 10.0
    """Of the video."""
    noise: float = 0.02
    """White noise of aperture and angular velocity, in their standard deviations."""
    lost_frames: float = 0.0
    jitter_s: float = 0.0
    """Standard deviation of the error of each frame's time stamp."""
    rough_error_s: tuple[float, float] | None = None
    """Range of the error of the stated offset, on either side; None: no offset is stated."""
    within_s: float = 2.0
    """How far from the stated offset to look."""


@dataclass(frozen=True, slots=True)
class SimulatedPair:
    """Both sides, what the user states, and the truth."""

    video: Trajectory
    sensor: Trajectory
    offset_s: float
    """NaN where no offset is right."""
    rate_hz: float
    rough_offset_s: float | None


def taps(
    random: np.random.Generator, scenario: Scenario, rate_hz: float, duration_s: float
) -> FloatArray:
    """Return the aperture every millisecond; intervals and amplitudes vary at random."""
    interval_cv, width_cv = (
        random.uniform(*scenario.interval_cv),
        random.uniform(*scenario.width_cv),
    )
    opening_share, closed_share = random.uniform(0.42, 0.55), random.uniform(0.0, 0.2)
    time_s = np.arange(0.0, duration_s, _STEP_S)
    aperture = np.zeros_like(time_s)
    start_s = -random.uniform(0, 1) / rate_hz
    pause_after_s = random.uniform(0.3, 0.7) * duration_s if scenario.pause else np.inf
    number = int(random.integers(2)) if scenario.alternation else 0
    while start_s < duration_s:
        if start_s > pause_after_s:
            start_s, pause_after_s = start_s + random.uniform(0.7, 1.5), np.inf
        longer = 1 + scenario.slowing * max(start_s, 0.0) / duration_s
        longer *= 1 + scenario.alternation * (number % 2)
        number += 1
        length_s = longer * max(0.5, 1 + interval_cv * random.normal()) / rate_hz
        during = (time_s >= start_s) & (time_s < start_s + length_s)
        phase = (time_s[during] - start_s) / length_s
        moved = np.clip((phase - closed_share / 2) / (1 - closed_share), 0, 1)
        rising = np.sin(np.pi / 2 * moved / opening_share) ** 2
        falling = np.cos(np.pi / 2 * (moved - opening_share) / (1 - opening_share)) ** 2
        width = np.clip(1 + width_cv * random.normal(), 0.4, 1.6)
        aperture[during] = width * np.where(moved < opening_share, rising, falling)
        start_s += length_s
    return aperture


def movement(
    random: np.random.Generator, scenario: Scenario, rate_hz: float, first_s: float, last_s: float
) -> tuple[FloatArray, FloatArray]:
    """Return times from `first_s` to `last_s` (video clock) and the aperture there."""
    time_s = np.arange(first_s, last_s, _STEP_S)
    aperture = taps(random, scenario, rate_hz, last_s - first_s)[: time_s.size]
    if scenario.rests:
        begin_s = random.uniform(0.6, 2.0)
        end_s = scenario.duration_s - random.uniform(0.6, 2.0)
        aperture = np.where((time_s >= begin_s) & (time_s < end_s), aperture, 0.0)
        # A hand at rest sways a little.
        sway = np.convolve(random.normal(size=time_s.size), np.hanning(400), "same")
        aperture = aperture + _REST * sway / sway.std()
    return time_s, aperture


def simulate(seed: int, scenario: Scenario) -> SimulatedPair:
    """Return a pair; the sensor's clock is about 100 s ahead and drifts."""
    random = np.random.default_rng(seed)
    rate_hz = scenario.rate_hz or random.uniform(1, 6)
    first_s, last_s = -scenario.before_s, scenario.duration_s + scenario.after_s
    whole = min(first_s, 0.0), max(last_s, scenario.duration_s)
    if scenario.log == "other time":
        # The log ends before the video begins, or begins after it ends.
        length_s, gap_s = last_s - first_s, random.uniform(0.5, 5.0)
        if random.random() < 0.5:
            first_s, last_s = -gap_s - length_s, -gap_s
        else:
            first_s = scenario.duration_s + gap_s
            last_s = first_s + length_s
        whole = min(first_s, 0.0), max(last_s, scenario.duration_s)
    time_s, aperture = movement(random, scenario, rate_hz, *whole)
    frame_s = np.arange(0, scenario.duration_s, 1 / _VIDEO_HZ)
    frame_s = frame_s[random.random(frame_s.size) >= scenario.lost_frames]
    seen = np.interp(frame_s, time_s, aperture)
    seen += scenario.noise * seen.std() * random.normal(size=seen.size)
    stamp_s = np.sort(frame_s - frame_s[0] + scenario.jitter_s * random.normal(size=frame_s.size))
    video = Trajectory(stamp_s + 1e-7 * np.arange(stamp_s.size), seen, "px", "video")
    if scenario.log == "other trial":
        time_s, aperture = movement(random, scenario, rate_hz, *whole)
    sample_s = np.arange(first_s, last_s - 0.01, 1 / _SENSOR_HZ)
    # The angle of a joint is no straight line of the distance of the tips.
    sine = np.clip(0.45 * np.interp(sample_s, time_s, aperture), -1, 1)
    velocity = np.gradient(np.degrees(2 * np.arcsin(sine)))
    velocity += scenario.noise * velocity.std() * random.normal(size=velocity.size)
    offset_s, drift_ppm = _CLOCK_S + random.uniform(-3, 3), 30 * random.normal()
    clock_s = (sample_s - frame_s[0]) * (1 + 1e-6 * drift_ppm) + offset_s
    sensor = Trajectory(clock_s, cumulative_trapezoid(velocity, initial=0), "deg", "gyroscope")
    rough_s = None
    if scenario.rough_error_s is not None:
        error_s = random.uniform(*scenario.rough_error_s) * random.choice([-1.0, 1.0])
        rough_s = offset_s + error_s
    right_s = offset_s if scenario.log == "same" else np.nan
    return SimulatedPair(video, sensor, right_s, rate_hz, rough_s)
