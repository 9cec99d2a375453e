"""Chapters of the report on agreement: features, taps, signals, strata, assumptions."""

import math
from collections.abc import Sequence
from typing import Final

from tapscope.agreement import Estimate
from tapscope.compare.records import AgreementRow, Comparison
from tapscope.compare.report.figure_selection import MAIN_FEATURES, Plate
from tapscope.compare.report.html import (
    DASH,
    Figure,
    Section,
    Table,
    number,
    p_value,
    with_interval,
)

MOST_TRACES: Final = 24
"""More recordings than these are drawn beside the report only."""


def features(found: Comparison) -> Section:
    """Tell how the features agree, unlike units apart."""
    rows = [row for row in found.rows if row.level == "feature" and row.stratum == "all"]
    like = [row for row in rows if row.estimate("bias") is not None]
    unlike = [row for row in rows if row.estimate("bias") is None]
    tables = [_agreement_table("Features in the same unit on both sides", like)]
    if unlike:
        tables.append(
            Table(
                "Features in unlike units: correlation and rank agreement only",
                ("feature", "units", "recordings", "Pearson r", "Spearman ρ"),
                tuple(
                    (
                        row.feature,
                        row.unit,
                        str(row.n_recordings),
                        with_interval(row.estimate("pearson_r")),
                        with_interval(row.estimate("spearman_rho")),
                    )
                    for row in unlike
                ),
                numeric=frozenset({2, 3, 4}),
                note="A distance on the image and an angle of a finger are different "
                "quantities: bias and limits of agreement would mean nothing.",
            )
        )
    equivalence = [row for row in like if row.estimate("tost_mean_difference") is not None]
    if equivalence:
        tables.append(_equivalence(equivalence))
    return Section("features", "Agreement of features", (), tuple(tables))


def _agreement_table(caption: str, rows: Sequence[AgreementRow], name: str = "feature") -> Table:
    return Table(
        caption,
        (name, "unit", "recordings (participants)", "bias [95 %]", "limits of agreement",
         "ICC(A,1) [95 %]", "CCC", "r", "RMSE", "form"),
        tuple(
            (
                row.feature if name == "feature" else row.stratum,
                row.unit,
                f"{row.n_recordings} ({row.n_participants})",
                with_interval(row.estimate("bias")),
                limits(row),
                with_interval(row.estimate("icc_a_1")),
                number(_value(row, "ccc")),
                number(_value(row, "pearson_r")),
                number(_value(row, "rmse")),
                row.form,
            )
            for row in rows
        ),
        numeric=frozenset(range(2, 9)),
        note="Limits: lower to upper with the interval of each in agreement.csv. A dash: too few "
        "pairs, or values that do not vary; the reason stands in agreement.csv.",
    )  # fmt: skip


def _equivalence(rows: Sequence[AgreementRow]) -> Table:
    cells = []
    for row in rows:
        test = row.estimate("tost_mean_difference")
        if test is not None:
            cells.append(
                (row.feature, row.unit, with_interval(test), p_value(test.p_value), test.method)
            )
    return Table(
        "Equivalence within margins named beforehand",
        ("feature", "unit", "mean difference [90 %]", "p", "test"),
        tuple(cells),
        numeric=frozenset({2, 3}),
    )


def figures(plates: Sequence[Plate]) -> Section:
    """Show the figures of features and rates."""
    shown = [plate for plate in plates if plate.group in ("agreement", "rates")]
    return Section("figures", "Figures", figures=tuple(Figure(p.caption, p.svg) for p in shown))


def taps(found: Comparison) -> Section:
    """Tell how single taps agree."""
    rows = [row for row in found.rows if row.level == "tap" and row.stratum == "all"]
    if not rows:
        return Section("taps", "Agreement of single taps", (_NO_CLOCKS,))
    matched = next(row for row in rows if row.feature == "tap_closure_time")
    paired = [row for row in rows if row is not matched]
    events = Table(
        f"Closures matched one to one within {found.settings['event tolerance']}",
        ("measure", "estimate [95 %]", "method"),
        tuple((e.name, _count_or_interval(e), e.method) for e in matched.estimates),
        numeric=frozenset({1}),
        note=matched.note,
    )
    differences = Table(
        "Taps of which both closures match",
        ("measure", "unit", "taps", "bias [95 %]", "limits of agreement", "r [95 %]", "ρ [95 %]",
         "RMSE"),
        tuple(
            (
                row.feature,
                row.unit,
                str(row.n_taps),
                with_interval(row.estimate("bias")),
                limits(row),
                with_interval(row.estimate("pearson_r")),
                with_interval(row.estimate("spearman_rho")),
                number(_value(row, "rmse")),
            )
            for row in paired
        ),
        numeric=frozenset(range(2, 8)),
        note=" ".join(f"{row.feature}: {row.note}." for row in paired),
    )  # fmt: skip
    return Section("taps", "Agreement of single taps", (), (events, differences))


def _count_or_interval(estimate: Estimate) -> str:
    if estimate.name in ("matched", "missed", "extra"):
        return f"{estimate.value:.0f}"
    return with_interval(estimate)


_NO_CLOCKS: Final = (
    "No recording has clocks that are known to agree, so single taps and signals were not compared."
)


def signals(found: Comparison, plates: Sequence[Plate]) -> Section:
    """Tell how the apertures agree, with the traces of the worst recordings first."""
    row = found.row("opening_signal")
    traces = sorted((p for p in plates if p.group == "traces"), key=lambda plate: plate.rank)
    if row is None:
        return Section("signals", "Agreement of signals", (_NO_CLOCKS,))
    table = Table(
        "Openings at the video's frames",
        ("measure", "estimate [95 %]", "method"),
        tuple((e.name, with_interval(e), e.method) for e in row.estimates),
        numeric=frozenset({1}),
        note=row.note,
    )
    text = f"Recordings in order of correlation, the lowest first; {len(traces)} have signals"
    text += "." if len(traces) <= MOST_TRACES else (
        f", of which the first {MOST_TRACES} are shown; all lie in figures/traces."
    )  # fmt: skip
    images = tuple(Figure(p.caption, p.svg) for p in traces[:MOST_TRACES])
    return Section("signals", "Agreement of signals", (text,), (table,), images, True)


def strata(found: Comparison) -> Section:
    """Tell the main features apart by stratum."""
    tables = []
    for feature in MAIN_FEATURES:
        rows = [row for row in found.rows if row.feature == feature]
        if len(rows) > 1 and rows[0].estimate("bias") is not None:
            tables.append(_agreement_table(feature, rows, "stratum"))
    rows = [row for row in found.rows if row.feature == "tap_closure_time"]
    if len(rows) > 1:
        tables.append(
            Table(
                "tap_closure_time",
                ("stratum", "recordings (participants)", "F1 [95 %]", "precision", "recall",
                 "median |timing error|, s"),
                tuple(
                    (
                        row.stratum,
                        f"{row.n_recordings} ({row.n_participants})",
                        with_interval(row.estimate("f1")),
                        number(_value(row, "precision")),
                        number(_value(row, "recall")),
                        number(_value(row, "timing_median_absolute_s")),
                    )
                    for row in rows
                ),
                numeric=frozenset({1, 2, 3, 4, 5}),
            )
        )  # fmt: skip
    text = (
        "Rate bands go by the sensor. All features in all strata stand in agreement.csv. Columns "
        f"that gave no strata: {found.settings['columns without strata']}."
    )
    return Section("strata", "Strata", (text,), tuple(tables))


def assumptions(found: Comparison) -> Section:
    """Tell whether the assumptions of the limits hold."""
    rows = [
        row
        for row in found.rows
        if row.level == "feature" and row.stratum == "all" and row.estimate("bias") is not None
    ]
    names = ("shapiro_wilk_w", "proportional_bias_slope", "heteroscedasticity_slope")
    cells = []
    for row in rows:
        tests = [row.estimate(name) for name in names]
        texts = [
            DASH if test is None else f"{with_interval(test)}, p {p_value(test.p_value)}"
            for test in tests
        ]
        cells.append((row.feature, *texts))
    table = Table(
        "Whether differences are normal and do not depend on what is measured",
        ("feature", "normality: W", "proportional bias: slope", "heteroscedasticity: slope"),
        tuple(cells),
        numeric=frozenset({1, 2, 3}),
        note="Where a slope differs from 0, one bias or one pair of limits does not hold over the "
        "whole range. Many features are tested; p values are not corrected for their number.",
    )
    return Section("assumptions", "Assumptions", (), (table,))


def _value(row: AgreementRow, name: str) -> float:
    estimate = row.estimate(name)
    return math.nan if estimate is None else estimate.value


def limits(row: AgreementRow) -> str:
    """Return 'lower to upper' of the limits of agreement."""
    low, high = _value(row, "loa_lower"), _value(row, "loa_upper")
    if not (math.isfinite(low) and math.isfinite(high)):
        return DASH
    return f"{number(low)} to {number(high)}"
