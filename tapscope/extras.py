"""Libraries that only some formats need."""

from importlib.util import find_spec
from pathlib import Path

from tapscope.errors import TapscopeError


def require_extra(
    module: str, extra: str, path: Path, error: type[TapscopeError], instead: str = ""
) -> None:
    """Check that the library of an optional format is installed, without importing it.

    Parameters
    ----------
    module, extra
        The library, and the extra of tapscope that installs it.
    path
        The file that needs it.
    error
        Raised where it is missing, with how to install it.
    instead
        What else the user may do.
    """
    if find_spec(module) is None:
        raise error(
            f"{path}: this format needs {module}, which is not installed; run: "
            f'pip install "tapscope[{extra}]"{instead}'
        )
