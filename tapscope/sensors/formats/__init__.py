"""Readers of sensor logs, one module a format, recognised by the content of the file.

A new format is one module with a `FORMAT`, and its name in the tuple below. A reader gives the
numbers as the file has them; units, clocks and fingers are settled in `tapscope.sensors.normalise`.
"""

from typing import Final

from tapscope.sensors.formats import (
    apdm,
    bids_motion,
    c3d,
    delsys,
    gyro_mat,
    leap,
    mbientlab,
    neutral,
    shimmer,
    xdf,
    xsens_dot,
)
from tapscope.sensors.formats.base import Format

__all__ = ["FORMATS"]

FORMATS: Final[tuple[Format, ...]] = (
    gyro_mat.FORMAT,
    c3d.FORMAT,
    xdf.FORMAT,
    apdm.FORMAT,
    delsys.FORMAT,
    xsens_dot.FORMAT,
    shimmer.FORMAT,
    mbientlab.FORMAT,
    leap.FORMAT,
    neutral.FORMAT,
    bids_motion.FORMAT,
)
