"""Where a recording is written, and what it is called."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final

from tapscope.errors import OutputError

_NAME: Final = re.compile(r"[A-Za-z0-9][\w.+-]{0,99}", re.ASCII)


class RecordingNames:
    """Names of the recordings in one folder.

    Parameters
    ----------
    folder
        Where they are written.
    name
        Of the next one; '' for one made of the date and time.

    Raises
    ------
    OutputError
        The name cannot be used, or is in use.
    """

    def __init__(self, folder: Path, name: str = "") -> None:
        self.folder = folder
        self.given = name
        """The name that was asked for; '' for date and time."""
        self.path = folder
        """The video of the next recording."""
        self.choose(name)

    def choose(self, name: str = "") -> None:
        """Choose the name of the next recording.

        Raises
        ------
        OutputError
            The name cannot be used, or is in use.
        """
        self.given = name
        name = name or f"live-{datetime.now():%Y%m%d-%H%M%S}"
        if not _NAME.fullmatch(name):
            raise OutputError(
                f"{name!r}: no name for a recording; use letters, digits, '-', '_' and '.', for "
                "example sub-01_hand-left_run-1"
            )
        path = self.folder / f"{name}.mp4"
        if path.exists():
            raise OutputError(f"{path}: exists; give the recording another name")
        self.path = path
