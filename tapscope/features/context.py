"""What features are computed from."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from tapscope.protocol.rules import HaltRules
from tapscope.records import FloatArray, Taps, Task, Trajectory
from tapscope.signal.smoothing import Movement

UNKNOWN: Final = float("nan")
_MIN_POINTS: Final = 3
"""Points of the grid that make a stretch: fewer have no speed."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the tapper was asked for."""

    taps: int = 0
    """Number of taps; 0 = not said."""
    duration_s: float = 0.0
    """Time of tapping in seconds; 0 = not said."""
    metronome_rate_hz: float | None = None
    """Rate to be followed; None when free."""


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Facts of the images that the trajectory does not hold; NaN unknown or not a video.

    Confidence, agreement, hand and blur are those of the task's frames.
    """

    measured_fps: float = UNKNOWN
    """New pictures a second by the time stamps."""
    dropped_frames: float = UNKNOWN
    """Frames missing by the time stamps."""
    duplicate_frames: float = UNKNOWN
    """Frames that repeat the picture or the stamp before them."""
    median_confidence: float = UNKNOWN
    """Median over frames of the lower confidence of both tips, 0 to 1."""
    mirror_agreement_pct: float = UNKNOWN
    """Share of the frames seen twice, once mirrored, in which both tips were in the same places."""
    hand_px: float = UNKNOWN
    """Length of the hand, wrist to middle knuckle, in pixels, median over the task."""
    blur_px: float = UNKNOWN
    """Median smear of the tips in pixels."""
    second_rate_hz: float = UNKNOWN
    """Tapping rate of the keypoints next to the tips (`Apertures.second_px`)."""
    px_per_unit: float = UNKNOWN
    """Pixels that one unit of the trajectory makes."""


@dataclass(frozen=True, slots=True)
class Context:
    """One recording, ready for the features: what is measured is the task, not the rests."""

    recording: Trajectory
    """All of it that the protocol analyses."""
    trajectory: Trajectory
    """The task's part of it."""
    movement: Movement
    """Estimated movement from the first closure of the task to the last."""
    task: Task
    """Where in the recording the task is done."""
    taps: Taps
    """Of the task."""
    acquisition: Acquisition = field(default_factory=Acquisition)
    expected: Expected = field(default_factory=Expected)
    """What the tapper was asked for."""
    halt_rules: HaltRules = field(default_factory=HaltRules)
    """What counts as a halt and as a hesitation."""

    @property
    def amplitude(self) -> FloatArray:
        """Return the known amplitudes of the taps, in their order."""
        return self.taps.amplitude[np.isfinite(self.taps.amplitude)]

    @property
    def interval_s(self) -> FloatArray:
        """Return the inter-tap intervals in seconds."""
        return self.taps.interval_s

    @property
    def range(self) -> float:
        """Return the range of the movement, 5th to 95th percentile."""
        if not self.movement.stretches:
            return UNKNOWN
        every = np.concatenate([stretch.aperture for stretch in self.movement.stretches])
        low, high = np.percentile(every, [5, 95])
        return float(high - low)


def in_task(
    recording: Trajectory,
    movement: Movement,
    task: Task,
    taps: Taps,
    *,
    acquisition: Acquisition = Acquisition(),
    expected: Expected = Expected(),
    halt_rules: HaltRules = HaltRules(),  # noqa: B008 - frozen
) -> Context:
    """Return what the features of a task are computed from.

    Parameters
    ----------
    recording, movement
        Of the whole recording; they are cut to the task. Where nothing taps they are kept whole.
    task, taps
        Where the task is, and its taps.
    acquisition, expected, halt_rules
        See `Context`.
    """
    span_s = (task.start_s, task.end_s)
    trajectory, part = recording, movement
    if np.isfinite(span_s).all():
        inside = (recording.time_s >= span_s[0]) & (recording.time_s <= span_s[1])
        trajectory = replace(
            recording, time_s=recording.time_s[inside], aperture=recording.aperture[inside]
        )
        # the closures before the first and after the last tap lie just outside the task
        closure_s = np.concatenate([taps.closure_s[:1], taps.next_closure_s[-1:]])
        part = _cut(movement, min([span_s[0], *closure_s]), max([span_s[1], *closure_s]))
    return Context(recording, trajectory, part, task, taps, acquisition, expected, halt_rules)


def _cut(movement: Movement, first_s: float, last_s: float) -> Movement:
    """Return the movement within a span, ends included."""
    stretches = []
    for stretch in movement.stretches:
        inside = (stretch.time_s >= first_s) & (stretch.time_s <= last_s)
        if inside.sum() < _MIN_POINTS:
            continue
        known = (stretch.sample_s >= first_s) & (stretch.sample_s <= last_s)
        stretches.append(
            replace(
                stretch,
                time_s=stretch.time_s[inside],
                aperture=stretch.aperture[inside],
                smoothed=stretch.smoothed[inside],
                sample_s=stretch.sample_s[known],
            )
        )
    return replace(movement, stretches=tuple(stretches))
