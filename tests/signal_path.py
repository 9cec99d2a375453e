"""The steps of the signal in a row, as the pipeline takes them."""

from dataclasses import dataclass

from tapscope.protocol.protocol import Protocol
from tapscope.records import Taps, Task, Trajectory
from tapscope.signal.smoothing import Movement, estimate
from tapscope.signal.taps import taps_of
from tapscope.signal.task import find_task

ANY = Protocol("any", "", "")
"""The rules' own values."""


@dataclass(frozen=True)
class Path:
    """What each step made of a trajectory."""

    movement: Movement
    task: Task
    taps: Taps


def path_of(trajectory: Trajectory, rules: Protocol = ANY) -> Path:
    """Take a trajectory from its samples to its taps."""
    movement = estimate(trajectory, rules.smoothing, rules.gaps)
    task = find_task(movement, rules.taps, rules.task)
    return Path(movement, task, taps_of(movement, trajectory, task, rules.taps))


def find_taps(trajectory: Trajectory, rules: Protocol = ANY) -> Taps:
    """Return the taps of a trajectory."""
    return path_of(trajectory, rules).taps
