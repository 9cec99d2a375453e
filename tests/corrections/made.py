"""Corrections made up for tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tapscope.corrections.entry import Entry, Kind
from tapscope.corrections.log import Subject, append, read_log

SUBJECT = Subject("sub/a", "AB", "0" * 64, 1.0)
UTC = "2026-01-02T03:04:05+00:00"


def entry(number: int, kind: Kind, **parts: Any) -> Entry:
    """Return an entry of the rater AB."""
    return replace(Entry(number, "AB", UTC, kind), **parts)


def write(path: Path, subject: Subject, *entries: Entry) -> None:
    """Append entries with the numbers that follow."""
    for each in entries:
        number = len(read_log(path).entries) + 1
        append(path, subject, replace(each, number=number, rater=subject.rater))
