"""Find the files that come with tapscope; write files completely or not at all; hash files."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final, Literal

_PACKAGE: Final = Path(__file__).resolve().parent


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that others see the old content or the new, never a part of it.

    The temporary file is in the same folder, so that the last step is a rename.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
    ) as part:
        try:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
    give_usual_permissions(Path(part.name), 0o666)
    Path(part.name).replace(path)


def give_usual_permissions(path: Path, mode: int) -> None:
    """Give a temporary file or folder, which is private, the permissions that others get."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(mode & ~umask)


def read_json(path: Path, error: Callable[[str], Exception]) -> Any:
    """Read a JSON file in UTF-8, UTF-16 or UTF-32.

    Parameters
    ----------
    path
        The file.
    error
        Kind of error to raise; its message says whether the file cannot be read, was cut off or
        is no JSON, and where.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode(json.detect_encoding(raw))
        return json.loads(text, parse_int=_whole_number)
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror})") from problem
    except UnicodeDecodeError as problem:
        raise error(f"{path}: is not text in {problem.encoding}; save it as UTF-8") from problem
    except RecursionError as problem:
        raise error(f"{path}: is no JSON of this kind (nested too deeply)") from problem
    except json.JSONDecodeError as problem:
        if not text.strip():
            raise error(f"{path}: is empty; copy or export it again") from problem
        if problem.pos >= len(text.rstrip()) or problem.msg.startswith("Unterminated string"):
            lines = text.count("\n") + 1
            raise error(
                f"{path}: is cut off (the JSON breaks off in line {lines}); copy or export it again"
            ) from problem
        raise error(
            f"{path}: is no valid JSON (line {problem.lineno}, column {problem.colno}: "
            f"{problem.msg}); correct it or export it again"
        ) from problem


def _whole_number(digits: str) -> int | float:
    """Return a whole number of JSON; with over 18 digits as a float, perhaps infinite."""
    return int(digits) if len(digits) <= 18 else float(digits)


def is_file(path: Path) -> bool:
    """Return whether there is such a file; for names that others wrote, which may be too long."""
    try:
        return path.is_file()
    except OSError:
        return False


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal; the file is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bundled_folder(name: Literal["protocols", "weights"]) -> Path:
    """Return a folder that comes with tapscope, in the installed package or in the checkout.

    Raises
    ------
    FileNotFoundError
        Neither exists, because the installation is damaged.
    """
    places = (_PACKAGE / "bundled" / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"tapscope's own {name} are missing: looked in {places[0]} and {places[1]}; "
        "install tapscope again"
    )
