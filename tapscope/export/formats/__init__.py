"""Writers of the formats of other programs, one format per file.

A new format is one module with a `FORMAT`, and its entry in `FORMATS`. A module imports its library
only while it writes: the others work without it.
"""

from typing import Final

from tapscope.export.formats import bids, dlc, long, nwb, redcap, sav, xlsx
from tapscope.export.formats.base import Format, NotExported

__all__ = ["FORMATS", "Format", "NotExported"]

FORMATS: Final[tuple[Format, ...]] = (
    dlc.FORMAT,
    nwb.FORMAT,
    bids.FORMAT,
    sav.FORMAT,
    xlsx.FORMAT,
    redcap.FORMAT,
    long.FORMAT,
)
