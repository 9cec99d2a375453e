"""A folder that `tapscope frames` wrote, while a rater corrects it.

Each change is a line in labels.jsonl first, then annotations.json is replaced as a whole; both are
on the disk when `change` returns. `info.label_entries` in annotations.json says how many lines it
holds. A kill between the two steps leaves a line that annotations.json lacks; it is applied when
the folder is opened again.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from tapscope.corrections.entry import rater_id
from tapscope.datasets.annotations import LabelledImage
from tapscope.errors import AnnotationError, ConflictError, CorrectionsError, OutputError
from tapscope.files import read_json, write_atomically
from tapscope.labelling import label_log
from tapscope.labelling.label_log import Kind, LabelEntry, LabelLog
from tapscope.labelling.label_rows import (
    Row,
    labels_in,
    names_sha256,
    path_within,
    put_labels,
    rows_of,
    tip_places,
)
from tapscope.labelling.labels import ImageLabels, changed, check_within
from tapscope.output.table import json_bytes

_COUNT: Final = "label_entries"
"""In `info` of annotations.json: how many entries of the log it holds."""


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """One image of the folder, as the page shows it."""

    index: int
    name: str
    """File name, relative to the folder."""
    width: int
    height: int
    recording: str
    frame: int | None
    labels: ImageLabels
    history: tuple[LabelEntry, ...]
    """Entries of the log about this image."""


@dataclass(frozen=True, slots=True)
class _Content:
    """What the folder holds now, with the entries that annotations.json still lacked."""

    content: dict[str, Any]
    """annotations.json; changed in place before it is written."""
    rows: tuple[Row, ...]
    log: LabelLog
    notes: tuple[str, ...]
    is_changed: bool
    """Whether annotations.json has to be written."""

    @property
    def places(self) -> dict[str, int]:
        """See `label_rows.tip_places`."""
        return tip_places(self.content)


class LabelFolder:
    """One folder under correction. Its methods may be called from several threads."""

    def __init__(self, folder: Path) -> None:
        """Open a folder, and write what a kill has left unfinished.

        Raises
        ------
        AnnotationError
            It is not what `tapscope frames` writes.
        CorrectionsError
            The log is damaged or of other images.
        OutputError
            annotations.json cannot be written.
        """
        self.folder = folder
        self._lock = threading.Lock()
        found = self._read()
        if found.is_changed:
            self._write(found)
        self.notes = found.notes

    @property
    def _file(self) -> Path:
        return self.folder / "annotations.json"

    @property
    def _log_file(self) -> Path:
        return self.folder / label_log.NAME

    def frames(self) -> list[LabelledFrame]:
        """Return all images in their order."""
        return _frames(self._read())

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """Read an image, RGB, shape (height, width, 3).

        Raises
        ------
        CorrectionsError, AnnotationError
            There is no such image, or it cannot be read.
        """
        row, _ = _row(self._read(), index)
        path = path_within(self.folder, row["file_name"], self._file)
        size = int(row["width"]), int(row["height"])
        return LabelledImage(path, *size, "", "", "", ()).pixels()

    def change(
        self, index: int, kind: str, after: object, *, rater: str, known: object
    ) -> list[LabelledFrame]:
        """Change the labels of an image; return all images once the change is on the disk.

        Parameters
        ----------
        index
            Of the image.
        kind, after
            See `labels.changed`.
        rater
            Id of the rater.
        known
            How many entries about this image the rater has seen.

        Raises
        ------
        ConflictError
            There are entries that the rater has not seen.
        CorrectionsError
            The change does not fit the image.
        OutputError
            It cannot be written.
        """
        with self._lock:
            found = self._read()
            row = _row(found, index)
            image, _ = row
            seen = [entry for entry in found.log.entries if entry.image == image["file_name"]]
            if known != len(seen):
                raise ConflictError("this image was corrected on another page; look again")
            before = labels_in(row, found.places)
            now = changed(before, kind, after)
            check_within(now, int(image["width"]), int(image["height"]))
            if now != before:
                change = _Change(cast(Kind, kind), before, now)
                found = self._add(found, index, change, rater_id(rater))
            return _frames(found)

    def undo(self, rater: str) -> tuple[int, list[LabelledFrame]]:
        """Take back a rater's last change; return the index of its image, and all images.

        Raises
        ------
        CorrectionsError
            There is none, or the image was changed since.
        OutputError
            It cannot be written.
        """
        with self._lock:
            found = self._read()
            last = label_log.last_standing(found.log.entries, rater_id(rater))
            if last is None:
                raise CorrectionsError("there is nothing to undo")
            index = [row["file_name"] for row, _ in found.rows].index(last.image)
            now = labels_in(found.rows[index], found.places)
            if now != last.after:
                raise CorrectionsError(
                    f"{last.image} was changed since by somebody else; correct it by hand"
                )
            change = _Change("undo", now, last.before, last.number)
            return index, _frames(self._add(found, index, change, rater))

    def _add(self, found: _Content, index: int, change: "_Change", rater: str) -> _Content:
        """Write a change to both files and return what the folder holds then."""
        row = found.rows[index]
        entry = LabelEntry(
            number=len(found.log.entries) + 1,
            rater=rater,
            utc=datetime.now(UTC).isoformat(timespec="milliseconds"),
            image=row[0]["file_name"],
            kind=change.kind,
            before=change.before,
            after=change.after,
            undone=change.undone,
        )
        if found.is_changed or _COUNT not in _info(found.content):
            self._write(found)  # the count must be there before the first line
        with _written(self._log_file):
            label_log.append(self._log_file, names_sha256(found.rows), entry)
        put_labels(row, change.after, found.places)
        now = replace(found, log=replace(found.log, entries=(*found.log.entries, entry)))
        self._write(now)
        return replace(now, is_changed=False)

    def _write(self, found: _Content) -> None:
        found.content["info"] = {**_info(found.content), _COUNT: len(found.log.entries)}
        with _written(self._file):
            write_atomically(self._file, json_bytes(found.content))

    def _read(self) -> _Content:
        if not self.folder.is_dir() or not self._file.is_file():
            raise AnnotationError(
                f"{self.folder}: holds no annotations.json; give a folder that 'tapscope frames' "
                "wrote"
            )
        content = read_json(self._file, AnnotationError)
        rows = rows_of(content, self._file)
        log = label_log.read_log(self._log_file)
        if log.images_sha256 not in ("", names_sha256(rows)):
            raise CorrectionsError(
                f"{self._log_file}: is about other images than {self._file.name}; move it away to "
                "begin a new one"
            )
        return self._with_pending(_Content(content, rows, log, log.notes, False))

    def _with_pending(self, found: _Content) -> _Content:
        """Apply the entries that annotations.json lacks."""
        entries, held = found.log.entries, _info(found.content).get(_COUNT)
        if held is None and entries:
            note = f"{self._file}: another program wrote it; its labels are shown as they are now"
            return replace(found, notes=(*found.notes, note), is_changed=True)
        held = held or 0
        if not isinstance(held, int) or held > len(entries):
            raise CorrectionsError(
                f"{self._log_file}: holds {len(entries)} entries, {self._file.name} {held}; "
                f'restore it from a copy, or delete "{_COUNT}" in {self._file.name} to go on '
                "without it"
            )
        by_name = {row[0]["file_name"]: row for row in found.rows}
        for entry in entries[held:]:
            if entry.image not in by_name:
                raise CorrectionsError(f"{self._log_file}: there is no image {entry.image}")
            put_labels(by_name[entry.image], entry.after, found.places)
        return replace(found, is_changed=held < len(entries))


@dataclass(frozen=True, slots=True)
class _Change:
    """What one entry does to the labels of its image."""

    kind: Kind
    before: ImageLabels
    after: ImageLabels
    undone: int | None = None


def _frames(found: _Content) -> list[LabelledFrame]:
    histories: dict[str, list[LabelEntry]] = {}
    for entry in found.log.entries:
        histories.setdefault(entry.image, []).append(entry)
    return [
        LabelledFrame(
            index=index,
            name=row["file_name"],
            width=int(row["width"]),
            height=int(row["height"]),
            recording=str(row.get("recording", "")),
            frame=row.get("frame"),
            labels=labels_in((row, hand), found.places),
            history=tuple(histories.get(row["file_name"], ())),
        )
        for index, (row, hand) in enumerate(found.rows)
    ]


def _row(found: _Content, index: int) -> Row:
    if not 0 <= index < len(found.rows):
        raise CorrectionsError(f"there is no image {index}")
    return found.rows[index]


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Translate what the system says if a file cannot be written."""
    try:
        yield
    except OSError as problem:
        raise OutputError(
            f"{path}: cannot be written ({problem.strerror}); make room, or see whether the folder "
            "is read-only"
        ) from problem


def _info(content: Mapping[str, Any]) -> dict[str, Any]:
    info = content.get("info")
    return info if isinstance(info, dict) else {}
