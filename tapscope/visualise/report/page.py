"""The report as one HTML page without external files, scripts included."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, StrictUndefined
from plotly.offline import get_plotlyjs

from tapscope import __version__
from tapscope.compare.report.html import number
from tapscope.output.checks import check_file
from tapscope.output.table import write_result
from tapscope.pipeline.result_reader import read_features
from tapscope.visualise.pseudonyms import Pseudonyms
from tapscope.visualise.report.pictures import SIDE_PX, reachable_videos
from tapscope.visualise.report.study import STATUSES, Column, Row, Study, drawable, read_study

MAIN_COLUMNS: Final = (
    "tap_count",
    "tapping_rate_hz",
    "amplitude_median",
    "inter_tap_interval_cv",
    "amplitude_decrement_ratio",
    "hesitation_count",
    "halt_count",
    "median_confidence",
)
"""Shown at first; the others at a click."""


def write_report(
    path: Path,
    out: Path | None = None,
    *,
    pictures: bool = True,
    videos: Path | None = None,
    pseudonyms: Pseudonyms | None = None,
    on_recording: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write the report about a table of features and return its path.

    Parameters
    ----------
    path
        What `tapscope analyze` wrote; its tracks and taps lie beside it.
    out
        The page; by default the name of the table with .html.
    pictures
        Whether to show the hand at closures and openings, where the videos can be found.
    videos
        Folder of the videos; None for where they were when they were analysed.
    pseudonyms, on_recording
        See `read_study`.

    Raises
    ------
    ResultsError
        The table is missing or damaged.
    VideoError
        The folder of videos given cannot be read.
    OutputError
        The page cannot be written.
    """
    out = out or path.with_suffix(".html")
    check_file(out)
    table = read_features(path)
    study = read_study(
        table,
        videos=reachable_videos(table, videos) if pictures else None,
        pseudonyms=pseudonyms,
        on_recording=on_recording,
    )
    write_result(out, report_page(study))
    return out


def report_page(study: Study) -> bytes:
    """Return the report about a study as one HTML page.

    Every text is escaped, so that a file name cannot become markup, and the page runs no script
    but those whose hashes it names.
    """
    scripts = [get_plotlyjs(), _resource("report.js")]
    columns = [_described(column) for column in study.columns]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page = environment.from_string(_resource("report.html.j2")).render(
        title=study.title,
        version=__version__,
        made_by=_made_by(study.rows),
        counts=_counts(study.rows),
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
        style=_resource("report.css"),
        columns=columns,
        rows=[
            {
                "row": row,
                "cells": [
                    (_value(row.numbers[column.name]), _cell(row.numbers[column.name]))
                    for column in study.columns
                    if column.name in MAIN_COLUMNS
                ],
                "trace": None if row.trace is None else _json(drawable(row.trace)),
            }
            for row in study.rows
        ],
        data=_json(_data(study, columns)),
        statuses=STATUSES,
        groupings=study.groupings,
        side_px=SIDE_PX,
    )
    return (page + "\n").encode()


def _resource(name: str) -> str:
    here = resources.files("tapscope.visualise.report")
    return here.joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """Return the hash by which the page's security policy names a script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _json(content: object) -> str:
    """Return JSON that can stand within a script element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _described(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "unit": "" if column.unit == "1" else column.unit.replace("{unit}", "u"),
        "formula": column.formula,
        "quality": column.is_quality,
        "main": column.name in MAIN_COLUMNS,
    }


def _data(study: Study, columns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "columns": columns,
        "rows": [
            {
                "name": row.name,
                "status": row.status,
                "groups": {name: row.cells.get(name, "") for name in study.groupings},
                "numbers": [_value(row.numbers[column.name]) for column in study.columns],
            }
            for row in study.rows
        ],
    }


def _cell(value: float) -> str:
    """Return a number as it is shown: a count whole, any other with three significant digits."""
    return str(int(value)) if np.isfinite(value) and value == int(value) else number(value)


def _value(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _counts(rows: Sequence[Row]) -> list[tuple[str, int]]:
    count = Counter(row.status for row in rows)
    return [(status, count[status]) for status in STATUSES]


def _made_by(rows: Sequence[Row]) -> str:
    """Return which versions, weights and protocols made the rows."""
    parts = []
    for label, column in (
        ("tapscope", "tapscope_version"),
        ("weights", "weights"),
        ("protocol", "protocol"),
    ):
        values = sorted({row.cells.get(column, "") for row in rows} - {""})
        if values:
            parts.append(f"{label} {', '.join(values)}")
    return "; ".join(parts)
