"""Write a study in the format of another program: what `tapscope export` does."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tapscope.errors import OutputError, require_extra
from tapscope.export.formats import FORMATS, Format, NotExported
from tapscope.export.study import read_study
from tapscope.output.checks import check_file
from tapscope.output.complete_folder import check_is_new, complete_folder


@dataclass(frozen=True, slots=True)
class Export:
    """What was written."""

    out: Path
    recordings: int
    """Number of recordings in the table."""
    not_exported: tuple[NotExported, ...]


def export_table(
    table: Path,
    to: str,
    out: Path | None = None,
    *,
    deidentify: bool = False,
    keep: Collection[str] = (),
) -> Export:
    """Write a table of features, with tracks and taps where the format has them.

    Parameters
    ----------
    table
        What `tapscope analyze` wrote; its tracks and taps lie beside it.
    to
        Name of one of `FORMATS`.
    out
        The file or folder to write, which must not exist; by default beside the table.
    deidentify
        Write no participant name, file name or path.
    keep
        Columns of the manifest that stay all the same.

    Raises
    ------
    OutputError
        There is no such format, its library is missing, or `out` exists or cannot be written.
    ResultsError
        The table is missing or damaged.
    """
    chosen = next((one for one in FORMATS if one.name == to), None)
    if chosen is None:
        known = ", ".join(one.name for one in FORMATS)
        raise OutputError(f"--to {to}: no such format; give one of {known}")
    out = out or _beside(table, chosen)
    for module in chosen.modules:
        require_extra(module, chosen.extra, out, OutputError)
    study = read_study(table, deidentify=deidentify, keep=keep)
    if chosen.ending:
        check_file(out)
        check_is_new(out)
        not_exported = chosen.write(study, out)
    else:
        with complete_folder(out) as folder:
            not_exported = chosen.write(study, folder)
    return Export(out, len(study.recordings), tuple(not_exported))


def _beside(table: Path, chosen: Format) -> Path:
    suffix = chosen.ending if chosen.ending not in ("", table.suffix) else ""
    if suffix:
        return table.with_suffix(suffix)
    return table.with_name(f"{table.stem}-{chosen.name}{chosen.ending}")
