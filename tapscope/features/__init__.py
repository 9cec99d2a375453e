"""Features of a recording: one row of a registry each."""

from tapscope.features.context import Acquisition, Context
from tapscope.features.quality import Status, quality_status
from tapscope.features.registry import FEATURES, Feature, compute, data_dictionary

__all__ = [
    "FEATURES",
    "Acquisition",
    "Context",
    "Feature",
    "Status",
    "compute",
    "data_dictionary",
    "quality_status",
]
