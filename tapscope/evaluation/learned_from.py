"""From which recordings the labelled frames of a training were taken."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tapscope.errors import AnnotationError
from tapscope.files import read_json

Relation = Literal["held out", "learned from", "same participant", "not known"]
"""Of a recording to a training: none of its frames was learned from; some were; some of another
recording of its participant were; or a folder does not say where its frames come from."""

_FRAME_NAME: Final = re.compile(r"(?:.*\bimages/)?(.+)_f\d{6,}\.png")
"""Name of an image that `tapscope frames` wrote, also after `tapscope convert`."""
_NUMBERED: Final = re.compile(r"recording-\d{3,}")
"""Name of a recording that `tapscope frames --deidentify` wrote."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the frames of some folders come from."""

    recordings: frozenset[str] = frozenset()
    """Names of recordings."""
    groups: frozenset[str] = frozenset()
    """Participants, or recordings."""
    silent: tuple[Path, ...] = ()
    """Folders that do not name the recordings of all their frames, or under numbers only."""

    def relation(self, recording: str, participant_id: str) -> Relation:
        """Return how a recording is related to the training.

        Names of recordings depend on the folder that was analysed: 'a/b' and 'b' are taken for the
        same one.
        """
        if any(_same(recording, name) for name in (*self.recordings, *self.groups)):
            return "learned from"
        if participant_id and participant_id in self.groups:
            return "same participant"
        return "not known" if self.silent else "held out"


def read_sources(folders: Sequence[Path]) -> Sources:
    """Read from which recordings the images of some folders come.

    Images that training leaves out do not count: those that wait for correction, and those of the
    split `test`.

    Parameters
    ----------
    folders
        Folders of labelled images that training has read.

    Raises
    ------
    AnnotationError
        A folder cannot be read.
    """
    recordings: set[str] = set()
    groups: set[str] = set()
    silent: list[Path] = []
    for folder in dict.fromkeys(folders):
        content = read_json(folder / "annotations.json", AnnotationError)
        rows = [
            row
            for row in content["images"]
            if row.get("corrected", True) and row.get("split") != "test"
        ]
        names = [_recording_of(row) for row in rows]
        recordings |= {name for name in names if name}
        groups |= {str(row.get("group", "")) for row in rows}
        if not all(names) or any(_NUMBERED.fullmatch(name) for name in names):
            silent.append(folder)
    return Sources(frozenset(recordings), frozenset(groups - {""}), tuple(silent))


def _recording_of(row: Mapping[str, Any]) -> str:
    """Return the recording of an image, '' where its row does not say."""
    if row.get("recording"):
        return str(row["recording"])
    for key in ("source", "file_name"):
        found = _FRAME_NAME.fullmatch(str(row.get(key, "")).replace("\\", "/"))
        if found:
            return found[1]
    return ""


def _same(one: str, other: str) -> bool:
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")
