"""Agreement of video with wearable sensors: numpy and scipy only, every variant named."""

from tapscope.agreement.correlation import concordance, pearson, spearman
from tapscope.agreement.diagnostics import heteroscedasticity, normality, proportional_bias
from tapscope.agreement.equivalence import equivalence
from tapscope.agreement.error_magnitude import error_sizes, measurement_error, share_within
from tapscope.agreement.estimate import Estimate
from tapscope.agreement.events import EventMatch, event_agreement, match_events
from tapscope.agreement.icc import intraclass_correlations
from tapscope.agreement.limits_of_agreement import (
    bias_and_limits,
    one_sided_factor,
    two_sided_factor,
)
from tapscope.agreement.paired_agreement import PairedAgreement, compare_paired
from tapscope.agreement.regression import deming, passing_bablok
from tapscope.agreement.repeated_measures import repeated_limits

__all__ = [
    "Estimate",
    "EventMatch",
    "PairedAgreement",
    "bias_and_limits",
    "compare_paired",
    "concordance",
    "deming",
    "equivalence",
    "error_sizes",
    "event_agreement",
    "heteroscedasticity",
    "intraclass_correlations",
    "match_events",
    "measurement_error",
    "normality",
    "one_sided_factor",
    "passing_bablok",
    "pearson",
    "proportional_bias",
    "repeated_limits",
    "share_within",
    "spearman",
    "two_sided_factor",
]
