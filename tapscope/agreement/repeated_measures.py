"""Limits of agreement when participants have several trials."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tapscope.agreement.estimate import NAN, Estimate
from tapscope.agreement.intervals import mean_interval, normal_quantile
from tapscope.agreement.limits_of_agreement import LIMIT_SDS
from tapscope.agreement.pairs import MINIMUM_PAIRS, Pairs, is_constant
from tapscope.records import FloatArray

_ZOU_FORM = "repeated measures, true value varying (Zou 2013)"
_ZOU_LIMITS = f"bias -/+ 1.96 SD, {_ZOU_FORM}; MOVER interval"
_ZOU_METHODS = {
    "bias": f"mean over participants of video minus sensor, {_ZOU_FORM}; Student's t interval",
    "sd_difference": f"SD of one difference, {_ZOU_FORM}; MOVER interval",
    "loa_lower": _ZOU_LIMITS,
    "loa_upper": _ZOU_LIMITS,
}
_ANOVA_FORM = (
    "repeated measures, true value varying, components by analysis of variance "
    "(Bland & Altman 2007); no interval, see the MOVER form"
)
_ANOVA_METHODS = {
    "bias_all_pairs": f"mean over all pairs of video minus sensor, {_ANOVA_FORM}",
    "sd_difference_anova": f"SD of one difference, {_ANOVA_FORM}",
    "loa_lower_anova": f"bias - 1.96 SD, {_ANOVA_FORM}",
    "loa_upper_anova": f"bias + 1.96 SD, {_ANOVA_FORM}",
}


@dataclass(frozen=True, slots=True)
class OneWay:
    """One-way analysis of variance of one quantity by participant."""

    counts: FloatArray
    """Trials of each participant, shape (participants,)."""
    means: FloatArray
    """Mean of each participant, shape (participants,)."""
    grand_mean: float
    """Mean over all trials."""
    mean_square_within: float
    """Pooled variance within participants; NaN where no participant has two trials."""
    mean_square_between: float
    """Mean square between participants."""

    @classmethod
    def of(
        cls, values: FloatArray, participant: np.ndarray[tuple[int], np.dtype[np.int64]]
    ) -> "OneWay":
        """Analyse values, shape (trials,), by the number of their participant."""
        counts = np.bincount(participant).astype(np.float64)
        means = np.bincount(participant, values) / counts
        grand_mean = float(values.mean())
        within_degrees = values.size - counts.size
        within = float(np.sum((values - means[participant]) ** 2))
        between = float(np.sum(counts * (means - grand_mean) ** 2))
        return cls(
            counts,
            means,
            grand_mean,
            within / within_degrees if within_degrees else NAN,
            between / (counts.size - 1),
        )

    @property
    def within_degrees(self) -> int:
        """Degrees of freedom within participants."""
        return int(self.counts.sum()) - self.counts.size

    @property
    def divisor(self) -> float:
        """Factor of the between-participant variance in the expected mean square between."""
        total = float(self.counts.sum())
        return (total**2 - float(np.sum(self.counts**2))) / ((self.counts.size - 1) * total)

    @property
    def between_variance(self) -> float:
        """Variance of the participants' true means, not below 0."""
        return max(0.0, (self.mean_square_between - self.mean_square_within) / self.divisor)

    @property
    def within_share(self) -> float:
        """1 - 1/m, with m the harmonic mean of the participants' numbers of trials."""
        return 1.0 - float(np.mean(1 / self.counts))


def repeated_limits(pairs: Pairs, confidence_level: float = 0.95) -> list[Estimate]:
    """Estimate bias and limits of agreement from several trials of each participant.

    Each trial measures a new true value with both methods at once, as tapping does.

    Parameters
    ----------
    pairs
        Both sides in the same unit, with their participants.
    confidence_level
        Of the intervals.

    Returns
    -------
    list of Estimate
        bias, sd_difference, loa_lower and loa_upper by Zou 2013: unweighted mean of participants'
        means, variance of those means plus (1 - 1/m) of the variance within (m harmonic mean of
        the trials), MOVER intervals (bias: Student's). bias_all_pairs, sd_difference_anova,
        loa_lower_anova and loa_upper_anova by Bland & Altman 2007: mean over all trials,
        components by analysis of variance, no interval. Both are equal where all participants
        have the same number of trials. NaN with fewer than three participants or where no
        participant has two trials.

    References
    ----------
    Bland & Altman 2007, doi:10.1080/10543400701329422; Zou 2013, doi:10.1177/0962280211402548.
    """
    reason = _why_impossible(pairs)
    if reason:
        return pairs.all_undefined(_ZOU_METHODS | _ANOVA_METHODS, confidence_level, reason)
    table = OneWay.of(pairs.difference, pairs.participant)
    return [
        *_zou_limits(pairs, table, confidence_level),
        *_anova_limits(pairs, table, confidence_level),
    ]


def _why_impossible(pairs: Pairs) -> str:
    if pairs.n_participants < MINIMUM_PAIRS:
        return "fewer than 3 participants"
    if len(pairs) == pairs.n_participants:
        return "no participant has two trials"
    return ""


def _zou_limits(pairs: Pairs, table: OneWay, confidence_level: float) -> list[Estimate]:
    bias, n = float(table.means.mean()), table.means.size
    means_variance = float(table.means.var(ddof=1))
    components = [
        (means_variance, n - 1),
        (table.within_share * table.mean_square_within, table.within_degrees),
    ]
    variance = sum(component for component, _ in components)
    sd = float(np.sqrt(variance))
    values = {
        "bias": bias,
        "sd_difference": sd,
        "loa_lower": bias - LIMIT_SDS * sd,
        "loa_upper": bias + LIMIT_SDS * sd,
    }
    if sd == 0 or is_constant(pairs.difference, pairs.magnitude):
        note = "; interval undefined: the differences do not vary"
        methods = {name: method + note for name, method in _ZOU_METHODS.items()}
        return pairs.estimates(values, methods, confidence_level, {})
    sd_low, sd_high = (float(np.sqrt(v)) for v in _mover_sum(components, confidence_level))
    half = normal_quantile(confidence_level) * float(np.sqrt(means_variance / n))
    outward = float(np.hypot(half, LIMIT_SDS * (sd_high - sd)))
    inward = float(np.hypot(half, LIMIT_SDS * (sd - sd_low)))
    lower, upper = values["loa_lower"], values["loa_upper"]
    intervals = {
        "bias": mean_interval(table.means, confidence_level),
        "sd_difference": (sd_low, sd_high),
        "loa_lower": (lower - outward, lower + inward),
        "loa_upper": (upper - inward, upper + outward),
    }
    return pairs.estimates(values, _ZOU_METHODS, confidence_level, intervals)


def _mover_sum(components: list[tuple[float, int]], confidence_level: float) -> tuple[float, float]:
    """Return the interval of a sum of independent variances given as (variance, degrees)."""
    tail = (1 - confidence_level) / 2
    total = sum(variance for variance, _ in components)
    below = above = 0.0
    for variance, degrees in components:
        below += (variance * (1 - degrees / float(stats.chi2.ppf(1 - tail, degrees)))) ** 2
        above += (variance * (degrees / float(stats.chi2.ppf(tail, degrees)) - 1)) ** 2
    return max(0.0, total - float(np.sqrt(below))), total + float(np.sqrt(above))


def _anova_limits(pairs: Pairs, table: OneWay, confidence_level: float) -> list[Estimate]:
    bias = table.grand_mean
    sd = float(np.sqrt(table.between_variance + table.mean_square_within))
    values = {
        "bias_all_pairs": bias,
        "sd_difference_anova": sd,
        "loa_lower_anova": bias - LIMIT_SDS * sd,
        "loa_upper_anova": bias + LIMIT_SDS * sd,
    }
    return pairs.estimates(values, _ANOVA_METHODS, confidence_level, {})
