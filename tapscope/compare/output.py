"""The files that `tapscope compare` writes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from tapscope import protocol as protocols
from tapscope import provenance, table
from tapscope.compare.gallery import Plate, draw
from tapscope.compare.pairing import SEVERAL_FILES
from tapscope.compare.report_sections import report_page
from tapscope.compare.study import Options
from tapscope.compare.table_reader import read_features
from tapscope.comparison import AgreementRow, Comparison, RecordingComparison, TapComparison
from tapscope.errors import OutputError
from tapscope.files import sha256_of
from tapscope.records import Taps
from tapscope.results import folder_of
from tapscope.table import Cell

ROW_COLUMNS: Final = ("feature", "unit", "stratum", "n_participants", "n_recordings", "n_taps")
SYNC_COLUMNS: Final = (
    "recording",
    "sensor_file",
    "offset_s",
    "drift_ppm",
    "drift_known",
    "r",
    "margin",
    "aligned_from_data",
    "flag",
    "drift_low_ppm",
    "drift_high_ppm",
    "overlap_s",
    "compared",
    "notes",
)
PAIR_COLUMNS: Final = (
    "recording",
    "feature",
    "video",
    "sensor",
    "difference",
    "video_unit",
    "sensor_unit",
)
TAP_COLUMNS: Final = (
    "recording",
    "event",
    "video_closure_s",
    "sensor_closure_s",
    "timing_error_s",
    "video_interval_s",
    "sensor_interval_s",
    "interval_difference_s",
    "video_amplitude",
    "video_unit",
    "sensor_amplitude",
    "sensor_unit",
    "amplitude_difference",
)
EXCLUSION_COLUMNS: Final = ("recording", "sensor_file", "step", "excluded_from", "reason")


def write_comparison(found: Comparison, options: Options, command: Sequence[str]) -> Comparison:
    """Write tables, figures, report and run.json; return the comparison with its provenance.

    Figures that an earlier run wrote into the same folder and this one did not are removed.

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
    found = replace(found, provenance=_told(environment, sources))
    plates = list(draw(found))
    contents = {
        "agreement.csv": agreement_csv(found.rows),
        "pairs.csv": _csv(PAIR_COLUMNS, _pair_rows(found.recordings)),
        "taps.csv": _csv(TAP_COLUMNS, _tap_rows(found.recordings)),
        "sync.csv": _csv(SYNC_COLUMNS, _sync_rows(found.recordings)),
        "exclusions.csv": _csv(EXCLUSION_COLUMNS, (asdict(each) for each in found.exclusions)),
        **_figure_files(plates),
        "report.html": report_page(found, plates),
    }
    _remove_stale(out, contents)
    for name, content in contents.items():
        table.write_result(out / name, content)
    record = environment | _record(found, options, sources) | {"files": sorted(contents)}
    table.write_result(out / "run.json", table.json_bytes(record))
    return found


def agreement_csv(rows: Sequence[AgreementRow]) -> bytes:
    """Return one row a feature and stratum; each statistic with interval, p value and method."""
    names = list(dict.fromkeys(e.name for row in rows for e in row.estimates))
    tested = {e.name for row in rows for e in row.estimates if np.isfinite(e.p_value)}
    columns = [*ROW_COLUMNS]
    for name in names:
        columns += [name, f"{name}_low", f"{name}_high"]
        columns += [f"{name}_p"] if name in tested else []
        columns += [f"{name}_method"]
    columns += ["level", "form", "confidence_level", "note"]
    return _csv(columns, (_agreement_cells(row) for row in rows))


def _agreement_cells(row: AgreementRow) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: getattr(row, name) for name in ROW_COLUMNS}
    for each in row.estimates:
        cells[each.name] = table.rounded(each.value)
        cells[f"{each.name}_low"] = table.rounded(each.low)
        cells[f"{each.name}_high"] = table.rounded(each.high)
        cells[f"{each.name}_p"] = table.rounded(each.p_value)
        cells[f"{each.name}_method"] = each.method
    level = row.estimates[0].confidence_level if row.estimates else None
    return cells | {
        "level": row.level,
        "form": row.form,
        "confidence_level": level,
        "note": row.note,
    }


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> bytes:
    lines = ([table.cell_text(row.get(name)) for name in columns] for row in rows)
    return table.csv_bytes(columns, lines)


def _pair_rows(recordings: Sequence[RecordingComparison]) -> Iterable[dict[str, Cell]]:
    for each in recordings:
        for pair in each.features:
            difference = pair.video - pair.sensor if pair.comparable else None
            yield {
                "recording": each.recording,
                "feature": pair.feature,
                "video": table.rounded(pair.video),
                "sensor": table.rounded(pair.sensor),
                "difference": None if difference is None else table.rounded(difference),
                "video_unit": pair.video_unit,
                "sensor_unit": pair.sensor_unit,
            }


def _sync_rows(recordings: Sequence[RecordingComparison]) -> Iterable[dict[str, Cell]]:
    for each in recordings:
        cells: dict[str, Cell] = {
            "recording": each.recording,
            "sensor_file": SEVERAL_FILES.join(each.sensor_files),
            "compared": "features" if each.taps is None else "features, taps, signals",
            "notes": "; ".join(each.notes),
        }
        sync = each.sync
        if sync is None:
            yield cells | {"flag": "not_synchronised", "aligned_from_data": "no"}
            continue
        low, high = sync.drift_interval_ppm
        yield cells | {
            "offset_s": None if np.isnan(sync.offset_s) else round(sync.offset_s, 6),
            "drift_ppm": table.rounded(sync.drift_ppm),
            "drift_known": _yes(sync.drift_known),
            "r": table.rounded(sync.r),
            "margin": table.rounded(sync.margin),
            "aligned_from_data": _yes(sync.aligned_from_data),
            "flag": sync.flag,
            "drift_low_ppm": table.rounded(low),
            "drift_high_ppm": table.rounded(high),
            "overlap_s": table.rounded(sync.overlap_s),
        }


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _tap_rows(recordings: Sequence[RecordingComparison]) -> Iterable[dict[str, Cell]]:
    for each in recordings:
        if each.taps is not None:
            rows = sorted(_events(each.taps), key=lambda row: row[0])
            yield from ({"recording": each.recording, **cells} for _, cells in rows)


def _events(taps: TapComparison) -> Iterable[tuple[float, dict[str, Cell]]]:
    """Return the moment and the cells of each closure; a tap stands with the one it begins at."""
    match, both = taps.match, dict(zip(taps.tap_of_video, taps.tap_of_sensor, strict=True))
    video_tap = {moment: place for place, moment in enumerate(taps.video.closure_s.tolist())}
    sensor_tap = {moment: place for place, moment in enumerate(taps.sensor.closure_s.tolist())}
    video_s, sensor_s = taps.video_closure_s.tolist(), taps.sensor_closure_s.tolist()
    for first, second, error_s in zip(
        match.video_index.tolist(), match.sensor_index.tolist(), match.error_s.tolist(), strict=True
    ):
        cells = {"event": "matched", "timing_error_s": round(error_s, 6)}
        one, other = video_tap.get(video_s[first]), sensor_tap.get(sensor_s[second])
        cells |= _side("video", video_s[first], taps.video, one)
        cells |= _side("sensor", sensor_s[second], taps.sensor, other)
        if one is not None and other is not None and both.get(one) == other:
            interval_s = taps.video.interval_s[one] - taps.sensor.interval_s[other]
            cells["interval_difference_s"] = round(float(interval_s), 6)
            if taps.video.unit == taps.sensor.unit == "mm":
                apart = taps.video.amplitude[one] - taps.sensor.amplitude[other]
                cells["amplitude_difference"] = table.rounded(float(apart))
        yield video_s[first], cells
    for place in match.extra_index.tolist():
        side = _side("video", video_s[place], taps.video, video_tap.get(video_s[place]))
        yield video_s[place], {"event": "extra", **side}
    for place in match.missed_index.tolist():
        side = _side("sensor", sensor_s[place], taps.sensor, sensor_tap.get(sensor_s[place]))
        yield sensor_s[place], {"event": "missed", **side}


def _side(name: str, closure_s: float, taps: Taps, tap: int | None) -> dict[str, Cell]:
    cells: dict[str, Cell] = {f"{name}_closure_s": round(closure_s, 6)}
    if tap is not None:
        cells[f"{name}_interval_s"] = round(float(taps.interval_s[tap]), 6)
        cells[f"{name}_amplitude"] = table.rounded(float(taps.amplitude[tap]))
        cells[f"{name}_unit"] = taps.unit
    return cells


def _figure_files(plates: Sequence[Plate]) -> dict[str, bytes]:
    files = {}
    for plate in plates:
        files[f"figures/{plate.name}.svg"] = plate.svg
        files[f"figures/{plate.name}.png"] = plate.png
    return files


def _remove_stale(out: Path, contents: Mapping[str, bytes]) -> None:
    """Remove the figures of which the last run.json says that tapscope wrote them."""
    try:
        before = json.loads((out / "run.json").read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # no earlier run that can be read: nothing is known to be ours
    for name in before:
        file = out / str(name)
        ours = str(name).startswith("figures/") and ".." not in Path(str(name)).parts
        if ours and str(name) not in contents and file.is_file():
            try:
                file.unlink()
            except OSError as problem:
                raise OutputError(f"{file}: cannot be removed ({problem.strerror})") from problem


@dataclass(frozen=True, slots=True)
class _Sources:
    """What the numbers were made from, by SHA-256."""

    features: str
    manifest: str | None
    sensors: Mapping[str, str]
    videos: Mapping[str, str]
    """Empty where the record of the analysis is lost."""
    analysed_with: Mapping[str, Sequence[str]]
    """Versions, weights and protocols of the table's rows."""

    @classmethod
    def of(cls, found: Comparison, options: Options) -> "_Sources":
        """Hash what a comparison read."""
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
    """Return what run.json says beyond program and machine."""
    protocol = protocols.load(options.protocol)
    return {
        "seed": None,  # nothing here is drawn by chance
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
    """Return the SHA-256 of the videos as the record of the analysis has them; none if lost."""
    try:
        recordings = json.loads(path.read_bytes())["recordings"]
        return {str(each["recording"]): str(each["video_sha256"]) for each in recordings}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a table that was moved alone; the report says that they are not known


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _told(environment: Mapping[str, object], sources: _Sources) -> dict[str, str]:
    """Return the provenance that the report prints."""
    analysed = sources.analysed_with
    videos = {f"SHA-256 of the video {name}": value for name, value in sources.videos.items()}
    return {
        "tapscope_version": str(environment["tapscope_version"]),
        "commit": str(environment["commit"] or "not from a checkout"),
        "command": str(environment["command"]),
        "utc_time": str(environment["utc_time"]),
        "seed": "none: nothing is drawn by chance",
        "python": str(environment["python"]),
        "platform": str(environment["platform"]),
        "weights": ", ".join(analysed["weights"]) or "not stated in the table",
        "protocol of the videos' analysis": ", ".join(analysed["protocol"]) or "not stated",
        "SHA-256 of the table": sources.features,
        "SHA-256 of the manifest": sources.manifest or "no manifest",
        **{f"SHA-256 of {log}": value for log, value in sources.sensors.items()},
        **(videos or {"SHA-256 of the videos": "not known: the table's run.json is not there"}),
    }
