"""The beginning of a file, decoded; formats are recognised by it."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tapscope.errors import SensorError

_HEAD_BYTES: Final = 65_536
_DELIMITERS: Final = (",", ";", "\t", "|")
_DECIMAL_COMMA: Final = re.compile(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Head:
    """The first 64 KiB of a file."""

    path: Path
    magic: bytes
    """The bytes as they are."""
    size: int
    """Size of the whole file in bytes."""
    encoding: str
    """Of a text file; '' for a binary one."""
    lines: tuple[str, ...]
    """Whole lines of a text file without their ends; empty for a binary one."""


def read_head(path: Path) -> Head:
    """Read the beginning of `path` and decode it if it is text.

    Raises
    ------
    SensorError
        No such file, not a file, not readable, or empty.
    """
    if not path.is_file():
        raise SensorError(f"{path}: no such file; expected a sensor log")
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            magic = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise SensorError(f"{path}: cannot be read ({error.strerror})") from error
    if not magic.strip(b"\0 \r\n\t"):
        raise SensorError(f"{path}: the file is empty ({size} bytes); record or export it again")
    encoding = _encoding(magic)
    lines: tuple[str, ...] = ()
    if encoding:
        text = magic.decode(encoding, errors="replace")
        lines = tuple(text.splitlines()[: -1 if size > len(magic) else None])
    return Head(path, magic, size, encoding, lines)


def _encoding(magic: bytes) -> str:
    for bom, encoding in _BOMS:
        if magic.startswith(bom):
            return encoding
    if b"\0" in magic:
        # UTF-16 without its mark: every other byte of mostly ASCII text is zero.
        for first_zero, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            zeros, others = magic[first_zero::2], magic[1 - first_zero :: 2]
            if zeros.count(0) > 0.9 * len(zeros) and 0 not in others:
                return encoding
        return ""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(magic)
    except UnicodeDecodeError:
        return "cp1252"  # 'µ' and '°' as Windows programs write them
    return "utf-8"


def find_delimiter(header: str) -> str:
    """Return the separator that occurs most often in `header`; '' if there is none."""
    best = max(_DELIMITERS, key=header.count)
    return best if best in header else ""


def split_row(line: str, delimiter: str) -> list[str]:
    """Split one line into cells, without blanks and quotes around them."""
    return [cell.strip().strip('"').strip() for cell in line.split(delimiter)]


def uses_decimal_comma(rows: tuple[str, ...], delimiter: str) -> bool:
    """Return whether `rows` hold numbers such as '0,5'; never with commas between cells."""
    if delimiter == ",":
        return False
    cells = (cell for row in rows[:20] for cell in split_row(row, delimiter))
    return any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)
