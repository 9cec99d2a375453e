"""The report of a comparison: its title, main results and sections."""

import math
from collections.abc import Sequence
from typing import Final

from tapscope.compare.agreement_rows import RATE
from tapscope.compare.records import AgreementRow, Comparison
from tapscope.compare.report import agreement_sections, html, study_sections
from tapscope.compare.report.figure_selection import DrawnFigure
from tapscope.compare.report.html import DASH, MainResult, with_interval

_TITLE: Final = "Video against wearable sensors: agreement"


def report_page(found: Comparison, drawn: Sequence[DrawnFigure]) -> bytes:
    """Return the report of a comparison as one HTML page."""
    first, last = found.flow[0], found.flow[-2]
    subtitle = (
        f"{last.n_recordings} of {first.n_recordings} recordings of {last.n_participants} "
        f"participants; differences are video minus sensor. tapscope "
        f"{found.provenance['tapscope_version']}, {found.provenance['utc_time']}."
    )
    sections = [
        study_sections.participants(found),
        study_sections.clocks(found),
        agreement_sections.features(found),
        agreement_sections.figures(drawn),
        agreement_sections.taps(found),
        agreement_sections.signals(found, drawn),
        agreement_sections.strata(found),
        agreement_sections.assumptions(found),
        study_sections.methods(found),
        study_sections.grras(found),
        study_sections.provenance(found),
    ]
    return html.render(_TITLE, subtitle, _main_results(found), sections)


def _main_results(found: Comparison) -> list[MainResult]:
    rate, taps, signal = found.row(RATE), found.row("tap_closure_time"), found.row("opening_signal")
    shown = []
    if rate is not None:
        shown += [
            MainResult(f"{with_interval(rate.estimate('bias'))} Hz", "bias of the tapping rate",
                f"limits of agreement {agreement_sections.limits(rate)} Hz, "
                f"{rate.n_recordings} recordings"),
            MainResult(_share(rate, "share_within_0.1"), "of recordings within ±0.1 Hz",
                f"within ±0.5 Hz: {_share(rate, 'share_within_0.5')}"),
        ]  # fmt: skip
    if taps is not None:
        tolerance = found.settings["event tolerance"]
        shown.append(
            MainResult(with_interval(taps.estimate("f1")), f"F1 of closures within {tolerance}",
                f"{taps.n_recordings} recordings; median timing error "
                f"{with_interval(taps.estimate('timing_median_absolute_s'))} s")
        )  # fmt: skip
    if signal is not None:
        shown.append(
            MainResult(with_interval(signal.estimate("signal_r")), "correlation of the apertures",
                f"mean over {signal.n_recordings} recordings after synchronisation")
        )  # fmt: skip
    return shown


def _share(row: AgreementRow, name: str) -> str:
    estimate = row.estimate(name)
    if estimate is None or not math.isfinite(estimate.value):
        return DASH
    share, low, high = (f"{100 * end:.0f}" for end in (estimate.value, estimate.low, estimate.high))
    return f"{share} % [{low}, {high}]"
