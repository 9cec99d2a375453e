"""The shape of all taps of a recording together: more than the samples of one tap can show."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from tapscope.records import FloatArray

_DRIFT_S: Final = 4.0
"""Time over which the level of the closures may drift ..."""
_DRIFT_SHARE: Final = 0.05
"""... by about this share of the range."""
_DEPTH_SHARE: Final = 0.2
"""How far below what was seen hidden tips may close, about, as a share of the range."""
_MAX_TAPS: Final = 40
"""Taps that are fitted, evenly chosen from all: more make nothing surer."""
_MAX_STEPS: Final = 25
_MISFIT_SHARE: Final = 0.02
"""How far the samples may lie from the fitted movement, about, as a share of the range."""


@dataclass(frozen=True, slots=True)
class TapShape:
    """Taps of one shape fitted to the samples of a recording."""

    moving_share: float
    """Share of a cycle that is movement."""
    knot_s: FloatArray
    """Moments at which the level of the closures is known, seconds; shape (knots,)."""
    level: FloatArray
    """Aperture while closed at these, in the unit of the samples; shape (knots,)."""
    height: FloatArray
    """Widest aperture of each tap over that level; shape (taps,)."""
    tap: NDArray[np.intp]
    """Which of the taps given were fitted; shape (taps,)."""
    noise: float
    """Standard deviation of what the fit leaves over, in the unit of the samples, corrected for the
    numbers fitted; NaN where there are as many of them as samples."""
    misfit: float
    """The same uncorrected, as a share of the range of the samples."""

    def level_at(self, moment_s: float) -> float:
        """Return the aperture while closed."""
        return float(np.interp(moment_s, self.knot_s, self.level))


def fit_taps(  # noqa: PLR0915 - one model with its slopes
    time_s: FloatArray, values: FloatArray, spans_s: FloatArray, moving_share: float
) -> TapShape:
    """Fit movements up and down to all taps at once.

    Robust least squares. Common to all taps are the share of the cycle that is movement, the share
    of that which is opening, the law of movement (between sin² and minimum jerk), and the level of
    the closures, which may drift slowly; each tap has its own moment and height. What was seen
    least of the taps is where the search for the level begins. Minimum jerk: Flash and Hogan 1985,
    doi:10.1523/JNEUROSCI.05-07-01688.1985.

    Parameters
    ----------
    time_s, values
        Known samples, no NaN.
    spans_s
        Middle of the closure before and after each tap; shape (taps, 2).
    moving_share
        Where the search begins.
    """
    tap = np.arange(len(spans_s))
    if len(spans_s) > _MAX_TAPS:
        tap = np.linspace(0, len(spans_s) - 1, _MAX_TAPS).astype(np.intp)
        spans_s = spans_s[tap]
    edges = np.searchsorted(time_s, spans_s)
    every = np.concatenate([np.arange(first, last) for first, last in edges])
    number = np.repeat(np.arange(len(edges)), edges[:, 1] - edges[:, 0])
    period_s, middle_s = np.diff(spans_s)[:, 0], spans_s.mean(axis=1)
    phase = (time_s[every] - middle_s[number]) / period_s[number]
    low, high = (float(value) for value in np.percentile(values[every], [5, 95]))
    scale = max(high - low, 1e-12)
    share = (values[every] - low) / scale
    first_s, last_s = float(spans_s[0, 0]), float(spans_s[-1, 1])
    knot_s = np.linspace(first_s, last_s, max(int((last_s - first_s) / _DRIFT_S), 1) + 1)
    knots, count = len(knot_s), len(edges)
    # how far each sample takes part in the level at each knot
    basis = np.stack([np.interp(time_s[every], knot_s, unit) for unit in np.eye(knots)], axis=1)
    own = np.eye(count)[number]
    priors = np.zeros((2 * knots, 3 + knots + 2 * count))
    priors[: knots - 1, 3 : 3 + knots] = np.diff(np.eye(knots), axis=0) / _DRIFT_SHARE
    priors[knots - 1 : -1, 3 : 3 + knots] = np.eye(knots) / _DEPTH_SHARE
    priors[-1, 2] = -1.0

    def rise_of(parameters: FloatArray) -> tuple[FloatArray, ...]:
        """Return how far each sample has risen, with its slopes by moment, share and lean."""
        moving, lean, jerk_share = parameters[:3]
        away = phase - parameters[3 + knots : 3 + knots + count][number]
        way = np.sign(away)
        half = 0.5 - way * lean
        part = np.clip(1 - np.abs(away) / (half * moving), 0, 1)
        wave, jerk = np.sin(np.pi / 2 * part) ** 2, part**3 * (10 - 15 * part + 6 * part**2)
        rise = wave + jerk_share * (jerk - wave)
        slope_of_wave = np.pi / 2 * np.sin(np.pi * part)
        slope = slope_of_wave + jerk_share * (30 * (part * (1 - part)) ** 2 - slope_of_wave)
        by_lean = -slope * (1 - part) * way / half
        by_moving = slope * (1 - part) / moving
        return rise, slope * way / (half * moving), by_moving, by_lean, jerk - wave

    def misfit(parameters: FloatArray) -> FloatArray:
        height = parameters[3 + knots + count :][number]
        model = basis @ parameters[3 : 3 + knots] + rise_of(parameters)[0] * height
        return np.concatenate([(model - share) / _MISFIT_SHARE, priors @ parameters])

    def slopes(parameters: FloatArray) -> FloatArray:
        height = parameters[3 + knots + count :][number]
        rise, by_shift, by_moving, by_lean, by_jerk = rise_of(parameters)
        shared = np.stack([by_moving, by_lean, by_jerk], axis=1) * height[:, None]
        columns = [shared, basis, own * (by_shift * height)[:, None], own * rise[:, None]]
        return np.concatenate([np.concatenate(columns, axis=1) / _MISFIT_SHARE, priors])

    start = np.concatenate([[moving_share, 0.0, 0.7], np.zeros(knots + count), np.ones(count)])
    each, level = np.ones(count), np.ones(knots)
    low_bound = np.concatenate(
        [np.array([0.3, -0.25, 0.0]), -0.5 * level, -0.25 * each, 0.05 * each]
    )
    high_bound = np.concatenate([np.array([1.0, 0.25, 1.0]), 0.2 * level, 0.25 * each, 3.0 * each])
    found = least_squares(
        misfit, start, slopes, (low_bound, high_bound), loss="soft_l1", max_nfev=_MAX_STEPS
    )
    left_over = misfit(found.x)[: len(every)] * _MISFIT_SHARE
    # single samples far off are no noise of the others
    usual = float(np.quantile(np.abs(left_over), 0.68))
    spare = 1 - len(found.x) / len(every)
    return TapShape(
        moving_share=float(found.x[0]),
        knot_s=knot_s,
        level=low + found.x[3 : 3 + knots] * scale,
        height=found.x[3 + knots + count :] * scale,
        tap=tap,
        noise=usual * scale / np.sqrt(spare) if spare > 0 else float("nan"),
        misfit=usual,
    )
