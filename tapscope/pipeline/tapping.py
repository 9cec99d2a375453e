"""The steps from a trajectory to its features, the same for videos and for sensors."""

from dataclasses import dataclass, replace

from tapscope import features
from tapscope.protocol.protocol import Protocol
from tapscope.protocol.rules import TimeRules
from tapscope.records import Taps, Task, Trajectory
from tapscope.signal.smoothing import Movement, estimate
from tapscope.signal.taps import taps_of
from tapscope.signal.task import find_task


@dataclass(frozen=True, slots=True)
class Tapping:
    """What is found in a trajectory."""

    trajectory: Trajectory
    movement: Movement
    task: Task
    taps: Taps
    """Of the task."""


def find_tapping(trajectory: Trajectory, protocol: Protocol) -> Tapping:
    """Estimate the movement of a trajectory, once, and find the task and its taps in it."""
    movement = estimate(trajectory, protocol.smoothing, protocol.gaps)
    task = find_task(movement, protocol.taps, protocol.task)
    return Tapping(trajectory, movement, task, taps_of(movement, trajectory, task, protocol.taps))


def context_of(
    tapping: Tapping,
    protocol: Protocol,
    acquisition: features.Acquisition = features.Acquisition(),  # noqa: B008 - frozen
    metronome_rate_hz: float | None = None,
) -> features.Context:
    """Return what the features are computed from, by the rules of a protocol.

    Parameters
    ----------
    tapping
        What was found.
    protocol
        What was asked for, and what counts as a halt.
    acquisition
        Facts of the images; nothing for a sensor.
    metronome_rate_hz
        Of this recording; None: that of the protocol.
    """
    return features.in_task(
        tapping.trajectory,
        tapping.movement,
        tapping.task,
        tapping.taps,
        acquisition=acquisition,
        expected=features.Expected(
            protocol.expected_taps,
            protocol.expected_duration_s,
            metronome_rate_hz or protocol.metronome_rate_hz,
        ),
        halt_rules=protocol.halts,
    )


def within(trajectory: Trajectory, rules: TimeRules) -> Trajectory:
    """Return the part of a trajectory that the protocol analyses."""
    return between(trajectory, rules.start_s, rules.start_s + rules.max_duration_s)


def between(trajectory: Trajectory, first_s: float, last_s: float) -> Trajectory:
    """Return the samples of a trajectory within a span, ends included."""
    kept = (trajectory.time_s >= first_s) & (trajectory.time_s <= last_s)
    return replace(trajectory, time_s=trajectory.time_s[kept], aperture=trajectory.aperture[kept])
