"""Join the tables and results of shards into those of one run: what `tapscope merge` does.

A merge is refused if a shard is missing, was interrupted, or was made from other inputs than the
rest: a table that lacks recordings, or mixes two versions, looks like any other.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tapscope import __version__
from tapscope.errors import OutputError
from tapscope.files import read_json
from tapscope.output import provenance, table
from tapscope.output.columns import dictionary_page
from tapscope.output.table import Cell, cell_text
from tapscope.pipeline import cache
from tapscope.pipeline.batch import prepare_folder
from tapscope.pipeline.recordings import Recording

_FREE_OPTIONS: Final = (
    "videos",
    "out",
    "manifest",
    "jobs",
    "cluster",
    "time_limit_s",
    "force",
    "shard",
)
"""Options that may differ between shards: they do not change a number, or their effect (which
recordings, and how they are described) is compared by `division`."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge has written."""

    shards: int
    statuses: Mapping[str, int]
    """Number of recordings by status."""
    notes: tuple[str, ...]
    """Messages for the user."""


@dataclass(frozen=True, slots=True)
class _ShardResult:
    """The results of one shard as read from disk."""

    path: Path
    """The table."""
    rows: Sequence[Mapping[str, str]]
    """Cells as text, by column; '' is unknown."""
    record: Mapping[str, Any]
    """run.json."""
    entries: Sequence[Mapping[str, str]]
    """features.json: the columns of the table and their meaning."""

    @property
    def folder(self) -> Path:
        return cache.folder_of(self.path)

    @property
    def number(self) -> int:
        return int(self.record["division"]["shard"])


def merge_shards(tables: Sequence[Path], out: Path, command: Sequence[str]) -> Merged:
    """Write the table and the folder of results that one run over all recordings would give.

    Parameters
    ----------
    tables
        The table of each shard, in any order; its folder of results must lie beside it.
    out
        The table to write: .csv or .parquet.
    command
        The command line, for the record.

    Raises
    ------
    OutputError
        A shard is missing, doubled, incomplete or damaged, the shards do not belong together, or
        the output cannot be written. Nothing is written unless all shards fit.
    """
    table.check_table_path(out)
    if out.resolve() in {path.resolve() for path in tables}:
        raise OutputError(f"{out}: is one of the shards; give another --out")
    shards = sorted(map(_read, tables), key=lambda shard: shard.number)
    for shard in shards:
        _check_same(shards[0], shard)
    _check_complete(shards)
    folder = cache.folder_of(out)
    prepare_folder(folder)
    rows = sorted(
        ((row, shard) for shard in shards for row in shard.rows),
        key=lambda pair: pair[0]["recording"],
    )
    for row, shard in rows:
        _copy(row, shard, folder)
    entries = shards[0].entries
    columns = [entry["name"] for entry in entries]
    numeric = [entry["name"] for entry in entries if entry["unit"] != "text"]
    table.write_table(out, columns, [_cells(row, numeric) for row, _ in rows], numeric)
    table.write_result(folder / "run.json", table.json_bytes(_record(shards, out, command)))
    table.write_result(folder / "features.json", table.json_bytes(entries))
    table.write_result(folder / "features.md", dictionary_page(entries).encode())
    return Merged(len(shards), Counter(row["status"] for row, _ in rows), _notes(shards))


def _read(path: Path) -> _ShardResult:
    """Read a shard; check that its table is whole and that of its folder."""
    folder = cache.folder_of(path)
    if not path.is_file() or not folder.is_dir():
        missing = folder if path.is_file() else path
        raise OutputError(
            f"{missing}: is missing; run this shard, or give the table of a shard with its folder "
            "beside it"
        )
    record = read_json(folder / "run.json", OutputError)
    entries = read_json(folder / "features.json", OutputError)
    if not isinstance(record, dict) or "division" not in record:
        raise OutputError(f"{path}: was not made with --shard; give tables of 'analyze --shard'")
    if record["interrupted"]:
        raise OutputError(f"{path}: the run was interrupted; run this shard again to complete it")
    columns, rows = _table(path)
    if columns != [entry["name"] for entry in entries]:
        raise OutputError(f"{path}: its columns are not those that analyze wrote; run it again")
    names = [row["recording"] for row in rows]
    if names != [each["recording"] for each in record["recordings"]]:
        raise OutputError(
            f"{path}: its rows are not those of {folder / 'run.json'}; run this shard again"
        )
    return _ShardResult(path, rows, record, entries)


def _table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and the rows of a table, cells as text."""
    if path.suffix.lower() == ".parquet":
        import pyarrow as pa  # noqa: PLC0415 - a second of start-up for those who want CSV
        import pyarrow.parquet as pq  # noqa: PLC0415

        try:
            content = pq.read_table(path)
        except (OSError, pa.ArrowInvalid) as problem:
            raise OutputError(f"{path}: is damaged ({problem}); run this shard again") from problem
        rows = [{k: cell_text(v) for k, v in row.items()} for row in content.to_pylist()]
        return list(content.column_names), rows
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(io.StringIO(file.read(), newline=""), strict=True))
        columns = lines[0]
        return columns, [dict(zip(columns, line, strict=True)) for line in lines[1:]]
    except (OSError, ValueError, IndexError, csv.Error) as problem:
        raise OutputError(f"{path}: is damaged ({problem}); run this shard again") from problem


def _check_same(first: _ShardResult, other: _ShardResult) -> None:
    """Refuse shards that one run could not have written."""
    if other.record["tapscope_version"] != __version__:
        raise OutputError(
            f"{other.path}: was made with tapscope {other.record['tapscope_version']}, this is "
            f"{__version__}; analyse and merge with the same version"
        )
    for what, theirs in _origin(other).items():
        ours = _origin(first)[what]
        if theirs != ours:
            raise OutputError(
                f"{other.path}: {what} differs from that of {first.path} ({theirs} and {ours}); "
                "analyse all shards from the same videos, manifest and options"
            )
    if first.entries != other.entries:
        raise OutputError(
            f"{other.path}: has other columns than {first.path}; analyse all shards with the same "
            "protocol and manifest"
        )


def _origin(shard: _ShardResult) -> dict[str, object]:
    """Return everything, in words, that must be the same in all shards."""
    record = shard.record
    division = record["division"]
    return {
        "the commit of tapscope": record["commit"],
        "the weights' hash": record["weights"]["sha256"],
        "the protocol's hash": record["protocol"]["sha256"],
        "the number of shards": division["shards"],
        "the number of recordings found": division["recordings"],
        "the list of recordings (names or manifest)": division["sha256"],
        **{
            f"the option {name}": value
            for name, value in record["options"].items()
            if name not in (*_FREE_OPTIONS, "weights", "protocol")
        },
    }


def _check_complete(shards: Sequence[_ShardResult]) -> None:
    """Refuse missing and doubled shards and recordings."""
    count = shards[0].record["division"]["shards"]
    by_number: dict[int, _ShardResult] = {}
    for shard in shards:
        twin = by_number.setdefault(shard.number, shard)
        if twin is not shard:
            raise OutputError(
                f"{shard.path}: is shard {shard.number} of {count}, as is {twin.path}; give one"
            )
    absent = [str(n) for n in range(1, count + 1) if n not in by_number]
    if absent:
        few = ", ".join(absent[:10]) + (" ..." if len(absent) > 10 else "")
        raise OutputError(
            f"{len(absent)} of {count} shards are missing: {few}; give the table of every shard"
        )
    times = Counter(row["recording"] for shard in shards for row in shard.rows)
    doubled = [name for name, count in times.items() if count > 1]
    if doubled:
        raise OutputError(f"{doubled[0]!r} is in two shards; run these shards again")
    expected = shards[0].record["division"]["recordings"]
    if len(times) != expected:
        raise OutputError(
            f"the shards hold {len(times)} of {expected} recordings; run all shards again"
        )


def _copy(row: Mapping[str, str], shard: _ShardResult, folder: Path) -> None:
    """Copy the files of a recording; check that they are those of its row."""
    recording = Recording(Path(row["video"]), row["recording"], row["video"])
    cached = cache.copy(recording, shard.folder, folder)
    # The flags of the table may hold more: what says nothing about the measurement.
    cells = {name: cell_text(cell) for name, cell in cached.cells.items() if name != "flags"}
    if any(row.get(name, cell) != cell for name, cell in cells.items()):
        raise OutputError(
            f"{shard.path}: the row of {recording.name!r} is not that of its files; run this "
            "shard again"
        )


def _cells(row: Mapping[str, str], numeric: Sequence[str]) -> dict[str, Cell]:
    return {**row, **{name: float(row[name]) if row[name] else None for name in numeric}}


def _record(shards: Sequence[_ShardResult], out: Path, command: Sequence[str]) -> dict[str, object]:
    first = shards[0].record
    same = ("commit", "seed", "protocol", "weights", "manifest_rows_without_recording")
    return {
        **provenance.environment(command),
        **{name: first[name] for name in same},
        "options": {**first["options"], "out": str(out), "shard": None},
        "interrupted": False,
        "reused_recordings": sum(shard.record["reused_recordings"] for shard in shards),
        "shards": [
            {
                "table": shard.path.name,
                "recordings": len(shard.rows),
                **{name: shard.record[name] for name in ("command", "utc_time", "platform")},
            }
            for shard in shards
        ],
        "recordings": sorted(
            (each for shard in shards for each in shard.record["recordings"]),
            key=lambda each: str(each["recording"]),
        ),
    }


def _notes(shards: Sequence[_ShardResult]) -> tuple[str, ...]:
    """Say where machines or libraries differ: the last digits of a number may depend on them."""
    engines = Counter(
        str(each["engine"])
        for shard in shards
        for each in shard.record["recordings"]
        if "engine" in each
    )
    notes = []
    if len(engines) > 1:
        counts = ", ".join(f"{name} ({count})" for name, count in engines.most_common())
        notes.append(f"not all recordings ran on the same engine: {counts}")
    packages = [shard.record["packages"] for shard in shards]
    unlike = sorted(
        {name for each in packages for name in each if each[name] != packages[0].get(name)}
    )
    if unlike:
        notes.append(f"not all shards had the same versions of {', '.join(unlike)}")
    return tuple(notes)
