"""Agreement of features, taps and signals over the recordings of each stratum."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tapscope.agreement import (
    Estimate,
    Pairs,
    compare_paired,
    error_magnitudes,
    event_agreement,
    repeated_limits,
)
from tapscope.agreement.intervals import mean_interval
from tapscope.agreement.pairs import MINIMUM_PAIRS
from tapscope.compare.records import AgreementRow, RecordingComparison, TapComparison
from tapscope.compare.strata import Stratum
from tapscope.records import FloatArray

CONFIDENCE: Final = 0.95
RATE_TOLERANCES_HZ: Final = (0.5, 0.1)
RATE: Final = "tapping_rate_hz"
CENTRED: Final = "share of the recording's mean, centred"

Values = Callable[[TapComparison], tuple[FloatArray, FloatArray]]
"""Returns video and sensor values of the matched taps."""


def agreement_rows(
    strata: Sequence[Stratum], features: Sequence[str], margins: Mapping[str, float]
) -> tuple[AgreementRow, ...]:
    """Compute every statistic of every feature, of the taps and of the signals.

    Parameters
    ----------
    strata
        Groups of recordings, 'all' first.
    features
        Names of the features, in the order of the rows.
    margins
        Equivalence margin by feature, chosen beforehand, in the feature's unit.

    Returns
    -------
    tuple of AgreementRow
        Features, then taps, then signals, each with all strata. A feature that no recording has
        on both sides gets no row.
    """
    rows: list[AgreementRow] = []
    for feature in features:
        for stratum in strata:
            rows += _feature_row(stratum, feature, margins.get(feature))
    for stratum in strata:
        rows += _tap_rows(stratum)
    for stratum in strata:
        rows += _signal_rows(stratum)
    order = {name: place for place, name in enumerate(dict.fromkeys(row.feature for row in rows))}
    return tuple(sorted(rows, key=lambda row: order[row.feature]))


def _feature_row(stratum: Stratum, feature: str, margin: float | None) -> Iterator[AgreementRow]:
    members, pairs = [], []
    for each in stratum.recordings:
        for pair in each.features:
            if pair.feature == feature and math.isfinite(pair.video) and math.isfinite(pair.sensor):
                members.append(each)
                pairs.append(pair)
    if not pairs:
        return
    units = list(dict.fromkeys(pair.unit for pair in pairs))
    comparable = len(units) == 1 and all(pair.comparable for pair in pairs)
    found = compare_paired(
        [pair.video for pair in pairs],
        [pair.sensor for pair in pairs],
        [each.participant_id for each in members],
        margin=margin,
        comparable_units=comparable,
        tolerances=RATE_TOLERANCES_HZ if feature == RATE else (),
        confidence_level=CONFIDENCE,
    )
    yield AgreementRow(
        feature=feature,
        unit="; ".join(units),
        stratum=stratum.name,
        level="feature",
        n_participants=found.n_participants,
        n_recordings=found.n_pairs,
        n_taps=sum(each.video_taps for each in members),
        form=found.form,
        note=found.note,
        estimates=found.estimates,
    )


def _tap_rows(stratum: Stratum) -> Iterator[AgreementRow]:
    compared = [
        (each, each.taps)
        for each in stratum.recordings
        if each.taps is not None and each.taps.match.matched + each.taps.match.missed > 0
    ]
    if not compared:
        return
    aligned = sum(each.aligned_from_data for each, _ in compared)
    note = f"clocks of {aligned} of {len(compared)} recordings aligned from the movements"
    yield AgreementRow(
        feature="tap_closure_time",
        unit="s",
        stratum=stratum.name,
        level="tap",
        n_participants=len({each.participant for each, _ in compared}),
        n_recordings=len(compared),
        n_taps=sum(taps.match.matched for _, taps in compared),
        form="pooled",
        note=note + (", which flatters timing and matching" if aligned else ""),
        estimates=tuple(event_agreement([taps.match for _, taps in compared], CONFIDENCE)),
    )
    yield _paired_taps(stratum, compared, "tap_interval_s", "s", _intervals)
    units = {(taps.video.unit, taps.sensor.unit) for _, taps in compared}
    if units == {("mm", "mm")}:
        yield _paired_taps(stratum, compared, "tap_amplitude", "mm", _amplitudes)
    if all("none" not in pair for pair in units):
        yield _paired_taps(stratum, compared, "tap_amplitude_centred", CENTRED, _centred_amplitudes)


def _paired_taps(
    stratum: Stratum,
    compared: Sequence[tuple[RecordingComparison, TapComparison]],
    feature: str,
    unit: str,
    values: Values,
) -> AgreementRow:
    sides = [values(taps) for _, taps in compared]
    video, sensor = (np.concatenate([side[place] for side in sides]) for place in (0, 1))
    people = [
        each.participant for (each, _), side in zip(compared, sides, strict=True) for _ in side[0]
    ]
    found = compare_paired(
        video, sensor, people, comparable_units=False, confidence_level=CONFIDENCE
    )
    estimates = found.estimates
    note = "taps of which both closures match"
    if unit == CENTRED:
        # Each side is centred, so a bias would be 0 whatever was measured.
        note += "; unlike units: correlation and rank agreement within recordings only"
    else:
        pairs = Pairs.of(video, sensor, people)
        estimates = (
            *repeated_limits(pairs, CONFIDENCE),
            *estimates,
            *(_without_interval(size) for size in error_magnitudes(pairs, CONFIDENCE)),
        )
    return AgreementRow(
        feature=feature,
        unit=unit,
        stratum=stratum.name,
        level="tap",
        n_participants=found.n_participants,
        n_recordings=sum(bool(np.isfinite(side[0] + side[1]).any()) for side in sides),
        n_taps=found.n_pairs,
        form="repeated",
        note=note,
        estimates=estimates,
    )


def _without_interval(estimate: Estimate) -> Estimate:
    """Drop the interval, which treats the taps of one recording as independent."""
    form = estimate.method.split("; ")[0]
    method = f"{form}, over all taps; no interval: taps of one recording are not independent"
    return replace(estimate, low=math.nan, high=math.nan, p_value=math.nan, method=method)


def _intervals(taps: TapComparison) -> tuple[FloatArray, FloatArray]:
    return (
        taps.video.interval_s[list(taps.tap_of_video)],
        taps.sensor.interval_s[list(taps.tap_of_sensor)],
    )


def _amplitudes(taps: TapComparison) -> tuple[FloatArray, FloatArray]:
    return (
        taps.video.amplitude[list(taps.tap_of_video)],
        taps.sensor.amplitude[list(taps.tap_of_sensor)],
    )


def _centred_amplitudes(taps: TapComparison) -> tuple[FloatArray, FloatArray]:
    """Return amplitude / recording's mean - 1 of the taps that both sides measured."""
    video, sensor = _amplitudes(taps)
    known = np.isfinite(video) & np.isfinite(sensor)
    video, sensor = video[known], sensor[known]
    if video.size < 2:
        return np.empty(0), np.empty(0)
    return video / video.mean() - 1.0, sensor / sensor.mean() - 1.0


def _signal_rows(stratum: Stratum) -> Iterator[AgreementRow]:
    compared = [
        (each, each.signal)
        for each in stratum.recordings
        if each.signal is not None and math.isfinite(each.signal.r)
    ]
    if not compared:
        return
    r = np.array([signal.r for _, signal in compared])
    rmse = np.array([signal.rmse for _, signal in compared])
    people = [each.participant for each, _ in compared]
    rule = "mean over recordings"
    yield AgreementRow(
        feature="opening_signal",
        unit="share of the 5th to 95th percentile",
        stratum=stratum.name,
        level="signal",
        n_participants=len(set(people)),
        n_recordings=len(compared),
        n_taps=sum(each.video_taps for each, _ in compared),
        form="pooled",
        note="apertures at the video's frames after synchronisation, each scaled to its own "
        "5th to 95th percentile",
        estimates=(
            _mean_over_people("signal_r", r, people, f"{rule} of Pearson's r, by Fisher's z", "z"),
            _mean_over_people("signal_rmse", rmse, people, f"{rule} of the scaled RMSE", ""),
        ),
    )


def _mean_over_people(
    name: str, values: FloatArray, people: Sequence[str], method: str, scale: str
) -> Estimate:
    """Average within participants, then over participants; Student's interval of the latter."""
    if scale == "z":
        values = np.arctanh(np.clip(values, -1 + 1e-12, 1 - 1e-12))
    names = list(dict.fromkeys(people))
    owner = np.array([names.index(person) for person in people])
    means = np.bincount(owner, values) / np.bincount(owner)
    low, high = math.nan, math.nan
    method += ", participants weighted alike"
    if means.size >= MINIMUM_PAIRS:
        low, high = mean_interval(means, CONFIDENCE)
        method += "; Student's t interval"
    else:
        method += "; interval undefined: fewer than 3 participants"
    ends = (float(means.mean()), low, high)
    if scale == "z":
        ends = tuple(math.tanh(end) for end in ends)  # type: ignore[assignment]
    return Estimate(name, *ends, CONFIDENCE, method, values.size)
