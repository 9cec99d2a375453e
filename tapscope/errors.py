"""Exceptions that tapscope raises on purpose.

Every message names the file, what was found, what was expected and what to do.
Poor data is no exception: it is NaN with a reason.
"""


class TapscopeError(Exception):
    """Base of every error that a caller may want to show to the user as it is."""


class VideoError(TapscopeError):
    """A video cannot be opened or decoded."""


class SensorError(TapscopeError):
    """A sensor log cannot be recognised or read."""


class ProtocolError(TapscopeError):
    """A protocol file is missing, malformed or contradicts itself."""


class WeightsError(TapscopeError):
    """A weights file or its card is missing, damaged or does not fit."""


class AnnotationError(TapscopeError):
    """A folder of labelled frames cannot be used."""


class ComparisonError(TapscopeError):
    """Recordings and sensor logs cannot be joined or compared."""


class ManifestError(TapscopeError):
    """A table that names recordings cannot be read or contradicts itself."""


class OutputError(TapscopeError):
    """Results cannot be written."""
