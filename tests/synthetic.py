"""Analytic taps with known closures, amplitudes and rates."""

from dataclasses import dataclass

import numpy as np

from tapscope.hand import INDEX_TIP, KEYPOINTS, MIDDLE_MCP, THUMB_TIP, WRIST
from tapscope.records import FloatArray, Keypoints, Trajectory


@dataclass(frozen=True)
class Cycle:
    """One tap: closed for `dwell` of its duration (half before, half after), then sin² up and down.

    `hold_s` is spent closed after it.
    """

    start_s: float
    duration_s: float
    amplitude: float
    opening_share: float = 0.5
    dwell: float = 0.0
    hold_s: float = 0.0

    @property
    def end_s(self) -> float:
        """Return where the next cycle begins."""
        return self.start_s + self.duration_s + self.hold_s

    def __call__(self, time_s: FloatArray) -> FloatArray:
        """Return the aperture, 0 outside the cycle."""
        phase = (time_s - self.start_s) / self.duration_s
        inside = (phase >= 0) & (phase < 1)
        phase = np.clip((phase - self.dwell / 2) / (1 - self.dwell), 0, 1)
        way = np.where(
            phase < self.opening_share,
            0.5 * phase / self.opening_share,
            0.5 + 0.5 * (phase - self.opening_share) / (1 - self.opening_share),
        )
        return np.where(inside, self.amplitude * np.sin(np.pi * way) ** 2, 0.0)


@dataclass(frozen=True)
class Motion:
    """A row of taps."""

    cycles: tuple[Cycle, ...]

    def __call__(self, time_s: FloatArray) -> FloatArray:
        """Return the aperture at any moments."""
        return np.sum([cycle(time_s) for cycle in self.cycles], axis=0)

    @property
    def closure_s(self) -> FloatArray:
        """Return the middle of the closed phase between each two cycles."""
        middles = []
        for before, after in zip(self.cycles[:-1], self.cycles[1:], strict=True):
            closed = before.start_s + before.duration_s * (1 - before.dwell / 2)
            opened = after.start_s + after.duration_s * after.dwell / 2
            middles.append((closed + opened) / 2)
        return np.array(middles)

    @property
    def amplitude(self) -> FloatArray:
        """Return the amplitude of each tap between two closures."""
        return np.array([cycle.amplitude for cycle in self.cycles[1:-1]])


def tapping(
    rate_hz: float,
    duration_s: float = 8.0,
    *,
    phase: float = 0.5,
    decrement: float = 0.0,
    halts: dict[int, float] | None = None,
    seed: int | None = None,
    jitter: float = 0.0,
    spread: float = 0.0,
) -> Motion:
    """Return steady taps, or (with a seed) taps of varying period, size and shape.

    `halts` maps the number of a cycle to the seconds the hand stays closed after it.
    """
    rng = np.random.default_rng(seed)
    cycles: list[Cycle] = []
    start_s = -(1 + phase) / rate_hz
    while start_s < duration_s + 1 / rate_hz:
        number = len(cycles)
        period_s = max(0.6, 1 + jitter * rng.normal()) / rate_hz
        size = (1 - decrement) ** number * float(np.clip(1 + spread * rng.normal(), 0.7, 1.25))
        shape = (0.5, 0.0) if seed is None else (rng.uniform(0.4, 0.55), rng.uniform(0, 0.2))
        hold_s = (halts or {}).get(number, 0.0)
        cycles.append(Cycle(start_s, period_s, size, *shape, hold_s))
        start_s = cycles[-1].end_s
    return Motion(tuple(cycles))


def frames(
    duration_s: float = 8.0, fps: float = 30.0, *, lost: float = 0.0, seed: int = 0
) -> FloatArray:
    """Return frame times; with `lost` that share is missing and the others jitter by 3 ms."""
    time_s = np.arange(0, duration_s, 1 / fps)
    if lost == 0:
        return time_s
    rng = np.random.default_rng(seed)
    time_s = np.sort(time_s + rng.normal(0, 0.003, len(time_s)))
    time_s = time_s[rng.random(len(time_s)) > lost]
    return np.round(time_s - time_s[0], 3)


def cosine(time_s: FloatArray, rate_hz: float) -> FloatArray:
    """Return a raised cosine between 0 and 1, closed at time 0."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * rate_hz * time_s)


def sampled(
    motion: Motion,
    time_s: FloatArray,
    *,
    noise: float = 0.02,
    seed: int = 0,
    exposure_s: float = 0.0,
) -> Trajectory:
    """Return what a camera sees: the mean over the exposure, with noise."""
    moments = time_s[:, None] + np.linspace(-0.5, 0.5, 15) * exposure_s
    aperture = np.mean([motion(moment) for moment in moments.T], axis=0)
    aperture = aperture + noise * np.random.default_rng(seed).normal(size=len(time_s))
    return Trajectory(time_s, aperture, "none", "analytic")


def hand(aperture_px: FloatArray, time_s: FloatArray, hand_px: float = 120.0) -> Keypoints:
    """Return key points of a hand whose tips are `aperture_px` apart."""
    position = np.full((len(time_s), len(KEYPOINTS), 2), np.nan)
    position[:, WRIST] = (300.0, 400.0)
    position[:, MIDDLE_MCP] = (300.0, 400.0 - hand_px)
    position[:, THUMB_TIP] = (220.0, 240.0)
    position[:, INDEX_TIP] = (220.0, 240.0)
    position[:, INDEX_TIP, 1] -= aperture_px
    return Keypoints(
        time_s=time_s,
        position_px=position,
        confidence=np.ones((len(time_s), len(KEYPOINTS))),
        reason=np.full(len(time_s), "", dtype="U16"),
        names=KEYPOINTS,
        blur_px=np.zeros(len(time_s)),
        agreement=np.full(len(time_s), np.nan),
    )
