"""Choose the figures of a comparison and draw them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from matplotlib.figure import Figure

from tapscope.agreement import Estimate
from tapscope.compare.records import AgreementRow, Comparison, RecordingComparison
from tapscope.compare.report import figures
from tapscope.output.figure_style import render
from tapscope.pipeline.recordings import Recording
from tapscope.records import FloatArray

MAIN_FEATURES: Final = (
    "tapping_rate_hz",
    "inter_tap_interval_median_s",
    "inter_tap_interval_cv",
    "amplitude_median",
    "amplitude_cv",
    "amplitude_decrement_ratio",
    "opening_speed_peak_mean",
    "halt_count",
)
"""Features with figures of their own, where both sides have values."""

_LEAST_PAIRS: Final = 3

Group = Literal["agreement", "rates", "traces"]


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """One figure as SVG and PNG, with its caption."""

    name: str
    """Path within the folder of figures, without the ending."""
    group: Group
    caption: str
    svg: bytes
    png: bytes
    rank: float = 0.0
    """Order within the group, lowest first."""


def draw(found: Comparison) -> Iterator[DrawnFigure]:
    """Draw the figures of each main feature, of the rates, and of each recording's signals."""
    for feature in MAIN_FEATURES:
        row = found.row(feature)
        if row is not None and row.n_recordings >= _LEAST_PAIRS:
            yield from _of_feature(found, row)
    names, video, sensor, _ = _values(found, "tapping_rate_hz")
    if names:
        caption = "Tapping rate of each recording by sensor (rings) and video (dots)."
        yield _drawn("rates", "rates", caption, figures.rates(names, video, sensor))
    for each in found.recordings:
        if each.signal is not None and each.taps is not None and each.signal.time_s.size > 1:
            yield _traces(each)


def _of_feature(found: Comparison, row: AgreementRow) -> Iterator[DrawnFigure]:
    _, video, sensor, units = _values(found, row.feature)
    title = row.feature
    if row.estimate("bias") is None:
        figure = figures.different_units(
            video,
            sensor,
            r=row.value("pearson_r"),
            rho=row.value("spearman_rho"),
            title=title,
            video_unit=units[0],
            sensor_unit=units[1],
        )
        caption = (
            f"{row.feature}: video over sensor, {row.n_recordings} recordings. The two sides have "
            "different units, so only correlation and rank agreement are given."
        )
        yield _drawn(f"unlike_{row.feature}", "agreement", caption, figure)
        return
    pair = "_pair" if row.estimate("loa_lower_pair") is not None else ""
    lower, upper = row.estimate(f"loa_lower{pair}"), row.estimate(f"loa_upper{pair}")
    unit = "ratio" if row.unit == "1" else row.unit
    if row.feature.endswith("_count"):
        unit = "count"
    kind = "exact intervals of the pair of limits" if pair else "MOVER intervals"
    caption = (
        f"{row.feature}: Bland-Altman, {row.n_recordings} recordings of {row.n_participants} "
        f"participants. Bias and 95 % limits of agreement with their 95 % intervals ({kind})."
    )
    figure = figures.bland_altman(
        video,
        sensor,
        bias=_level(row.estimate("bias")),
        lower=_level(lower),
        upper=_level(upper),
        title=title,
        unit=unit,
    )
    yield _drawn(f"bland-altman_{row.feature}", "agreement", caption, figure)
    figure = figures.identity(
        video,
        sensor,
        slope=row.value("deming_slope"),
        intercept=row.value("deming_intercept"),
        title=title,
        unit=unit,
    )
    caption = f"{row.feature}: video over sensor, with the line of identity and Deming's line."
    yield _drawn(f"identity_{row.feature}", "agreement", caption, figure)


def _traces(each: RecordingComparison) -> DrawnFigure:
    signal, taps, sync = each.signal, each.taps, each.sync
    if signal is None or taps is None:
        raise ValueError("_traces: the recording has no signal")
    clock = "" if sync is None else f", offset {sync.offset_s:.3f} s"
    figure = figures.traces(
        signal.time_s,
        signal.video,
        signal.sensor,
        video_closure_s=taps.video_closure_s,
        sensor_closure_s=taps.sensor_closure_s,
        title=each.recording,
        caption=f"r = {signal.r:.3f}{clock}",
    )
    flag = "" if sync is None or not sync.flag else f" Clock flag: {sync.flag}."
    caption = (
        f"{each.recording}: aperture by video and by sensor ({each.sensor_source}), each scaled to "
        f"its 5th to 95th percentile, on the video's clock; r = {signal.r:.3f}, "
        f"{taps.match.matched} closures matched, {taps.match.missed} missed, "
        f"{taps.match.extra} extra.{flag}"
    )
    stem = Recording(Path(each.recording), each.recording, each.recording).file_stem
    rank = signal.r if np.isfinite(signal.r) else -1.0
    return _drawn(f"traces/{stem}", "traces", caption, figure, rank)


def _drawn(name: str, group: Group, caption: str, figure: Figure, rank: float = 0.0) -> DrawnFigure:
    svg, png = render(figure)
    return DrawnFigure(name, group, caption, svg, png, rank)


def _values(
    found: Comparison, feature: str
) -> tuple[list[str], FloatArray, FloatArray, tuple[str, str]]:
    """Return recordings, video and sensor values and the units of a feature."""
    pairs = [
        (each.recording, pair)
        for each in found.recordings
        for pair in each.features
        if pair.feature == feature
    ]
    units = (pairs[0][1].video_unit, pairs[0][1].sensor_unit) if pairs else ("", "")
    return (
        [name for name, _ in pairs],
        np.array([pair.video for _, pair in pairs]),
        np.array([pair.sensor for _, pair in pairs]),
        units,
    )


def _level(estimate: Estimate | None) -> figures.Level:
    if estimate is None:
        return figures.Level(float("nan"), float("nan"), float("nan"))
    return figures.Level(estimate.value, estimate.low, estimate.high)
