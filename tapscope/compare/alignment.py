"""One recording and its sensor log on one clock."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tapscope import sensors
from tapscope.records import FloatArray, Taps, Trajectory
from tapscope.sensors import SensorRecording
from tapscope.sensors.trajectory import both_signs, contact_taps, to_trajectory
from tapscope.sync.clock_relation import Synchronisation, from_cues
from tapscope.sync.cross_correlation import choose_sign, synchronise
from tapscope.sync.thresholds import SETTINGS


@dataclass(frozen=True, slots=True)
class ClockRule:
    """How the clocks of video and sensor are to be related; times in seconds."""

    align: bool = True
    """False: not at all; only features are compared."""
    rough_offset_s: float | None = None
    """Sensor clock less video clock, about; None looks at every offset."""
    within_s: float = 2.0
    """How far from the rough offset to look."""
    cues: tuple[tuple[float, float], ...] = ()
    """Events seen by both, (video time, sensor time); these go before everything."""

    def describe(self) -> str:
        """Say the rule in words."""
        if not self.align:
            return "not synchronised (--no-sync)"
        if self.cues:
            listed = ", ".join(f"video {v:g} s = sensor {s:g} s" for v, s in self.cues)
            return f"by sync cue: {listed}"
        if self.rough_offset_s is not None:
            return (
                f"aligned from the movements within {self.within_s:g} s of offset "
                f"{self.rough_offset_s:g} s"
            )
        return "aligned from the movements, every offset"


@dataclass(frozen=True, slots=True)
class SensorMotion:
    """The aperture as a sensor saw it, the sign settled, and how the clocks relate."""

    recording: SensorRecording
    trajectory: Trajectory
    """On the sensor's clock."""
    sync: Synchronisation | None
    """None where clocks were not to be compared."""

    @property
    def is_aligned(self) -> bool:
        """Whether single taps may be compared."""
        return self.sync is not None and self.sync.is_trusted

    def on_video_clock(self, clip_s: tuple[float, float]) -> Trajectory:
        """Return the trajectory on the video's clock, what lies within `clip_s` of it.

        Raises
        ------
        ValueError
            The clocks are not known to agree.
        """
        if self.sync is None or not self.is_aligned:
            raise ValueError("on_video_clock: the clocks are not known to agree")
        time_s = self.sync.to_video_time(self.trajectory.time_s)
        kept = (time_s >= clip_s[0]) & (time_s <= clip_s[1])
        return replace(
            self.trajectory, time_s=time_s[kept], aperture=self.trajectory.aperture[kept]
        )

    def contact_taps_on_video_clock(self) -> Taps:
        """Return the taps between contacts of an accelerometer, on the video's clock if aligned."""
        taps = contact_taps(self.recording)
        if self.sync is None or not self.is_aligned:
            return taps
        return replace(
            taps,
            closure_s=self.sync.to_video_time(taps.closure_s),
            next_closure_s=self.sync.to_video_time(taps.next_closure_s),
            peak_s=self.sync.to_video_time(taps.peak_s),
        )


def read_sensor(folder: Path, files: Sequence[str]) -> SensorRecording:
    """Read the log of one recording, joined where it lies in several files.

    Raises
    ------
    SensorError
        A file cannot be read, or the files do not belong together.
    """
    read = [sensors.read(folder / file) for file in files]
    return read[0] if len(read) == 1 else sensors.combine(read)


def align(video: Trajectory, log: SensorRecording, rule: ClockRule) -> SensorMotion:
    """Make the log a trajectory and relate its clock to the video's.

    Which way a gyroscope turns when the hand opens is taken from its sidecar, else from the
    movement in the video; without synchronisation it stays assumed, as `trajectory.info` says.

    Raises
    ------
    SensorError
        The log holds no usable signal of a finger.
    """
    trajectory = to_trajectory(log)
    if not rule.align:
        return SensorMotion(log, trajectory, None)
    given = from_cues(rule.cues) if rule.cues else None
    rough_s, within_s = rule.rough_offset_s, rule.within_s
    if given is not None:
        rough_s, within_s = given.offset_s, SETTINGS.cue_within_s
    if trajectory.info.get("sign") == "assumed":
        candidates = both_signs(log)
        index, found = choose_sign(
            video, candidates, approximate_offset_s=rough_s, within_s=within_s
        )
        info = {**candidates[index].info, "sign": "from the video"}
        return SensorMotion(log, replace(candidates[index], info=info), given or found)
    if given is None:
        given = synchronise(video, trajectory, approximate_offset_s=rough_s, within_s=within_s)
    return SensorMotion(log, trajectory, given)


def common_span(video: Trajectory, motion: SensorMotion) -> tuple[float, float]:
    """Return first and last moment that both sides know, video clock; NaN where there is none."""
    video_s = video.time_s[np.isfinite(video.aperture)]
    known = motion.trajectory.time_s[np.isfinite(motion.trajectory.aperture)]
    if motion.sync is None or not (video_s.size and known.size):
        return math.nan, math.nan
    sensor_s = motion.sync.to_video_time(known)
    first, last = max(video_s[0], sensor_s[0]), min(video_s[-1], sensor_s[-1])
    return (float(first), float(last)) if first < last else (math.nan, math.nan)


def taps_within(taps: Taps, span_s: tuple[float, float]) -> Taps:
    """Return the taps that lie wholly within a span."""
    return taps.select((taps.closure_s >= span_s[0]) & (taps.next_closure_s <= span_s[1]))


def closures(taps: Taps) -> FloatArray:
    """Return every closure once, those that only end a tap included; rising."""
    return np.unique(np.concatenate((taps.closure_s, taps.next_closure_s)))
