"""All agreement statistics of one feature: simple, or with several pairs a participant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from tapscope.agreement.correlation import concordance, pearson, spearman
from tapscope.agreement.diagnostics import heteroscedasticity, normality, proportional_bias
from tapscope.agreement.equivalence import equivalence
from tapscope.agreement.error_magnitude import error_magnitudes, measurement_error, share_within
from tapscope.agreement.estimate import NAN, Estimate, check_level, check_positive
from tapscope.agreement.icc import intraclass_correlations
from tapscope.agreement.jackknife import Scale, jackknife_error, jackknife_interval
from tapscope.agreement.limits_of_agreement import limits_of_agreement
from tapscope.agreement.pairs import Pairs
from tapscope.agreement.regression import deming, passing_bablok
from tapscope.agreement.repeated_measures import repeated_limits
from tapscope.records import FloatArray

Form = Literal["simple", "repeated"]


@dataclass(frozen=True, slots=True)
class PairedAgreement:
    """The statistics of one feature and their form."""

    estimates: tuple[Estimate, ...]
    """One for each statistic; names are unique."""
    form: Form
    """'repeated' where a participant has several pairs, else 'simple'."""
    n_pairs: int
    """Complete pairs."""
    n_participants: int
    """Participants with a complete pair."""
    note: str
    """Form of the statistics and what was left out, in one sentence for the report."""

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.estimates)

    def __getitem__(self, name: str) -> Estimate:
        """Return the estimate called `name`; KeyError where there is none."""
        for estimate in self.estimates:
            if estimate.name == name:
                return estimate
        raise KeyError(name)


def compare_paired(
    video: ArrayLike,
    sensor: ArrayLike,
    participant_ids: Sequence[str] | None,
    *,
    margin: float | None = None,
    comparable_units: bool = True,
    tolerances: Sequence[float] = (),
    confidence_level: float = 0.95,
) -> PairedAgreement:
    """Compute every agreement statistic of one feature.

    With one pair a participant the pairs are independent and the simple forms apply. With several
    pairs a participant, the limits take the repeated-measures form, equivalence and normality use
    participants' means, and correlations, regressions and error magnitudes keep their value over
    all pairs but get intervals and p values from a jackknife over participants.

    Parameters
    ----------
    video, sensor
        Values of one feature, shape (recordings,); NaN pairs are dropped and counted.
    participant_ids
        Participant of each pair, shape (recordings,). Each '' (unknown) counts as a participant
        of its own; None makes every pair one.
    margin
        Equivalence margin chosen before the data were seen, in the feature's unit; None: no test.
    comparable_units
        False where the sides have different units: only correlation and rank agreement are given.
    tolerances
        Differences in the feature's unit; for each, the share of pairs that differ by no more.
    confidence_level
        Of the intervals.

    Returns
    -------
    PairedAgreement
        Get an estimate by name with []. Differences are video minus sensor.

    Raises
    ------
    ComparisonError
        If the lists differ in length, or margin, tolerance or level is out of range.
    """
    check_level(confidence_level)
    if margin is not None:
        check_positive(margin, "equivalence margin")
    for tolerance in tolerances:
        check_positive(tolerance, "tolerance")
    pairs = Pairs.of(video, sensor, participant_ids)
    form: Form = "repeated" if pairs.n_participants < len(pairs) else "simple"
    estimates = _pooled(pairs, comparable_units, confidence_level)
    if form == "repeated":
        estimates = _with_participants(pairs, estimates, comparable_units, confidence_level)
    if comparable_units:
        estimates = [
            *_difference_estimates(pairs, form, margin, confidence_level),
            *estimates,
            *(share_within(pairs, tolerance, confidence_level) for tolerance in tolerances),
        ]
    return PairedAgreement(
        tuple(replace(estimate, n_dropped=pairs.n_dropped) for estimate in estimates),
        form,
        len(pairs),
        pairs.n_participants,
        _note(pairs, form, comparable_units, margin),
    )


def _pooled(pairs: Pairs, comparable_units: bool, level: float) -> list[Estimate]:
    """Return the statistics over all pairs, as if the pairs were independent."""
    estimates = [pearson(pairs, level), spearman(pairs, level)]
    if not comparable_units:
        return estimates
    return [
        proportional_bias(pairs, level),
        heteroscedasticity(pairs, level),
        *intraclass_correlations(np.column_stack((pairs.video, pairs.sensor)), level),
        concordance(pairs, level),
        *estimates,
        *deming(pairs, level),
        *passing_bablok(pairs, level),
        *error_magnitudes(pairs, level),
    ]


def _difference_estimates(
    pairs: Pairs, form: Form, margin: float | None, level: float
) -> list[Estimate]:
    """Return limits, measurement error, normality and equivalence."""
    if form == "repeated":
        limits = repeated_limits(pairs, level)
        units, note = pairs.participant_means(), "on participants' means, "
    else:
        limits = limits_of_agreement(pairs, level)
        units, note = pairs, ""
    spread = next(estimate for estimate in limits if estimate.name == "sd_difference")
    tests = [normality(units, level)]
    if margin is not None:
        tests.append(equivalence(units, margin, level))
    return [
        *limits,
        *measurement_error(spread),
        *(replace(test, method=f"{note}{test.method}") for test in tests),
    ]


def _with_participants(
    pairs: Pairs, estimates: list[Estimate], comparable_units: bool, level: float
) -> list[Estimate]:
    """Replace intervals that treat trials of one participant as independent."""
    left_out = [
        _pooled(pairs.without(participant), comparable_units, level)
        for participant in range(pairs.n_participants)
    ]
    return [
        _by_jackknife(estimate, np.array([one[place].value for one in left_out]), level)
        for place, estimate in enumerate(estimates)
    ]


def _scale(name: str) -> Scale:
    if name in ("pearson_r", "spearman_rho", "ccc") or name.startswith("icc_"):
        return "correlation"
    return "positive" if name in ("rmse", "mae", "mape_pct") else "real"


def _by_jackknife(estimate: Estimate, left_out: FloatArray, level: float) -> Estimate:
    if not np.isfinite(estimate.value):
        return estimate
    variant = f"{estimate.method.split('; ')[0]}, over all pairs"
    if estimate.name == "passing_bablok_linearity":
        method = f"{variant}; p undefined: pairs of one participant are not independent"
        return replace(estimate, p_value=NAN, method=method)
    scale = _scale(estimate.name)
    low, high = jackknife_interval(estimate.value, left_out, level, scale)
    method = f"{variant}; jackknife over participants, Student's t"
    if np.isnan(low):
        method += "; interval undefined: too few participants or no variation"
    p_value = estimate.p_value
    if not np.isnan(p_value):
        centre = np.arctanh(estimate.value) if scale == "correlation" else estimate.value
        error = jackknife_error(estimate.value, left_out, scale)
        p_value = float(2 * stats.t.sf(abs(centre) / error, left_out.size - 1)) if error else NAN
    return replace(estimate, low=low, high=high, p_value=p_value, method=method)


def _note(pairs: Pairs, form: Form, comparable_units: bool, margin: float | None) -> str:
    parts = [
        f"{pairs.n_participants} participants with {len(pairs)} pairs: {form} form"
        + (", a participant has several pairs" if form == "repeated" else "")
    ]
    if pairs.n_unknown:
        parts.append(f"{pairs.n_unknown} pairs without a participant taken as independent")
    if not comparable_units:
        parts.append("unlike units: correlation and rank agreement only")
        if margin is not None:
            parts.append("no equivalence test")
    return "; ".join(parts)
