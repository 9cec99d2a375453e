"""Read TOML files into dataclasses; unknown keys, missing keys and wrong types are errors.

Not pydantic: turning its errors into messages with file, key, found and expected, and limits that
name another key, would take as much code as this module.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, get_args, get_origin, get_type_hints

from tapscope.errors import TapscopeError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_KIND_NAMES: Final = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    dict[str, object]: "a table",
    tuple[float, float]: "a list of two numbers",
    tuple[int, ...]: "a list of whole numbers",
    tuple[str, ...]: "a list of texts",
}
_Record = TypeVar("_Record", bound="DataclassInstance")


class TomlFile:
    """A TOML file, and the kind of error to raise for it."""

    def __init__(self, path: Path, error: type[TapscopeError]) -> None:
        self._path = path
        self._error = error

    def read(self, kind: type[_Record]) -> _Record:
        """Return the content as a dataclass; raise the file's error if it does not fit."""
        try:
            content = tomllib.loads(self._path.read_text(encoding="utf-8"))
        except OSError as problem:
            raise self._error(f"{self._path}: cannot be read ({problem.strerror})") from problem
        except ValueError as problem:  # no TOML, no UTF-8, or a number of thousands of digits
            raise self._error(f"{self._path}: is no valid TOML in UTF-8: {problem}") from problem
        except RecursionError as problem:
            raise self._error(
                f"{self._path}: is no TOML of this kind (nested too deeply)"
            ) from problem
        return self._record(kind, content, "")

    def fail(self, key: str, found: object, expected: str) -> TapscopeError:
        """Return an error that names file and key, what was found and what was expected."""
        return self._error(f"{self._path}: {key}: found {found!r}, expected {expected}")

    def _record(self, kind: type[_Record], content: Mapping[str, object], prefix: str) -> _Record:
        kinds = get_type_hints(kind)
        known = [part.name for part in fields(kind)]
        for key, found in content.items():
            if key not in known:
                raise self.fail(prefix + key, found, f"one of the keys {', '.join(known)}")
        for part in fields(kind):
            if part.name not in content and part.default is part.default_factory is MISSING:
                raise self.fail(prefix + part.name, None, "this key to be there")
        return kind(
            **{key: self._value(kinds[key], found, prefix + key) for key, found in content.items()}
        )

    def _value(self, kind: type, found: object, key: str) -> object:
        """Check one value against the type of its field."""
        if is_dataclass(kind):
            if not isinstance(found, dict):
                raise self.fail(key, found, "a table")
            return self._record(kind, found, f"{key}.")
        if kind in (float, float | None) and type(found) in (int, float):
            number = float(str(found))
            if math.isfinite(number):
                return number
        if kind is bool and isinstance(found, bool):
            return found
        if (kind is int and type(found) is int) or (kind is str and isinstance(found, str)):
            return found
        if get_origin(kind) is dict and isinstance(found, dict):
            return found
        if get_origin(kind) is tuple and isinstance(found, list):
            inner = get_args(kind)
            length = None if inner[-1] is Ellipsis else len(inner)
            if length in (None, len(found)):
                return tuple(self._value(inner[0], item, key) for item in found)
        raise self.fail(key, found, _KIND_NAMES.get(kind, "a number"))
