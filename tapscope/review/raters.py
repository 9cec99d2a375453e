"""How well the raters of a study agree: in taps, in features, and in what they exclude."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np

from tapscope.agreement import Estimate, EventMatch, event_agreement, match_events
from tapscope.agreement.icc import intraclass_correlations
from tapscope.agreement.kappa import cohen_kappa
from tapscope.corrections.in_force import Corrections, signed
from tapscope.corrections.log import log_path, raters_of, read_log
from tapscope.errors import CorrectionsError
from tapscope.output.columns import feature_names
from tapscope.output.table import cell_text, csv_bytes, rounded, write_result
from tapscope.pipeline.measurement import Measurement, measurement_of
from tapscope.records import FloatArray
from tapscope.review.study import Item, Study

TOLERANCE_S: Final = 0.05
"""Largest time between closures that are the same."""
_OF_TAPS: Final = ("matched", "f1", "timing_median_absolute_s")
_COLUMNS: Final = (
    *("rater_1", "rater_2", "about", "statistic", "value"),
    *("ci_low", "ci_high", "n", "method"),
)


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """One statistic of two raters."""

    raters: tuple[str, str]
    about: str
    """'excluded' (recordings), 'closures', or a feature."""
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class _Signed:
    """What a rater signed of one recording."""

    item: Item
    corrections: Corrections
    measured: Measurement

    @property
    def closures_s(self) -> FloatArray:
        """Return the closures of the rater's taps."""
        taps = self.measured.tapping.taps
        return np.unique(np.concatenate([taps.closure_s, taps.next_closure_s]))


def compare_raters(study: Study) -> tuple[RaterAgreement, ...]:
    """Compare each two raters in the recordings that both signed.

    Taps: closures within 50 ms of each other are the same; F1 is 2 matched / (closures of both).
    Features: ICC(A,1), over recordings that neither excluded. Excluded recordings: Cohen's kappa.

    Raises
    ------
    CorrectionsError
        Fewer than two raters signed the same recording, or a log cannot be read.
    """
    by_rater: dict[str, dict[str, _Signed]] = {}
    for item in study.items:
        if not item.problem:
            for rater, found in _signed(study, item).items():
                by_rater.setdefault(rater, {})[item.recording.name] = found
    rows: list[RaterAgreement] = []
    for raters in combinations(sorted(by_rater), 2):
        one, other = (by_rater[rater] for rater in raters)
        names = [name for name in one if name in other]
        if names:
            pairs = [(one[name], other[name]) for name in names]
            rows += [RaterAgreement(raters, *row) for row in _agreement(study, pairs)]
    if not rows:
        signers = ", ".join(sorted(by_rater)) or "nobody"
        raise CorrectionsError(
            f"{study.table}: no recording is signed by two raters (signed by {signers}); let a "
            "second rater review some of them in 'tapscope review'"
        )
    return tuple(rows)


def write_raters(rows: Sequence[RaterAgreement], table: Path) -> Path:
    """Write the comparison as CSV beside the table and return its path.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    path = table.with_name(f"{table.stem}.raters.csv")
    lines = [
        [
            *row.raters,
            row.about,
            row.estimate.name,
            *(
                cell_text(rounded(value))
                for value in (row.estimate.value, row.estimate.low, row.estimate.high)
            ),
            str(row.estimate.n),
            row.estimate.method,
        ]
        for row in rows
    ]
    write_result(path, csv_bytes(_COLUMNS, lines))
    return path


def _signed(study: Study, item: Item) -> Mapping[str, _Signed]:
    found: dict[str, _Signed] = {}
    stem = item.recording.file_stem
    raters = raters_of(study.folder, stem)
    tracking = study.tracking(item) if raters else None
    for rater in raters:
        corrections = signed(read_log(log_path(study.folder, rater, stem)))
        if corrections is None or tracking is None or corrections.subject != item.subject(rater):
            continue
        recording = replace(item.recording, corrections=corrections)
        measured = measurement_of(tracking, recording, study.protocol)
        found[rater] = _Signed(item, corrections, measured)
    return found


def _agreement(
    study: Study, pairs: Sequence[tuple[_Signed, _Signed]]
) -> list[tuple[str, Estimate]]:
    excluded = [[bool(each.corrections.exclusion) for each in pair] for pair in pairs]
    rows = [("excluded", cohen_kappa(*np.array(excluded).T))]
    kept = [pair for pair, out in zip(pairs, excluded, strict=True) if not any(out)]
    if not kept:
        return rows
    matches = [_match(*pair) for pair in kept]
    rows += [
        ("closures", replace(each, method=_of_raters(each.method)))
        for each in event_agreement(matches)
        if each.name in _OF_TAPS
    ]
    for name in feature_names(study.protocol):
        ratings = np.array([[each.measured.numbers[name] for each in pair] for pair in kept])
        icc = next(each for each in intraclass_correlations(ratings) if each.name == "icc_a_1")
        if not math.isnan(icc.value):
            rows.append((name, icc))
    return rows


def _of_raters(method: str) -> str:
    """Return the name of a method that was written for a video and a sensor."""
    return method.replace("video", "rater 1").replace("sensor", "rater 2")


def _match(one: _Signed, other: _Signed) -> EventMatch:
    return match_events(one.closures_s, other.closures_s, TOLERANCE_S)
