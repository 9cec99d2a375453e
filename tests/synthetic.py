"""Analytic taps with known closures, amplitudes and rates."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tapscope.hand import INDEX_TIP, KEYPOINTS, MIDDLE_MCP, THUMB_TIP, WRIST
from tapscope.records import FloatArray, Keypoints, Trajectory
from tapscope.video.probe import VideoInfo

HEADER = VideoInfo(
    path=Path("a.mp4"),
    container="mov,mp4,m4a,3gp,3g2,mj2",
    codec="h264",
    pixel_format="yuv420p",
    width=640,
    height=480,
    rotation_deg=0,
    nominal_fps=30.0,
    header_frames=None,
    duration_s=None,
    size_bytes=1,
)
"""Of a video that was never written."""


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


@dataclass(frozen=True)
class Reach:
    """Minimum-jerk movements between knots (Flash and Hogan 1985): taps, rests and halts alike."""

    knot_s: FloatArray
    """Moments between which the aperture moves from one level to the next; rising."""
    level: FloatArray
    """Aperture at each knot; two equal levels make a hold."""
    taps: tuple[tuple[float, float, float, float], ...] = ()
    """Of each tap: where the opening begins, widest, where the closing ends (s), amplitude."""

    def __call__(self, time_s: FloatArray) -> FloatArray:
        """Return the aperture at any moments; before and after the knots it holds."""
        place = np.clip(np.searchsorted(self.knot_s, time_s, "right") - 1, 0, len(self.knot_s) - 2)
        start_s, end_s = self.knot_s[place], self.knot_s[place + 1]
        part = np.clip((time_s - start_s) / (end_s - start_s), 0, 1)
        share = part**3 * (10 - 15 * part + 6 * part**2)
        return self.level[place] + share * (self.level[place + 1] - self.level[place])

    @property
    def closure_s(self) -> FloatArray:
        """Return the middle of the closed phase between each two taps."""
        begin_s, _, end_s, _ = np.array(self.taps).T
        return (end_s[:-1] + begin_s[1:]) / 2

    @property
    def every_closure_s(self) -> FloatArray:
        """Return these and, half a usual closed time beside the first and last movement, two."""
        begin_s, _, end_s, _ = np.array(self.taps).T
        half_s = float(np.median(begin_s[1:] - end_s[:-1])) / 2
        first_s, last_s = self.task_s
        return np.concatenate([[first_s - half_s], self.closure_s, [last_s + half_s]])

    @property
    def peak_s(self) -> FloatArray:
        """Return the moment of the widest aperture of each tap."""
        return np.array(self.taps)[:, 1]

    @property
    def amplitude(self) -> FloatArray:
        """Return the amplitude of each tap."""
        return np.array(self.taps)[:, 3]

    @property
    def task_s(self) -> tuple[float, float]:
        """Return where the first opening begins and the last closing ends."""
        return self.taps[0][0], self.taps[-1][2]


def reaches(
    rate_hz: float,
    duration_s: float = 8.0,
    *,
    dwell: float = 0.15,
    opening_share: float = 0.5,
    jitter: float = 0.0,
    sizes: tuple[float, ...] = (1.0,),
    decrement_to: float = 1.0,
    spread: float = 0.0,
    halts: dict[int, float] | None = None,
    open_halts: dict[int, float] | None = None,
    lead_in_s: float = 0.5,
    lead_out_s: float = 0.5,
    rest_level: float = 0.0,
    seed: int = 0,
) -> Reach:
    """Return taps of minimum jerk between two rests.

    Parameters
    ----------
    rate_hz, duration_s
        As many whole taps as the duration holds.
    dwell
        Share of each cycle spent closed.
    opening_share
        Share of the movement that is opening.
    jitter, spread
        Standard deviation of period and of amplitude, as shares.
    sizes
        Amplitudes in turn.
    decrement_to
        Share of its amplitude to which the last tap has fallen.
    halts, open_halts
        Seconds that the hand stays closed after, or open within, the tap of that number.
    lead_in_s, lead_out_s
        Time at rest, before and after.
    rest_level
        Aperture of the hand at rest.
    """
    rng = np.random.default_rng(seed)
    count = int(duration_s * rate_hz)
    now_s = lead_in_s
    knots = [(0.0, rest_level), (now_s, rest_level)]
    if rest_level:
        now_s += 0.3
        knots.append((now_s, 0.0))
    taps = []
    for number in range(count):
        period_s = max(0.6, 1 + jitter * rng.normal()) / rate_hz
        size = sizes[number % len(sizes)] * float(np.clip(1 + spread * rng.normal(), 0.6, 1.4))
        size *= decrement_to ** (number / max(count - 1, 1))
        moving_s = (1 - dwell) * period_s
        peak_s = now_s + opening_share * moving_s
        held_s = (open_halts or {}).get(number, 0.0)
        end_s = now_s + moving_s + held_s
        taps.append((now_s, peak_s + held_s / 2, end_s, size))
        knots.append((peak_s, size))
        if held_s:
            knots.append((peak_s + held_s, size))
        knots.append((end_s, 0.0))
        if number < count - 1:
            now_s = end_s + dwell * period_s + (halts or {}).get(number, 0.0)
            if now_s > end_s:
                knots.append((now_s, 0.0))
    if rest_level:
        knots += [(end_s + 0.1, 0.0), (end_s + 0.4, rest_level)]
    knots.append((end_s + lead_out_s + (0.4 if rest_level else 0.0), rest_level))
    knot_s, level = np.array(knots).T
    return Reach(knot_s, level, tuple(taps))


def fidget(time_s: FloatArray, share: float, seed: int = 0) -> FloatArray:
    """Return a restless hand: random movement of 0.5 to 3 Hz whose standard deviation is given."""
    rng = np.random.default_rng(seed)
    frequency_hz = rng.uniform(0.5, 3.0, 12)
    phase = rng.uniform(0, 2 * np.pi, 12)
    waves = np.sin(2 * np.pi * np.outer(time_s, frequency_hz) + phase)
    return share * np.sqrt(2 / 12) * waves.sum(axis=1)


def filmed(
    motion: Reach,
    fps: float = 30.0,
    *,
    noise: float = 0.01,
    seed: int = 0,
    fidgets: float = 0.0,
    tremor: float = 0.0,
    tremor_hz: float = 7.0,
    drift: float = 0.0,
    lost: float = 0.0,
    block_lost: float = 0.0,
    block_s: float = 0.2,
    hidden_below: float = 0.0,
    jumps: int = 0,
) -> Trajectory:
    """Return what a camera makes of a movement.

    Parameters
    ----------
    fps
        Frames a second.
    noise
        Standard deviation of the noise of a frame.
    fidgets
        Standard deviation of the movement of a restless hand, in the rests alone.
    tremor, tremor_hz
        Amplitude (half of peak to peak) and frequency of a tremor, at all times.
    drift
        Rise of the aperture over the recording.
    lost, block_lost, block_s
        Shares of the frames lost one by one, and in blocks of about `block_s`.
    hidden_below
        Frames with a smaller true aperture are unknown within the task: the tips hide each other.
    jumps
        Number of single frames far off.
    """
    rng = np.random.default_rng(1000 + seed)
    time_s = np.arange(0, motion.knot_s[-1], 1 / fps) + rng.uniform(0, 1 / fps)
    still = motion(time_s)
    at_rest = (time_s < motion.task_s[0] - 0.1) | (time_s > motion.task_s[1] + 0.1)
    aperture = still + fidget(time_s, fidgets, seed) * at_rest
    aperture += tremor * np.sin(2 * np.pi * tremor_hz * time_s + rng.uniform(0, 2 * np.pi))
    aperture += drift * time_s / time_s[-1] + noise * rng.normal(size=len(time_s))
    inside = np.flatnonzero(~at_rest)
    for frame in rng.choice(inside, jumps, replace=False):
        aperture[frame] += rng.choice([-1, 1]) * rng.uniform(0.5, 1.2)
    aperture[rng.random(len(time_s)) < lost] = np.nan
    while np.isnan(aperture).mean() < block_lost:
        start_s = rng.uniform(time_s[0], time_s[-1])
        aperture[(time_s >= start_s) & (time_s < start_s + block_s * rng.uniform(0.5, 1.5))] = (
            np.nan
        )
    aperture[~at_rest & (still < hidden_below)] = np.nan
    return Trajectory(time_s, aperture, "none", "analytic")
