"""Simulated recordings for the drawings of docs/features.md, measured by tapscope's own code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tapscope.features import Context, compute
from tapscope.hand import MIDDLE_MCP
from tapscope.pipeline.tapping import Tapping, context_of, find_tapping
from tapscope.protocol.protocol import Protocol, load
from tapscope.records import FloatArray, Trajectory
from tapscope.signal.aperture import Apertures, from_keypoints
from tests.synthetic import Reach, fidget, filmed, hand, reaches

CLOSED = 0.08
"""Aperture of closed fingers, hand lengths: the tips lie inside the fingers."""
OPEN = 0.7
"""Amplitude of a usual tap, hand lengths."""


@dataclass(frozen=True)
class Scene:
    """A simulated recording and what is found in it."""

    trajectory: Trajectory
    tapping: Tapping
    context: Context
    numbers: Mapping[str, float]
    """Every feature by name."""

    @property
    def closure_s(self) -> FloatArray:
        """Return every closure found, seconds."""
        taps = self.tapping.taps
        return np.unique(np.concatenate([taps.closure_s, taps.next_closure_s]))


def measured(trajectory: Trajectory, protocol: Protocol | None = None) -> Scene:
    """Find the task and its taps, and compute the features."""
    rules = protocol or load()
    tapping = find_tapping(trajectory, rules)
    context = context_of(tapping, rules)
    return Scene(trajectory, tapping, context, compute(context))


def simulated(motion: Reach, fps: float = 60.0, *, noise: float = 0.008, **more: float) -> Scene:
    """Measure what a camera would see of a movement; see `tests.synthetic.filmed`."""
    return measured(_in_hands(filmed(motion, fps, noise=noise, **more)))


def _in_hands(trajectory: Trajectory) -> Trajectory:
    return replace(trajectory, aperture=trajectory.aperture + CLOSED, unit="hand_lengths")


def one_tap() -> Scene:
    """Return calm taps."""
    return simulated(reaches(1.6, 3.2, dwell=0.22, opening_share=0.45, sizes=(OPEN,)))


def steady() -> Scene:
    """Return a regular tapper."""
    return simulated(reaches(2.5, 10.0, jitter=0.02, spread=0.03, sizes=(OPEN,), seed=3))


def irregular() -> Scene:
    """Return a tapper whose intervals vary."""
    return simulated(reaches(2.5, 10.0, jitter=0.28, spread=0.03, sizes=(OPEN,), seed=3))


def fading() -> Scene:
    """Return taps that become smaller."""
    return simulated(reaches(2.4, 10.0, decrement_to=0.42, spread=0.05, sizes=(OPEN,), seed=5))


def halting() -> tuple[Scene, dict[str, float]]:
    """Return an interrupted opening, a long closed phase and a halt, and when they begin."""
    whole = reaches(3.5, 6.5, sizes=(OPEN,), halts={11: 0.34, 16: 1.1})
    motion = interrupted(whole, 5)
    ends_s = {tap: motion.taps[tap][2] for tap in (11, 16)}
    moments = {
        "interrupted opening": motion.taps[5][0],
        "long closed phase": ends_s[11],
        "halt": ends_s[16],
    }
    return simulated(motion), moments


def interrupted(motion: Reach, tap: int, share: float = 0.5, still_s: float = 0.22) -> Reach:
    """Return a motion whose opening stands still at a share of its way in one tap."""
    begin_s, peak_s = motion.taps[tap][:2]
    level = share * motion.taps[tap][3]
    middle_s = (begin_s + peak_s) / 2
    place = int(np.searchsorted(motion.knot_s, middle_s))
    knot_s = np.concatenate(
        [motion.knot_s[:place], [middle_s, middle_s + still_s], motion.knot_s[place:] + still_s]
    )
    levels = np.concatenate([motion.level[:place], [level, level], motion.level[place:]])
    taps = tuple(
        (
            one[0] + still_s * (number > tap),
            one[1] + still_s * (number >= tap),
            one[2] + still_s * (number >= tap),
            one[3],
        )
        for number, one in enumerate(motion.taps)
    )
    return Reach(knot_s, levels, taps)


def stopping() -> Scene:
    """Return six taps of the ten that the protocol expects, then a hand at rest in view."""
    return simulated(reaches(2.5, 2.4, sizes=(OPEN,), lead_out_s=3.5))


def whole_recording() -> Scene:
    """Return a demonstration, the task and, after a long rest, a further bout of tapping."""
    shown = reaches(1.5, 1.4, sizes=(0.8 * OPEN,), lead_in_s=1.0)
    task = reaches(3.0, 7.0, spread=0.06, sizes=(OPEN,), lead_in_s=4.5, seed=2)
    later = reaches(3.0, 1.7, spread=0.06, sizes=(OPEN,), lead_in_s=16.5, lead_out_s=1.2, seed=4)
    time_s = np.arange(0, later.knot_s[-1], 1 / 60)
    rng = np.random.default_rng(7)
    aperture = shown(time_s) + task(time_s) + later(time_s) + 0.006 * rng.normal(size=len(time_s))
    rests = np.all(
        [
            (time_s < motion.task_s[0] - 0.15) | (time_s > motion.task_s[1] + 0.15)
            for motion in (shown, task, later)
        ],
        axis=0,
    )
    aperture += rests * np.abs(fidget(time_s, 0.015, seed=1))
    return measured(_in_hands(Trajectory(time_s, aperture, "none", "analytic")))


def receding() -> tuple[Apertures, Scene, Scene]:
    """Return a hand that moves away from the camera: its apertures, in pixels, in hand lengths."""
    motion = reaches(2.0, 12.0, spread=0.04, sizes=(OPEN,), seed=6)
    seen = filmed(motion, 60.0, noise=0.006)
    hand_px = np.linspace(190.0, 110.0, len(seen.time_s))
    keypoints = hand(CLOSED * hand_px + seen.aperture * hand_px, seen.time_s)
    position = keypoints.position_px.copy()
    position[:, MIDDLE_MCP, 1] = 400.0 - hand_px
    apertures = from_keypoints(replace(keypoints, position_px=position))
    in_px, in_hands = (measured(apertures.trajectory(unit)) for unit in ("px", "hand_lengths"))
    return apertures, in_px, in_hands


def with_gaps() -> Scene:
    """Return a recording with a short gap, which is bridged, and a long one, which is not."""
    trajectory = _in_hands(filmed(reaches(2.0, 8.0, sizes=(OPEN,)), 60.0, noise=0.008))
    aperture = trajectory.aperture.copy()
    for first_s, last_s in ((2.33, 2.45), (4.9, 5.75)):
        aperture[(trajectory.time_s > first_s) & (trajectory.time_s < last_s)] = np.nan
    return measured(replace(trajectory, aperture=aperture))


def noisy() -> Scene:
    """Return tips that jump about."""
    return simulated(reaches(2.0, 8.0, sizes=(OPEN,)), noise=0.09)


def open_closure() -> Scene:
    """Return one tap that counts twice: its tip was misplaced while the fingers were open."""
    motion = reaches(2.0, 8.0, sizes=(OPEN,))
    trajectory = _in_hands(filmed(motion, 60.0, noise=0.008))
    away_s = np.abs(trajectory.time_s - motion.peak_s[8])
    dip = 0.55 * OPEN * np.exp(-0.5 * (away_s / 0.035) ** 2)
    return measured(replace(trajectory, aperture=trajectory.aperture - dip))


def missed_tap() -> Scene:
    """Return two taps so small that they are passed over."""
    sizes = tuple(0.1 * OPEN if number in (8, 9) else OPEN for number in range(16))
    return simulated(reaches(2.0, 8.0, sizes=sizes))


QUALITY: Mapping[str, Callable[[], Scene]] = {
    "gaps": with_gaps,
    "noise": noisy,
    "open closure": open_closure,
    "missed tap": missed_tap,
}
"""Recordings that raise a doubt, by what it is."""
