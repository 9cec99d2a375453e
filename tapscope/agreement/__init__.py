"""How well video and sensor agree: the statistics of pairs and of matched taps.

Numbers go in, Estimates come out, each with its interval and the name of its variant. Only numpy,
scipy, records and errors may be imported here.
"""

from tapscope.agreement.error_magnitude import error_magnitudes
from tapscope.agreement.estimate import Estimate
from tapscope.agreement.events import EventMatch, event_agreement, match_events
from tapscope.agreement.paired_agreement import compare_paired
from tapscope.agreement.pairs import Pairs
from tapscope.agreement.repeated_measures import repeated_limits

__all__ = [
    "Estimate",
    "EventMatch",
    "Pairs",
    "compare_paired",
    "error_magnitudes",
    "event_agreement",
    "match_events",
    "repeated_limits",
]
