"""Files of lines of JSON that are only ever added, the base of each log.

A line counts once it is on the disk. If the program or the machine is killed while a line is
written, a part of the line stays; it is ignored, and the reader is given a note.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tapscope.errors import CorrectionsError

Line = tuple[int, dict[str, Any]]
"""Number of the line, from 1, and the object that it holds."""


def read_lines(path: Path) -> tuple[list[Line], list[str]]:
    """Return the objects of a file and a note for each line that breaks off.

    A file that does not exist is empty.

    Raises
    ------
    CorrectionsError
        It cannot be read.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return [], []
    except OSError as problem:
        raise CorrectionsError(f"{path}: cannot be read ({problem.strerror})") from problem
    lines: list[Line] = []
    notes: list[str] = []
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        content = _object(line)
        if content is None:
            notes.append(f"{path}: line {number} was not written to its end and is ignored")
        else:
            lines.append((number, content))
    return lines, notes


class Numbered(Protocol):
    """An entry of a log: 1, 2, 3 ... within it."""

    @property
    def number(self) -> int:
        """The number."""


Head = TypeVar("Head")
Entry = TypeVar("Entry", bound=Numbered)


def read_entries(
    path: Path,
    head_of: Callable[[Mapping[str, Any]], Head],
    entry_of: Callable[[Mapping[str, Any]], Entry],
) -> tuple[Head | None, list[Entry], list[str]]:
    """Return what the first line says, all entries, and the notes of `read_lines`.

    Parameters
    ----------
    head_of, entry_of
        Read the first line and the others; each raises CorrectionsError for one that is damaged.

    Raises
    ------
    CorrectionsError
        The log cannot be read, or an entry is missing or damaged.
    """
    head: Head | None = None
    entries: list[Entry] = []
    lines, notes = read_lines(path)
    for number, content in lines:
        try:
            if head is None:
                head = head_of(content)
                continue
            entry = entry_of(content)
            if entry.number != len(entries) + 1:
                raise CorrectionsError(
                    f"expected entry {len(entries) + 1}, found entry {entry.number}"
                )
        except CorrectionsError as problem:
            raise CorrectionsError(
                f"{path}: line {number}: {problem}; restore the file from a copy"
            ) from problem
        entries.append(entry)
    return head, entries, notes


def append_lines(path: Path, lines: Sequence[str]) -> None:
    """Add lines and wait until they are on the disk.

    Raises
    ------
    OSError
        They cannot be written.
    """
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(f"{line}\n" for line in lines).encode()
    if not _ends_with_a_line(path):
        content = b"\n" + content  # a part of a line stays apart from the next one
    with path.open("ab", buffering=0) as file:
        written = 0
        while written < len(content):
            written += file.write(content[written:]) or 0
        os.fsync(file.fileno())
    if is_new:
        _sync_folder(path.parent)


def _object(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a line holds; None where it breaks off."""
    try:
        content = json.loads(line.decode())
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _ends_with_a_line(path: Path) -> bool:
    if not path.exists() or not path.stat().st_size:
        return True
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file safe; Windows cannot open folders and needs no such step."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
