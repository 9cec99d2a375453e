"""What the drawings of docs/features.md share: colours, traces, arrows, numbers in words."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tapscope.output.figure_style import INK, PALE, SENSOR_COLOUR, VIDEO_COLOUR
from tapscope.records import FloatArray
from tests.bench.feature_scenes import Scene

Numbers = Mapping[str, float]
OPENING, CLOSING = VIDEO_COLOUR, SENSOR_COLOUR
SHADE, REST = "#cfe3f1", "#e9e9e9"
HALT: Final = "#f3d9b8"
DIGITS: Final = 3
WIDTH: Final = 7.6
EVERY: Final = 8
"""Points of the grid of 480 Hz to one that is drawn."""
BOTH_ENDS: Final = {"arrowstyle": "<->", "color": INK, "shrinkA": 0, "shrinkB": 0, "lw": 0.9}
BOXED: Final = {"fc": "white", "ec": "none", "pad": 1.0, "alpha": 0.9}


def figure_of(height: float) -> Figure:
    """Return an empty figure on white, which can be read on a dark page, too."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def chosen(scene: Scene, *names: str) -> dict[str, float]:
    """Return some features of a scene."""
    return {name: scene.numbers[name] for name in names}


def words(numbers: Numbers) -> str:
    """Return numbers as a title shows them."""
    return ",  ".join(f"{name} {value:.{DIGITS}g}" for name, value in numbers.items())


def plot_movement(axes: Axes, scene: Scene, *, marks: bool = True, samples: bool = False) -> None:
    """Draw estimated movement, closures and widest moments; samples where they matter."""
    if samples:
        axes.plot(scene.trajectory.time_s, scene.trajectory.aperture, ".", color=PALE, ms=3)
    for stretch in scene.tapping.movement.stretches:
        axes.plot(stretch.time_s[::EVERY], stretch.aperture[::EVERY], color=INK, lw=1.0)
    if marks:
        low = float(np.nanmin(scene.trajectory.aperture))
        closure_s, taps = scene.closure_s, scene.tapping.taps
        axes.plot(closure_s, np.full(len(closure_s), low - 0.07), "^", color=CLOSING, ms=4)
        axes.plot(taps.peak_s, _at(scene, taps.peak_s), "o", mfc="none", mec=OPENING, ms=4)
    axes.set(ylabel="aperture", xlabel="time, s")


def _at(scene: Scene, moment_s: FloatArray) -> FloatArray:
    """Return the estimated aperture at moments."""
    stretches = scene.tapping.movement.stretches
    time_s, aperture = (
        np.concatenate([getattr(stretch, name) for stretch in stretches])
        for name in ("time_s", "aperture")
    )
    return np.interp(moment_s, time_s, aperture)


def between(axes: Axes, one: tuple[float, float], other: tuple[float, float], text: str) -> None:
    """Draw an arrow with two heads and what it measures."""
    axes.annotate("", one, other, arrowprops=BOTH_ENDS)
    middle = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
    axes.text(*middle, text, ha="center", va="center", bbox=BOXED)
