"""`tapscope compare`: recordings and sensor logs paired, aligned, and their agreement measured."""

from tapscope.compare.alignment import ClockRule
from tapscope.compare.study import Options, compare_study

__all__ = ["ClockRule", "Options", "compare_study"]
