"""REDCap: the records to import, and the data dictionary of the instrument that takes them."""

import re
from pathlib import Path
from typing import Final

from tapscope.export.formats.base import Format, NotExported, harmless, plain_number, unique_names
from tapscope.export.study import Column, Exported, Study
from tapscope.output.table import csv_bytes, write_result

_HEADER: Final = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
"""The columns that REDCap expects in a data dictionary, in its order."""
_FORM: Final = "tapscope"
_RECORD: Final = "record_id"
_IDENTIFIERS: Final = ("recording", "video", "participant_id")
_LONGEST_NAME: Final = 100
_NOT_IN_A_CHOICE: Final = re.compile(r"[|\r\n]+")


def _write(study: Study, folder: Path) -> list[NotExported]:
    fields = unique_names(
        (column.name for column in study.columns),
        r"[^A-Za-z0-9]+",
        "_",
        "f_",
        longest=_LONGEST_NAME,
        taken=(_RECORD,),
    )
    fields = {column: field.lower() for column, field in fields.items()}
    # REDCap takes no '#', '&', apostrophe or plus in the name of a record.
    records = unique_names(
        (recording.name for recording in study.recordings),
        r"[^A-Za-z0-9_./-]+",
        "_",
        "r_",
        longest=_LONGEST_NAME,
    )
    header = [_RECORD, *(fields[column.name] for column in study.columns)]
    rows = [
        [records[recording.name], *(_cell(recording, column) for column in study.columns)]
        for recording in study.recordings
    ]
    write_result(folder / "redcap_data.csv", csv_bytes(header, rows))
    dictionary = [
        _field(_RECORD, Column(_RECORD, "", "one record a recording", False)),
        *(_field(fields[column.name], column) for column in study.columns),
    ]
    entries = ([entry.get(name, "") for name in _HEADER] for entry in dictionary)
    write_result(folder / "redcap_dictionary.csv", csv_bytes(_HEADER, entries))
    return []


def _cell(recording: Exported, column: Column) -> str:
    text = recording.cells.get(column.name, "")
    if column.is_number:
        return plain_number(recording.number(column.name))
    if column.choices:
        return str(column.choices.index(text) + 1) if text else ""
    return harmless(text)


def _field(name: str, column: Column) -> dict[str, str]:
    unit = column.unit.replace("{unit}", "unit of the row")
    choices = (_NOT_IN_A_CHOICE.sub(" ", choice) for choice in column.choices)
    return {
        "Variable / Field Name": name,
        "Form Name": _FORM,
        "Field Type": "radio" if column.choices else "text",
        "Field Label": column.name,
        "Choices, Calculations, OR Slider Labels": " | ".join(
            f"{n}, {choice}" for n, choice in enumerate(choices, 1)
        ),
        "Field Note": f"{column.meaning} [{unit}]" if unit else column.meaning,
        "Text Validation Type OR Show Slider Number": "number" if column.is_number else "",
        "Identifier?": "y" if column.name in _IDENTIFIERS else "",
    }


FORMAT: Final = Format("redcap", "", (), _write)
