"""What a labelling tool wrote, before its joints bear the names of `tapscope.hand`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hand:
    """The labelled joints of one hand in one picture."""

    places_px: Mapping[str, Place]
    """x and y by the tool's name of the joint, centre of the top left pixel = 0; labelled ones
    only."""
    side: str = ""
    """'left', 'right' or '' where the labels do not say."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture with its hands."""

    folder: Path
    """Where the labels lie; the picture lies there, in `images/` there, or elsewhere."""
    picture: str
    """Its name or path as the labels have it."""
    hands: tuple[Hand, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the registry of labelling tools."""

    name: str
    title: str
    """What people call it."""
    find: Callable[[Path], Sequence[Path]]
    """Returns the files of labels that a path (file or folder) holds; raises nothing."""
    read: Callable[[Path], Sequence[Frame]]
    """Reads one of them; raises AnnotationError."""


def side_in(name: str) -> str:
    """Return which hand a name speaks of: 'left', 'right' or ''."""
    lower = name.lower()
    sides = [side for side in ("left", "right") if side in lower]
    return sides[0] if len(sides) == 1 else ""
