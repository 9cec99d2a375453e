"""Features of a task: one row of the registry each, and the verdict on the recording.

In comes a `Context`: the trajectory, the movement, the task and the taps, whatever measured them.
What is here needs numpy and scipy only and knows neither files nor networks.
"""

from tapscope.features.context import Acquisition, Context, Expected, in_task
from tapscope.features.ending import ENDINGS, Ending, least_expected, task_ending
from tapscope.features.quality import Status, quality_status
from tapscope.features.registry import FEATURES, Feature, compute, data_dictionary

__all__ = [
    "ENDINGS",
    "FEATURES",
    "Acquisition",
    "Context",
    "Ending",
    "Expected",
    "Feature",
    "Status",
    "compute",
    "data_dictionary",
    "in_task",
    "least_expected",
    "quality_status",
    "task_ending",
]
