"""`tapscope compare`: a table of videos and a folder of sensor logs in, their agreement out.

study.py leads through it: pair, align, compare each recording, then agreement over all. What a
comparison finds (records.py) is all that tables and report see; no video is opened here.
"""

from tapscope.compare.alignment import ClockRule
from tapscope.compare.study import Options, compare_study

__all__ = ["ClockRule", "Options", "compare_study"]
