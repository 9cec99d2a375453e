"""A long table: one row a recording and number, as mixed models and plots take it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tapscope.export.formats.base import Format, NotExported, harmless
from tapscope.export.study import Study
from tapscope.output.table import cell_text, csv_bytes, rounded, write_result

_IDENTITY: Final = ("recording", "participant_id", "session_id", "hand", "trial", "status")


def _write(study: Study, out: Path) -> list[NotExported]:
    columns = (*_IDENTITY, *study.extra_columns, "feature", "value", "unit")
    write_result(out, csv_bytes(columns, _rows(study)))
    return []


def _rows(study: Study) -> Iterator[list[str]]:
    known = (*_IDENTITY, *study.extra_columns)
    features = [
        column
        for column in study.columns
        if column.is_number and column.name not in study.extra_columns
    ]
    for recording in study.recordings:
        described = [harmless(recording.cells.get(name, "")) for name in known]
        for feature in features:
            value = recording.number(feature.name)
            text = "" if value is None else cell_text(rounded(value))
            yield [*described, feature.name, text, recording.unit_of(feature)]


FORMAT: Final = Format("long", ".csv", (), _write)
