"""Exceptions for problems that the user can solve.

Every message names the file, what was found, what was expected and what to do.
Poor data raises no exception; it gives NaN and a code for the reason.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

LONGEST_MESSAGE: Final = 1200
"""Characters of a message."""


class TapscopeError(Exception):
    """Base of all errors whose message is written for the user.

    Damaged files have cells of any length: the middle of a message too long to read is left out.
    """

    def __init__(self, message: str) -> None:
        if len(message) > LONGEST_MESSAGE:
            half = LONGEST_MESSAGE // 2
            message = f"{message[:half]} ... {message[-half:]}"
        super().__init__(message)


class VideoError(TapscopeError):
    """A video cannot be found, opened or decoded."""


class SensorError(TapscopeError):
    """A sensor log cannot be recognised or read."""


class ProtocolError(TapscopeError):
    """A protocol file is missing, malformed or contradicts itself."""


class WeightsError(TapscopeError):
    """A weights file or its card is missing, damaged or does not fit."""


class AnnotationError(TapscopeError):
    """A folder of labelled frames cannot be used."""


class ResultsError(TapscopeError):
    """What `tapscope analyze` wrote is missing, damaged or was changed."""


class ComparisonError(TapscopeError):
    """Recordings and sensor logs cannot be joined or compared."""


class ManifestError(TapscopeError):
    """A table that names recordings cannot be read or contradicts itself."""


class CorrectionsError(TapscopeError):
    """Corrections of a rater cannot be read or do not fit the recording."""


class ConflictError(CorrectionsError):
    """The page has not seen the last corrections: another page has made some."""


class OutputError(TapscopeError):
    """Results cannot be written."""


def require_extra(
    module: str,
    extra: str,
    path: Path,
    error: type[TapscopeError],
    instead: str = "",
    *,
    what: str = "this format",
) -> None:
    """Raise an error if the library of an optional part is not installed; do not import it.

    Parameters
    ----------
    module, extra
        The library, and the extra of tapscope that installs it.
    path
        The file that needs the library.
    error
        Kind of error; its message tells how to install the library.
    instead
        End of the message: another way for the user.
    what
        What needs the library, for the message.
    """
    if find_spec(module) is None:
        raise error(
            f"{path}: {what} needs {module}, which is not installed; run: "
            f'pip install "tapscope[{extra}]"{instead}'
        )
