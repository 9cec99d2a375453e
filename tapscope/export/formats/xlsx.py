"""Excel: the table on the first sheet, the meaning of its columns on the second."""

import io
import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapscope.export.formats.base import Format, NotExported
from tapscope.export.study import Study
from tapscope.output.table import write_result

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONGEST_CELL: Final = 32767
"""Characters that Excel allows in a cell."""
_WIDEST: Final = 60
"""Widest column, in characters."""


def _write(study: Study, out: Path) -> list[NotExported]:
    openpyxl = import_module("openpyxl")
    workbook = openpyxl.Workbook()
    workbook.properties.creator = "tapscope"
    sheet = workbook.active
    sheet.title = "features"
    table = [
        [
            recording.number(column.name)
            if column.is_number
            else recording.cells.get(column.name, "")
            for column in study.columns
        ]
        for recording in study.recordings
    ]
    _fill(sheet, [column.name for column in study.columns], table)
    sheet.freeze_panes = "B2"
    meanings = [
        [
            column.name,
            column.unit.replace("{unit}", "u") or ("" if column.is_number else "text"),
            column.meaning,
            "; ".join(column.choices),
        ]
        for column in study.columns
    ]
    units = ["u", "", "unit of the amplitudes: it is in the column 'unit' of each row", ""]
    dictionary = workbook.create_sheet("dictionary")
    _fill(dictionary, ["column", "unit", "meaning", "values"], [*meanings, units])
    content = io.BytesIO()
    workbook.save(content)
    write_result(out, content.getvalue())
    return []


def _fill(
    sheet: "Worksheet", header: Sequence[str], rows: Iterable[Sequence[str | float | None]]
) -> None:
    bold = import_module("openpyxl.styles").Font(bold=True)
    widths = [0] * len(header)
    for number, row in enumerate([header, *rows], 1):
        for place, value in enumerate(row, 1):
            cell = sheet.cell(number, place)
            if isinstance(value, str):
                text = _NOT_IN_XML.sub("\ufffd", value)[:_LONGEST_CELL]
                if text:
                    cell.value = text
                    # openpyxl makes a formula of '=', and Excel when somebody edits the cell.
                    cell.data_type = "s"
                    cell.quotePrefix = True
            elif value is not None:
                cell.value = value
            widths[place - 1] = max(widths[place - 1], len(str(value or "")))
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[_letters(place)].width = min(width, _WIDEST) + 2
    for cell in sheet[1]:
        cell.font = bold
    sheet.freeze_panes = "A2"


def _letters(place: int) -> str:
    letters: str = import_module("openpyxl.utils").get_column_letter(place)
    return letters


FORMAT: Final = Format("xlsx", ".xlsx", ("openpyxl",), _write, "xlsx")
