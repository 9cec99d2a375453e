"""Sections of the report on agreement: features, taps, signals, strata, assumptions."""

from collections.abc import Sequence
from typing import Final

from tapscope.agreement import Estimate
from tapscope.compare.feature_pairs import OVER_TIME
from tapscope.compare.records import AgreementRow, Comparison
from tapscope.compare.report.figure_selection import MAIN_FEATURES, DrawnFigure
from tapscope.compare.report.html import (
    DASH,
    Figure,
    Section,
    Table,
    between,
    number,
    p_value,
    with_interval,
)

MAX_TRACES: Final = 24
"""The signals of further recordings are only in the folder of figures."""


def features(found: Comparison) -> Section:
    """Show the agreement of features, those with different units in a table of their own."""
    rows = found.at_level("feature")
    same = [row for row in rows if row.estimate("bias") is not None]
    different = [row for row in rows if row.estimate("bias") is None]
    tables = [_agreement_table("Features in the same unit on both sides", same)]
    if different:
        tables.append(
            Table(
                "Features in different units: correlation and rank agreement only",
                ("feature", "units", "recordings", "Pearson r", "Spearman ρ"),
                tuple(
                    (
                        row.feature,
                        row.unit,
                        str(row.n_recordings),
                        with_interval(row.estimate("pearson_r")),
                        with_interval(row.estimate("spearman_rho")),
                    )
                    for row in different
                ),
                numeric=frozenset({2, 3, 4}),
                note="A distance in the image and an angle of a finger are different "
                "quantities; bias and limits of agreement would have no meaning.",
            )
        )
    equivalence = [row for row in same if row.estimate("tost_mean_difference") is not None]
    if equivalence:
        tables.append(_equivalence(equivalence))
    return Section("features", "Agreement of features", (_over_time(found),), tuple(tables))


def _over_time(found: Comparison) -> str:
    """Say in which recordings counts and durations are compared, and why not in the others."""
    together, alone = len(found.on_one_clock), len(found.recordings) - len(found.on_one_clock)
    text = (
        f"Counts and durations ({', '.join(sorted(OVER_TIME))}) grow with the time watched. They "
        "are compared over the time that video and log share"
    )
    if not alone:
        return f"{text}, as are all features."
    return (
        f"{text}, which is known in {together} of {len(found.recordings)} recordings. In the other "
        f"{alone} the clocks are not known to agree: the features are those of the whole video and "
        "of the whole log, and counts and durations are not compared; the tapping rate stands for "
        "the count of taps."
    )


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
                number(row.value("ccc")),
                number(row.value("pearson_r")),
                number(row.value("rmse")),
                row.form,
            )
            for row in rows
        ),
        numeric=frozenset(range(2, 9)),
        note="Limits: lower to upper; agreement.csv has the interval of each limit. A dash: too "
        "few pairs, or values that do not vary; agreement.csv gives the reason.",
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
        "Equivalence within prespecified margins",
        ("feature", "unit", "mean difference [90 %]", "p", "test"),
        tuple(cells),
        numeric=frozenset({2, 3}),
    )


def figures(drawn: Sequence[DrawnFigure]) -> Section:
    """Show the figures of features and rates."""
    shown = [plate for plate in drawn if plate.group in ("agreement", "rates")]
    return Section("figures", "Figures", figures=tuple(Figure(p.caption, p.svg) for p in shown))


def taps(found: Comparison) -> Section:
    """Show the agreement of single taps."""
    rows = found.at_level("tap")
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
        "Taps whose two closures both match",
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
                number(row.value("rmse")),
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
    "The clocks are not known to agree in any recording, so single taps, signals, counts and "
    "durations were not compared."
)


def signals(found: Comparison, drawn: Sequence[DrawnFigure]) -> Section:
    """Show the agreement of the apertures, with the recordings of lowest correlation first."""
    row = found.row("opening_signal")
    traces = sorted((p for p in drawn if p.group == "traces"), key=lambda plate: plate.rank)
    if row is None:
        return Section("signals", "Agreement of signals", (_NO_CLOCKS,))
    table = Table(
        "Apertures at the video's frames",
        ("measure", "estimate [95 %]", "method"),
        tuple((e.name, with_interval(e), e.method) for e in row.estimates),
        numeric=frozenset({1}),
        note=row.note,
    )
    text = f"Recordings in order of correlation, lowest first; {len(traces)} have signals"
    text += "." if len(traces) <= MAX_TRACES else (
        f"; the first {MAX_TRACES} are shown, all are in figures/traces."
    )  # fmt: skip
    images = tuple(Figure(p.caption, p.svg) for p in traces[:MAX_TRACES])
    return Section("signals", "Agreement of signals", (text,), (table,), images, True)


def strata(found: Comparison) -> Section:
    """Show the agreement of the main features in each stratum."""
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
                        number(row.value("precision")),
                        number(row.value("recall")),
                        number(row.value("timing_median_absolute_s")),
                    )
                    for row in rows
                ),
                numeric=frozenset({1, 2, 3, 4, 5}),
            )
        )  # fmt: skip
    text = (
        "Rate bands use the sensor's rate. agreement.csv has all features in all strata. Columns "
        f"without strata: {found.settings['columns without strata']}."
    )
    return Section("strata", "Strata", (text,), tuple(tables))


def assumptions(found: Comparison) -> Section:
    """Show whether the assumptions of the limits of agreement hold."""
    rows = [row for row in found.at_level("feature") if row.estimate("bias") is not None]
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
        "Are the differences normal, and independent of the size of the value?",
        ("feature", "normality: W", "proportional bias: slope", "heteroscedasticity: slope"),
        tuple(cells),
        numeric=frozenset({1, 2, 3}),
        note="Where a slope differs from 0, one bias or one pair of limits is not valid over the "
        "whole range. Many features are tested; p values are not corrected for their number.",
    )
    return Section("assumptions", "Assumptions", (), (table,))


def limits(row: AgreementRow) -> str:
    """Return 'lower to upper' of the limits of agreement."""
    return between(row.value("loa_lower"), row.value("loa_upper"))
