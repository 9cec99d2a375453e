"""Draw the figures of a comparison: plain values in, a matplotlib figure out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tapscope.compare.report.html import number
from tapscope.output.figure_style import PALE, SENSOR_COLOUR, STYLE, VIDEO_COLOUR, canvas
from tapscope.records import FloatArray

MAX_LABELS: Final = 40
"""With more recordings the axis has no names."""

_LABEL_HEIGHT: Final = 0.12  # share of the axis; a label has two lines
_MAX_NAME_LENGTH: Final = 52
_GAP_STEPS: Final = 3.5  # median steps; the line breaks at a longer one


@dataclass(frozen=True, slots=True)
class Level:
    """A value with its interval; the ends are NaN where there is none."""

    value: float
    low: float
    high: float


def bland_altman(
    video: FloatArray,
    sensor: FloatArray,
    *,
    bias: Level,
    lower: Level,
    upper: Level,
    title: str,
    unit: str,
) -> Figure:
    """Draw differences over means with bias and limits of agreement and their intervals.

    Parameters
    ----------
    video, sensor
        Shape (pairs,), in `unit`.
    bias, lower, upper
        Estimates; a band is drawn where the interval is known.
    """
    with style.context(STYLE):
        figure, axes = canvas(5.6, 3.7)
        lines = ((bias, "bias", "-"), (upper, "upper limit", "--"), (lower, "lower limit", "--"))
        labels: list[tuple[float, str, str]] = []
        for level, name, dash in lines:
            if not np.isfinite(level.value):
                continue
            colour = VIDEO_COLOUR if name == "bias" else SENSOR_COLOUR
            if np.isfinite(level.low) and np.isfinite(level.high):
                axes.axhspan(level.low, level.high, color=colour, alpha=0.13, linewidth=0)
            axes.axhline(level.value, color=colour, linestyle=dash, linewidth=1.2)
            labels.append((level.value, f"{name}\n{number(level.value)}", colour))
        axes.axhline(0.0, color=PALE, linewidth=0.8, linestyle=":")
        _dots(axes, (video + sensor) / 2, video - sensor)
        axes.set_xlabel(f"Mean of video and sensor ({unit})")
        axes.set_ylabel(f"Video − sensor ({unit})")
        _label_levels(axes, labels)
        axes.set_title(title)
    return figure


def identity(
    video: FloatArray,
    sensor: FloatArray,
    *,
    slope: float,
    intercept: float,
    title: str,
    unit: str,
) -> Figure:
    """Draw video over sensor with the line of identity and, where it is known, Deming's line."""
    with style.context(STYLE):
        figure, axes = canvas(4.4, 4.4)
        low, high = _span(np.concatenate((video, sensor)))
        ends = np.array((low, high))
        axes.plot(ends, ends, color=PALE, linewidth=1, linestyle=":", label="identity")
        if np.isfinite(slope) and np.isfinite(intercept):
            line = intercept + slope * ends
            name = f"Deming: {number(intercept)} + {number(slope)} × sensor"
            axes.plot(ends, line, color=SENSOR_COLOUR, linewidth=1.2, label=name)
        _dots(axes, sensor, video)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_aspect("equal")
        axes.set_xlabel(f"Sensor ({unit})")
        axes.set_ylabel(f"Video ({unit})")
        axes.set_title(title)
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    return figure


def different_units(
    video: FloatArray,
    sensor: FloatArray,
    *,
    r: float,
    rho: float,
    title: str,
    video_unit: str,
    sensor_unit: str,
) -> Figure:
    """Draw video over sensor where their units differ, so that there is no line of identity."""
    with style.context(STYLE):
        figure, axes = canvas(4.4, 3.8)
        _dots(axes, sensor, video)
        axes.set_xlabel(f"Sensor ({sensor_unit})")
        axes.set_ylabel(f"Video ({video_unit})")
        axes.set_title(f"{title}\nr = {number(r)}, ρ = {number(rho)}; different units")
    return figure


def rates(recordings: Sequence[str], video: FloatArray, sensor: FloatArray) -> Figure:
    """Draw the tapping rate of each recording by video and by sensor, slowest first."""
    with style.context(STYLE):
        figure, axes = canvas(6.4, max(2.4, 1.2 + 0.22 * min(len(recordings), MAX_LABELS)))
        order = np.argsort(sensor, kind="stable")
        place = np.arange(len(order))
        axes.hlines(place, video[order], sensor[order], color=PALE, linewidth=1)
        axes.scatter(
            sensor[order], place, s=46, facecolors="none", edgecolors=SENSOR_COLOUR, label="sensor"
        )
        axes.scatter(video[order], place, s=16, color=VIDEO_COLOUR, label="video", zorder=3)
        if len(recordings) <= MAX_LABELS:
            axes.set_yticks(place, [_short(recordings[n]) for n in order])
        else:
            axes.set_yticks([])
            axes.set_ylabel(f"{len(recordings)} recordings, slowest first")
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("Tapping rate (Hz)")
        axes.set_title("Tapping rate of each recording")
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    return figure


def traces(
    time_s: FloatArray,
    video: FloatArray,
    sensor: FloatArray,
    *,
    video_closure_s: FloatArray,
    sensor_closure_s: FloatArray,
    title: str,
    caption: str,
) -> Figure:
    """Draw the scaled apertures of video and sensor over each other, with the closures below."""
    with style.context(STYLE):
        figure, axes = canvas(7.6, 2.4)
        for name, aperture, closure_s, colour, width, height in (
            ("sensor", sensor, sensor_closure_s, SENSOR_COLOUR, 1.6, -0.32),
            ("video", video, video_closure_s, VIDEO_COLOUR, 1.0, -0.48),
        ):
            axes.plot(*_broken(time_s, aperture), color=colour, linewidth=width, label=name)
            level = np.full(closure_s.shape, height)
            axes.plot(closure_s, level, "|", color=colour, markersize=7)
        highest = max((float(np.nanmax(o)) for o in (video, sensor) if o.size), default=1.0)
        axes.set_ylim(-0.6, max(1.1, highest) + 0.35)  # room for the legend
        axes.set_yticks([0.0, 1.0], ["closed", "open"])
        axes.set_xlabel("Video time (s); ticks: closures")
        axes.set_title(_short(title))
        axes.text(1.0, 1.03, caption, transform=axes.transAxes, ha="right", va="bottom", fontsize=8)
        axes.legend(loc="upper right", ncols=2, fontsize=8, borderaxespad=0.1)
        if time_s.size > 1:
            axes.set_xlim(float(time_s[0]), float(time_s[-1]))
    return figure


def _dots(axes: Axes, x: FloatArray, y: FloatArray) -> None:
    axes.scatter(x, y, s=22, color=VIDEO_COLOUR, alpha=0.75, edgecolors="white", linewidths=0.5)


def _label_levels(axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Label each level beside the axes, moved upwards where two labels would overlap."""
    low, high = axes.get_ylim()
    free = low
    for value, text, colour in sorted(labels):
        height = max(value, free)
        axes.annotate(
            text,
            (1.01, height),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=colour,
        )
        free = height + _LABEL_HEIGHT * (high - low)


def _span(values: FloatArray) -> tuple[float, float]:
    """Return axis limits with a margin around the values."""
    low, high = float(values.min()), float(values.max())
    room = 0.06 * (high - low) or 0.06 * abs(high) or 1.0
    return low - room, high + room


def _broken(time_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the line with NaN at each gap, so that it breaks there."""
    if time_s.size < 2:
        return time_s, values
    step_s = np.diff(time_s)
    gaps = np.flatnonzero(step_s > _GAP_STEPS * np.median(step_s)) + 1
    return np.insert(time_s, gaps, np.nan), np.insert(values, gaps, np.nan)


def _short(name: str) -> str:
    return name if len(name) <= _MAX_NAME_LENGTH else f"…{name[1 - _MAX_NAME_LENGTH :]}"
