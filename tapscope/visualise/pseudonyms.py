"""Numbers that stand for the names of recordings, for pages and clips that are passed on."""

import re
from pathlib import Path, PurePosixPath
from typing import Final

from tapscope.output.checks import check_file
from tapscope.output.deidentify import numbered
from tapscope.output.table import csv_bytes, write_result
from tapscope.pipeline.result_reader import VideoRow, VideoTable, read_features

KEY_COLUMNS: Final = ("pseudonym", "recording", "video", "participant_id", "session_id")


class Pseudonyms:
    """recording-001, recording-002 ... in the order of the table.

    A recording has the same pseudonym in everything that is made from one table.
    """

    def __init__(self, table: VideoTable) -> None:
        self._rows = table.rows
        self._names = numbered(row.recording for row in table.rows)

    def of(self, recording: str) -> str:
        """Return what stands for a recording."""
        return self._names[recording]

    def without_names(self, text: str, row: VideoRow) -> str:
        """Return a text about a recording; where it names recording, file or person, its codes.

        The words of an error may repeat a path in many ways, so the whole text is left out.
        """
        video = PurePosixPath(row.video)
        words = {row.recording, row.video, video.name, video.stem}
        if not row.cells.get("participant_id", "").isdigit():  # a mere number identifies nobody
            words.add(row.cells.get("participant_id", ""))
        for word in words - {""}:
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
                flags = row.cells.get("flags", "").replace(";", ", ")
                return f"{flags or 'see the key'} (the words name the recording)"
        return text

    def write_key(self, path: Path) -> None:
        """Write which recording each pseudonym stands for, as CSV.

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        lines = [
            [self.of(row.recording), row.recording, row.video]
            + [row.cells.get(name, "") for name in KEY_COLUMNS[3:]]
            for row in self._rows
        ]
        write_result(path, csv_bytes(KEY_COLUMNS, lines))


def read_pseudonyms(table: Path, key: Path | None = None) -> Pseudonyms:
    """Return the pseudonyms of a table of features, and write their key if it is asked for.

    Raises
    ------
    ResultsError
        The table is missing or damaged.
    OutputError
        The key cannot be written.
    """
    pseudonyms = Pseudonyms(read_features(table))
    if key:
        check_file(key, "--key")
        pseudonyms.write_key(key)
    return pseudonyms
