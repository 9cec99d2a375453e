"""SPSS: variables with labels, codes with value labels; unknown is system-missing."""

import re
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pandas as pd

from tapscope.export.formats.base import Format, NotExported, unique_names
from tapscope.export.study import Column, Study
from tapscope.output.table import write_result

_LONGEST_LABEL: Final = 256
"""Bytes that SPSS keeps of a label."""
_LONGEST_NAME: Final = 64
_WORDS: Final = ("all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with")
"""Words of its language, which cannot be names."""


def _write(study: Study, out: Path) -> list[NotExported]:
    pyreadstat = import_module("pyreadstat")
    names = unique_names(
        (column.name for column in study.columns),
        r"[^A-Za-z0-9_]+",
        "_",
        "v_",
        longest=_LONGEST_NAME,
        taken=_WORDS,
    )
    variables, labels, codes, measures = {}, [], {}, {}
    for column in study.columns:
        name = names[column.name]
        variables[name] = _values(study, column)
        labels.append(_label(column))
        if column.choices:
            codes[name] = dict(enumerate(column.choices, 1))
        measures[name] = "scale" if column.is_number else "nominal"
    frame = pd.DataFrame(variables)
    with TemporaryDirectory() as folder:
        file = Path(folder, "study.sav")
        pyreadstat.write_sav(
            frame,
            str(file),
            file_label="tapscope",
            column_labels=labels,
            variable_value_labels=codes,
            variable_measure=measures,
        )
        write_result(out, file.read_bytes())
    return []


def _values(study: Study, column: Column) -> "pd.Series[float] | pd.Series[str]":
    cells = [recording.cells.get(column.name, "") for recording in study.recordings]
    if column.is_number:
        return pd.Series([r.number(column.name) for r in study.recordings], dtype="float64")
    if column.choices:
        code = {choice: float(n) for n, choice in enumerate(column.choices, 1)}
        return pd.Series([code.get(cell) for cell in cells], dtype="float64")
    return pd.Series(cells, dtype="object")


def _label(column: Column) -> str:
    """Return what a variable means: the unit first, because long labels are cut."""
    unit = column.unit.replace("{unit}", "unit")
    text = re.sub(r"\s+", " ", f"[{unit}] {column.meaning}" if unit else column.meaning)
    return text.encode()[:_LONGEST_LABEL].decode(errors="ignore")


FORMAT: Final = Format("sav", ".sav", ("pyreadstat",), _write, "spss")
