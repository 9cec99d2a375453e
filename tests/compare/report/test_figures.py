"""Figures: the same values give the same bytes, without a date, and they show what they should."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure

from tapscope.compare.report import figures
from tapscope.compare.report.figures import Level
from tapscope.output.figure_style import render

X = np.array([1.0, 2.0, 3.5, 5.0])
UNKNOWN = Level(np.nan, np.nan, np.nan)


def bland_altman() -> Figure:
    return figures.bland_altman(
        X + 0.1,
        X,
        bias=Level(0.1, 0.05, 0.15),
        lower=Level(-0.1, -0.2, -0.05),
        upper=UNKNOWN,
        title="rate",
        unit="Hz",
    )


def identity() -> Figure:
    return figures.identity(X, X, slope=1.1, intercept=-0.1, title="rate", unit="Hz")


def traces() -> Figure:
    time_s = np.delete(np.arange(60) / 30, slice(20, 30))
    aperture = np.sin(9 * time_s) ** 2
    return figures.traces(
        time_s,
        aperture,
        2 * aperture,
        video_closure_s=np.array([0.35, 0.7]),
        sensor_closure_s=np.array([0.36]),
        title="sub-01" * 20,
        caption="r = 0.98",
    )


@pytest.mark.parametrize("draw", [bland_altman, identity, traces])
def test_bytes_repeat_and_hold_no_date(draw: Callable[[], Figure]) -> None:
    svg, png = render(draw())
    assert (svg, png) == render(draw())
    assert svg.startswith(b"<?xml")
    assert png.startswith(b"\x89PNG")
    assert not re.search(rb"dc:date|20\d\d-\d\d-\d\d", svg)
    assert b"<script" not in svg


def test_limits_carry_labels_that_do_not_overlap() -> None:
    figure = figures.bland_altman(
        X, X, bias=Level(0, 0, 0), lower=Level(0, 0, 0), upper=Level(0, 0, 0), title="", unit="s"
    )
    axes = figure.axes[0]
    heights = sorted(text.xy[1] for text in axes.texts)  # type: ignore[attr-defined]
    low, high = axes.get_ylim()
    assert len(heights) == 3
    assert np.diff(heights).min() > 0.1 * (high - low)


def test_an_unknown_limit_is_not_drawn() -> None:
    texts = [text.get_text() for text in bland_altman().axes[0].texts]
    assert [text.split("\n")[0] for text in texts] == ["lower limit", "bias"]


def test_deming_is_left_out_where_it_is_unknown() -> None:
    figure = figures.identity(X, X, slope=np.nan, intercept=np.nan, title="rate", unit="Hz")
    assert [line.get_label() for line in figure.axes[0].lines] == ["identity"]
    same = figures.identity(X * 0, X * 0, slope=1, intercept=0, title="zero", unit="Hz")
    low, high = same.axes[0].get_xlim()
    assert low < 0 < high


def test_lost_frames_break_the_line() -> None:
    video = next(line for line in traces().axes[0].lines if line.get_label() == "video")
    assert np.isnan(np.asarray(video.get_ydata(), dtype=float)).sum() == 1


def test_single_samples_and_long_names_are_drawn() -> None:
    one = np.array([1.0])
    figure = figures.traces(
        one, one, one, video_closure_s=one, sensor_closure_s=one, title="x" * 200, caption=""
    )
    assert len(figure.axes[0].get_title(loc="left")) < 60


def test_rates_are_sorted_and_named_unless_many() -> None:
    few = figures.rates(["a", "b", "c"], np.array([3.0, 1.0, 2.0]), np.array([3.1, 1.1, 2.1]))
    assert [label.get_text() for label in few.axes[0].get_yticklabels()] == ["b", "c", "a"]
    many = figures.rates([str(n) for n in range(60)], np.arange(60.0), np.arange(60.0))
    assert not many.axes[0].get_yticklabels()
    assert "60 recordings" in many.axes[0].get_ylabel()


def test_different_units_are_named() -> None:
    figure = figures.different_units(
        X, X, r=0.9, rho=0.8, title="amplitude", video_unit="hand lengths", sensor_unit="deg"
    )
    axes = figure.axes[0]
    assert "different units" in axes.get_title(loc="left")
    assert axes.get_xlabel() == "Sensor (deg)"
    assert not axes.lines
