"""What the report of a comparison says, chapter by chapter."""

import math
from collections.abc import Sequence
from typing import Final

from tapscope import report
from tapscope.agreement import Estimate
from tapscope.compare.gallery import MAIN_FEATURES, Plate
from tapscope.compare.statistics import RATE
from tapscope.comparison import AgreementRow, Comparison
from tapscope.grras import grras_items
from tapscope.report import DASH, Key, Picture, Section, Table, number, p_value, with_interval

MOST_TRACES: Final = 24
"""More recordings than these are drawn beside the report only."""

_TITLE: Final = "Video against wearable sensors: agreement"
_FILLED: Final = {"filled": "yes", "in part": "in part", "authors": "no: authors"}


def report_page(found: Comparison, plates: Sequence[Plate]) -> bytes:
    """Return the report of a comparison as one HTML page."""
    first, last = found.flow[0], found.flow[-2]
    subtitle = (
        f"{last.n_recordings} of {first.n_recordings} recordings of {last.n_participants} "
        f"participants; differences are video minus sensor. tapscope "
        f"{found.provenance['tapscope_version']}, {found.provenance['utc_time']}."
    )
    sections = [
        _participants(found),
        _clocks(found),
        _features(found),
        _figures(plates),
        _taps(found),
        _signals(found, plates),
        _strata(found),
        _assumptions(found),
        _methods(found),
        _grras(found),
        _provenance(found),
    ]
    return report.render(_TITLE, subtitle, _keys(found), sections)


def _keys(found: Comparison) -> list[Key]:
    rate, taps, signal = found.row(RATE), found.row("tap_closure_time"), found.row("opening_signal")
    keys = []
    if rate is not None:
        keys += [
            Key(f"{with_interval(rate.estimate('bias'))} Hz", "bias of the tapping rate",
                f"limits of agreement {_limits(rate)} Hz, {rate.n_recordings} recordings"),
            Key(_share(rate, "share_within_0.1"), "of recordings within ±0.1 Hz",
                f"within ±0.5 Hz: {_share(rate, 'share_within_0.5')}"),
        ]  # fmt: skip
    if taps is not None:
        tolerance = found.settings["event tolerance"]
        keys.append(
            Key(with_interval(taps.estimate("f1")), f"F1 of closures within {tolerance}",
                f"{taps.n_recordings} recordings; median timing error "
                f"{with_interval(taps.estimate('timing_median_absolute_s'))} s")
        )  # fmt: skip
    if signal is not None:
        keys.append(
            Key(with_interval(signal.estimate("signal_r")), "correlation of the openings",
                f"mean over {signal.n_recordings} recordings after synchronisation")
        )  # fmt: skip
    return keys


def _participants(found: Comparison) -> Section:
    flow = Table(
        "What is left after each step",
        ("step", "participants", "recordings", "taps by video"),
        tuple(
            (step.step, str(step.n_participants), str(step.n_recordings), str(step.n_video_taps))
            for step in found.flow
        ),
        numeric=frozenset({1, 2, 3}),
    )
    excluded = Table(
        "What was left out, and why",
        ("recording", "sensor log", "step", "left out of", "reason"),
        tuple(
            (e.recording or DASH, e.sensor_file or DASH, e.step, e.excluded_from, e.reason)
            for e in found.exclusions
        ),
    )
    doubtful = sum(each.video_facts.get("status") == "doubtful" for each in found.recordings)
    texts = []
    if doubtful:
        texts.append(
            f"Recordings with a doubtful video analysis that are included: {doubtful}; the "
            "stratum status tells them apart."
        )
    if not found.exclusions:
        texts.append("Nothing was left out.")
    tables = (flow, excluded) if found.exclusions else (flow,)
    return Section("participants", "Participants and exclusions", tuple(texts), tables)


def _clocks(found: Comparison) -> Section:
    rows, marked = [], []
    for place, each in enumerate(found.recordings):
        sync = each.sync
        if each.taps is None:
            marked.append(place)
        rows.append(
            (
                each.recording,
                "; ".join(each.sensor_files),
                DASH if sync is None else number(sync.offset_s, 6),
                f"{number(sync.drift_ppm)} ppm" if sync and sync.drift_known else "not claimed",
                DASH if sync is None else number(sync.r),
                DASH if sync is None else number(sync.margin),
                "no" if sync is None or not sync.aligned_from_data else "yes",
                "; ".join(each.notes) or "accepted",
            )
        )
    from_data = sum(
        each.sync is not None and each.sync.aligned_from_data for each in found.recordings
    )
    texts = [
        "Sensor time = video time + offset. An offset found from the movements is accepted alone "
        "where r > 0.9 and the margin over the next best offset is over 0.05; periodic taps let an "
        "offset slip by a whole cycle, and what is not clear is flagged. Recordings whose clocks "
        "are not known to agree (marked) are compared by their features only, not by single taps "
        "or signals.",
    ]
    if from_data:
        texts.append(
            f"{from_data} of {len(found.recordings)} clocks were aligned from the measured "
            "movements themselves. That flatters the agreement of single taps in time (a constant "
            "delay between the devices cannot be seen) and does not touch features."
        )
    columns = ("recording", "sensor log", "offset, s", "drift", "r", "margin", "from data", "notes")
    clocks = Table("Clocks", columns, tuple(rows), frozenset({2, 3, 4, 5}), frozenset(marked))
    return Section("clocks", "Devices and synchronisation", tuple(texts), (clocks, _devices(found)))


def _devices(found: Comparison) -> Table:
    rows = []
    for each in found.recordings:
        facts, video = each.sensor_facts, each.video_facts
        rows.append(
            (
                each.recording,
                facts.get("device", "") or "not stated",
                f"{facts.get('format', '')}, {each.sensor_source}",
                facts.get("sampling_rate_hz", ""),
                facts.get("repairs", "") or "none",
                video.get("measured_fps", "") or DASH,
                f"{video.get('dropped_frames') or DASH} / {video.get('duplicate_frames') or DASH}",
                video.get("longest_gap_s", "") or DASH,
                video.get("tracked_frames_pct", "") or DASH,
            )
        )
    return Table(
        "What measured: sensor log and video",
        ("recording", "sensor", "format, signal", "sensor rate, Hz", "repairs of the log",
         "video, frames/s", "frames lost / repeated", "longest gap, s", "frames tracked, %"),
        tuple(rows),
        numeric=frozenset({3, 5, 6, 7, 8}),
    )  # fmt: skip


def _features(found: Comparison) -> Section:
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
                note="A distance on the picture and an angle of a finger are different "
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
                _limits(row),
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


def _figures(plates: Sequence[Plate]) -> Section:
    shown = [plate for plate in plates if plate.group in ("agreement", "rates")]
    return Section("figures", "Figures", figures=tuple(Picture(p.caption, p.svg) for p in shown))


def _taps(found: Comparison) -> Section:
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
         "RMSE", "note"),
        tuple(
            (
                row.feature,
                row.unit,
                str(row.n_taps),
                with_interval(row.estimate("bias")),
                _limits(row),
                with_interval(row.estimate("pearson_r")),
                with_interval(row.estimate("spearman_rho")),
                number(_value(row, "rmse")),
                row.note,
            )
            for row in paired
        ),
        numeric=frozenset(range(2, 8)),
    )  # fmt: skip
    return Section("taps", "Agreement of single taps", (), (events, differences))


def _count_or_interval(estimate: Estimate) -> str:
    if estimate.name in ("matched", "missed", "extra"):
        return f"{estimate.value:.0f}"
    return with_interval(estimate)


_NO_CLOCKS: Final = (
    "No recording has clocks that are known to agree, so single taps and signals were not compared."
)


def _signals(found: Comparison, plates: Sequence[Plate]) -> Section:
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
    pictures = tuple(Picture(p.caption, p.svg) for p in traces[:MOST_TRACES])
    return Section("signals", "Agreement of signals", (text,), (table,), pictures, True)


def _strata(found: Comparison) -> Section:
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


def _assumptions(found: Comparison) -> Section:
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


def _methods(found: Comparison) -> Section:
    methods: dict[str, str] = {}
    for row in found.rows:
        for estimate in row.estimates:
            if math.isfinite(estimate.value):
                methods.setdefault(estimate.name, estimate.method)
    table = Table(
        "Statistics and their variants, as first used",
        ("statistic", "variant"),
        tuple(methods.items()),
    )
    settings = Table("Settings", ("setting", "value"), tuple(found.settings.items()))
    return Section("methods", "Methods", (), (settings, table))


def _grras(found: Comparison) -> Section:
    items = grras_items(found)
    table = Table(
        "GRRAS: guidelines for reporting reliability and agreement studies",
        ("item", "section", "asks", "filled by the tool", "answer"),
        tuple(
            (str(i.number), i.section, i.asks, _FILLED[i.filled], i.answer or "to be written")
            for i in items
        ),
        marked=frozenset(place for place, item in enumerate(items) if item.filled != "filled"),
        note="Kottner et al. 2011, doi:10.1016/j.jclinepi.2010.03.002. Marked rows need the "
        "authors: the tool cannot know.",
    )
    return Section("grras", "Reporting checklist (GRRAS)", (), (table,))


def _provenance(found: Comparison) -> Section:
    text = "run.json holds the same with the full configuration and package versions."
    table = Table(
        "Where these numbers come from", ("what", "value"), tuple(found.provenance.items())
    )
    return Section("provenance", "Provenance", (text,), (table,))


def _value(row: AgreementRow, name: str) -> float:
    estimate = row.estimate(name)
    return math.nan if estimate is None else estimate.value


def _limits(row: AgreementRow) -> str:
    low, high = _value(row, "loa_lower"), _value(row, "loa_upper")
    if not (math.isfinite(low) and math.isfinite(high)):
        return DASH
    return f"{number(low)} to {number(high)}"


def _share(row: AgreementRow, name: str) -> str:
    estimate = row.estimate(name)
    if estimate is None or not math.isfinite(estimate.value):
        return DASH
    share, low, high = (f"{100 * end:.0f}" for end in (estimate.value, estimate.low, estimate.high))
    return f"{share} % [{low}, {high}]"
