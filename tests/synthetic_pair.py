"""A made-up pair of recordings: a video and a gyroscope angle of the same tapping."""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import cumulative_trapezoid

from tapscope.records import FloatArray, Trajectory

_STEP_S = 1e-3
VIDEO_HZ, SENSOR_HZ = 30.0, 200.0


@dataclass(frozen=True, slots=True)
class Hardship:
    """What makes a pair hard to align."""

    overlap: float = 1.0
    """Share of the video during which the sensor was on."""
    noise: float = 0.0
    """White noise of the video's aperture and of the sensor's angular velocity, in their SDs."""
    lost_frames: float = 0.0
    jitter_s: float = 0.0
    """Standard deviation of the error of each frame's time stamp."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides and the truth."""

    video: Trajectory
    sensor: Trajectory
    offset_s: float
    drift_ppm: float
    rate_hz: float


def tapping(
    random: np.random.Generator, rate_hz: float, duration_s: float
) -> tuple[FloatArray, FloatArray]:
    """Return time and aperture of taps that vary in interval (3 to 12 %) and width (5 to 15 %)."""
    interval_cv, width_cv = random.uniform(0.03, 0.12), random.uniform(0.05, 0.15)
    opening_share, closed_share = random.uniform(0.42, 0.55), random.uniform(0.0, 0.2)
    decrement = random.choice([0.0, 0.0, 0.01, 0.03])
    time_s = np.arange(0.0, duration_s, _STEP_S)
    aperture = np.zeros_like(time_s)
    start_s, width = -random.uniform(0, 1) / rate_hz, 1.0
    while start_s < duration_s:
        length_s = max(0.5, 1 + interval_cv * random.normal()) / rate_hz
        during = (time_s >= start_s) & (time_s < start_s + length_s)
        phase = (time_s[during] - start_s) / length_s
        moved = np.clip((phase - closed_share / 2) / (1 - closed_share), 0, 1)
        rising = np.sin(np.pi / 2 * moved / opening_share) ** 2
        falling = np.cos(np.pi / 2 * (moved - opening_share) / (1 - opening_share)) ** 2
        this = width * np.clip(1 + width_cv * random.normal(), 0.4, 1.6)
        aperture[during] = this * np.where(moved < opening_share, rising, falling)
        start_s += length_s
        width = max(0.3, width * (1 - decrement))
    return time_s, aperture


def make_pair(seed: int, hardship: Hardship, duration_s: float = 10.0) -> Pair:
    """Return a pair of 1 to 6 Hz with a sensor clock that is offset and drifts."""
    random = np.random.default_rng(seed)
    rate_hz = random.uniform(1, 6)
    whole_s = duration_s * (2 - hardship.overlap) + 3.0 * (hardship.overlap == 1.0)
    time_s, aperture = tapping(random, rate_hz, whole_s)
    first_frame_s = 1.5 if hardship.overlap == 1.0 else 0.0
    frame_s = first_frame_s + np.arange(0, duration_s, 1 / VIDEO_HZ)
    frame_s = frame_s[random.random(frame_s.size) >= hardship.lost_frames]
    width = np.interp(frame_s, time_s, aperture)
    width += hardship.noise * width.std() * random.normal(size=width.size)
    stamp_s = np.sort(frame_s - frame_s[0] + hardship.jitter_s * random.normal(size=frame_s.size))
    video = Trajectory(stamp_s + 1e-7 * np.arange(stamp_s.size), width, "px", "video")

    sensor_on_s = duration_s * (1 - hardship.overlap)
    sample_s = np.arange(sensor_on_s, whole_s - 0.01, 1 / SENSOR_HZ)
    # The angle of a keypoint is no straight line of the distance of the tips.
    angle_deg = np.degrees(2 * np.arcsin(0.45 * np.interp(sample_s, time_s, aperture)))
    velocity = np.gradient(angle_deg)
    velocity += hardship.noise * velocity.std() * random.normal(size=velocity.size)
    offset_s, drift_ppm = 100 + random.uniform(-3, 3), 30 * random.normal()
    clock_s = (sample_s - frame_s[0]) * (1 + 1e-6 * drift_ppm) + offset_s
    sensor = Trajectory(clock_s, cumulative_trapezoid(velocity, initial=0), "deg", "gyroscope")
    return Pair(video, sensor, offset_s, drift_ppm, rate_hz)
