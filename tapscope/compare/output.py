"""Write the files of `tapscope compare`: tables, figures, report and run.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tapscope.compare import result_tables
from tapscope.compare.records import Comparison
from tapscope.compare.report.figure_selection import DrawnFigure, draw
from tapscope.compare.report.page import report_page
from tapscope.compare.study import Options
from tapscope.errors import OutputError
from tapscope.files import sha256_of
from tapscope.output import provenance, table
from tapscope.pipeline.cache import folder_of
from tapscope.pipeline.result_reader import read_features
from tapscope.protocol import protocol as protocols


def write_comparison(found: Comparison, options: Options, command: Sequence[str]) -> Comparison:
    """Write all files; return the comparison with its provenance.

    Figures of an earlier run in the same folder that this run did not write are removed.

    Parameters
    ----------
    command
        The command line, for the record.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    out, environment = options.out, provenance.environment(command)
    sources = _Sources.of(found, options)
    found = replace(found, provenance=_provenance(environment, sources))
    drawn = list(draw(found))
    contents = {
        "agreement.csv": result_tables.agreement_csv(found.rows),
        "pairs.csv": result_tables.pairs_csv(found.recordings),
        "taps.csv": result_tables.taps_csv(found.recordings),
        "sync.csv": result_tables.sync_csv(found.recordings),
        "exclusions.csv": result_tables.exclusions_csv(found.exclusions),
        **_figure_files(drawn),
        "report.html": report_page(found, drawn),
    }
    _remove_stale(out, contents)
    for name, content in contents.items():
        table.write_result(out / name, content)
    record = environment | _record(found, options, sources) | {"files": sorted(contents)}
    table.write_result(out / "run.json", table.json_bytes(record))
    return found


def _figure_files(drawn: Sequence[DrawnFigure]) -> dict[str, bytes]:
    files = {}
    for figure in drawn:
        files[f"figures/{figure.name}.svg"] = figure.svg
        files[f"figures/{figure.name}.png"] = figure.png
    return files


def _remove_stale(out: Path, contents: Mapping[str, bytes]) -> None:
    """Remove the figures that the last run.json lists and this run did not write."""
    try:
        before = json.loads((out / "run.json").read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # without a readable earlier run.json no figure is known to be tapscope's
    for name in before:
        file = out / str(name)
        ours = str(name).startswith("figures/") and ".." not in Path(str(name)).parts
        if ours and str(name) not in contents and file.is_file():
            try:
                file.unlink()
            except OSError as problem:
                raise OutputError(
                    f"{file}: this old figure cannot be removed ({problem.strerror}); remove it "
                    "or give another folder with --out"
                ) from problem


@dataclass(frozen=True, slots=True)
class _Sources:
    """SHA-256 of every input."""

    features: str
    manifest: str | None
    sensors: Mapping[str, str]
    videos: Mapping[str, str]
    """Empty where the run.json of the analysis is missing."""
    analysed_with: Mapping[str, Sequence[str]]
    """Versions, weights and protocols of the table's rows."""

    @classmethod
    def of(cls, found: Comparison, options: Options) -> "_Sources":
        """Hash the inputs of a comparison."""
        rows = read_features(options.features).rows
        logs = sorted({file for each in found.recordings for file in each.sensor_files})
        return cls(
            features=sha256_of(options.features),
            manifest=None if options.manifest is None else sha256_of(options.manifest),
            sensors={log: sha256_of(options.sensor / log) for log in logs},
            videos=_video_hashes(folder_of(options.features) / "run.json"),
            analysed_with={
                name: sorted({row.cells.get(name, "") for row in rows} - {""})
                for name in ("tapscope_version", "weights", "protocol")
            },
        )


def _record(found: Comparison, options: Options, sources: _Sources) -> dict[str, object]:
    """Return the part of run.json about this comparison."""
    protocol = protocols.load(options.protocol)
    return {
        "seed": None,  # the comparison is deterministic
        "options": {name: _plain(value) for name, value in asdict(options).items()},
        "settings": dict(found.settings),
        "protocol": {
            "name": protocol.name,
            "sha256": protocol.content_hash,
            "content": asdict(protocol),
        },
        "sha256": asdict(sources),
        "flow": [asdict(step) for step in found.flow],
        "sensor_facts": {each.recording: dict(each.sensor_facts) for each in found.recordings},
    }


def _video_hashes(path: Path) -> dict[str, str]:
    """Return the SHA-256 of each video from the analysis' run.json; {} where it is missing."""
    try:
        recordings = json.loads(path.read_bytes())["recordings"]
        return {str(each["recording"]): str(each["video_sha256"]) for each in recordings}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # the table was moved alone; the report says that the hashes are unknown


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _provenance(environment: Mapping[str, object], sources: _Sources) -> dict[str, str]:
    """Return the provenance for the report."""
    analysed = sources.analysed_with
    videos = {f"SHA-256 of the video {name}": value for name, value in sources.videos.items()}
    return {
        "tapscope_version": str(environment["tapscope_version"]),
        "commit": str(environment["commit"] or "not from a checkout"),
        "command": str(environment["command"]),
        "utc_time": str(environment["utc_time"]),
        "seed": "none: the comparison is deterministic",
        "python": str(environment["python"]),
        "platform": str(environment["platform"]),
        "weights": ", ".join(analysed["weights"]) or "not stated in the table",
        "protocol of the videos' analysis": ", ".join(analysed["protocol"]) or "not stated",
        "SHA-256 of the table": sources.features,
        "SHA-256 of the manifest": sources.manifest or "no manifest",
        **{f"SHA-256 of {log}": value for log, value in sources.sensors.items()},
        **(videos or {"SHA-256 of the videos": "unknown: the run.json of the analysis is missing"}),
    }
