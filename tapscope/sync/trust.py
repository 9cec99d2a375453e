"""Which relations of clocks found from the movements may be trusted, and what to do else."""

from dataclasses import dataclass
from typing import Final

from tapscope.sync.thresholds import SETTINGS

TRUSTED_FLAGS: Final = ("", "by_pattern")
"""Relations of clocks by which single taps and signals may be compared."""

_MARK: Final = "a sync cue (--sync-cue) seen by both, such as a clap, settles it"

FLAG_MEANINGS: Final = {
    "by_pattern": "only the pattern of the taps excludes the next cycle",
    "no_overlap": "video and log share too little known time; is it the right log?",
    "few_taps": (
        f"fewer than {SETTINGS.min_taps} taps are seen by both; {_MARK}, or film a longer task"
    ),
    "search_edge": (
        "the best offset lies at the edge of the offsets searched; correct the rough offset "
        "(--offset) or widen its range (--offset-within)"
    ),
    "low_correlation": (
        f"the movements hardly agree at any offset; is it the right log? If it is, {_MARK}"
    ),
    "cycle_ambiguous": (
        f"another whole cycle fits nearly as well; {_MARK}, and so may a rough offset (--offset)"
    ),
    "regular_taps": (
        f"the intervals vary by less than {SETTINGS.pattern_interval_cv:.0%}, so every cycle looks "
        f"like the next; {_MARK}, and so may a pause within the task"
    ),
    "taps_unconfirmed": (
        "the moments of the taps do not show that both saw the same trial (another trial, a wrong "
        f"rough offset, or taps too regular or too noisy to tell); {_MARK}"
    ),
}
"""What each flag means and what settles it."""


@dataclass(frozen=True, slots=True)
class Support:
    """What speaks for an offset that was found from the movements."""

    r: float
    """Correlation of the movements at this offset."""
    margin: float
    """`r` less that of the second peak."""
    evidence: float
    """Log likelihood ratio of this offset against the second peak."""
    at_search_edge: bool
    """Whether the correlation still rises beyond the offsets searched."""
    taps: int
    """Taps that both sides show."""
    interval_cv: float
    """Coefficient of variation of the intervals, that of the steadier side; NaN unknown."""
    tap_evidence: float
    """Log likelihood ratio of one movement against two unrelated ones, from moments of taps."""


def flag_of(support: Support) -> str:
    """Return '' or 'by_pattern' for an offset to be trusted, else the code of the reason."""
    is_clear = support.r > SETTINGS.accept_r and support.margin > SETTINGS.accept_margin
    is_excluding = support.evidence > SETTINGS.pattern_evidence
    is_varied = support.interval_cv >= SETTINGS.pattern_interval_cv
    reasons = {
        "search_edge": support.at_search_edge,
        "low_correlation": support.r <= SETTINGS.pattern_r,
        "few_taps": support.taps < SETTINGS.min_taps,
        "cycle_ambiguous": not is_clear and not is_excluding,
        "regular_taps": not is_clear and not is_varied,
        "taps_unconfirmed": support.tap_evidence <= SETTINGS.min_tap_evidence,
    }
    accepted = "" if is_clear else "by_pattern"
    return next((flag for flag, applies in reasons.items() if applies), accepted)
