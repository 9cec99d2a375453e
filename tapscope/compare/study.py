"""A whole study: table and logs in, everything that agreement needs out."""

import math
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tapscope.compare import measures, strata
from tapscope.compare.alignment import ClockRule
from tapscope.compare.jobs import find_logs, job_of, paired
from tapscope.compare.pairing import SEVERAL_FILES, Pairing
from tapscope.compare.recording_pair import Job, Setting, compare_recording
from tapscope.compare.records import Comparison, Exclusion, FlowCount, RecordingComparison
from tapscope.compare.statistics import agreement_rows
from tapscope.compare.table_reader import VideoRow, VideoTable, read_features
from tapscope.errors import ComparisonError, SensorError, TapscopeError
from tapscope.output.columns import all_columns
from tapscope.pipeline.manifest import Manifest, read_manifest
from tapscope.pipeline.recordings import Recording
from tapscope.protocol import protocol as protocols
from tapscope.protocol.protocol import Protocol
from tapscope.sync.trust import FLAG_MEANINGS

Watch = Callable[[str, int, int], None]
"""Is told which recording is compared next, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to compare and how."""

    sensor: Path
    """Folder of sensor logs."""
    features: Path = Path("features.csv")
    """Table of `tapscope analyze`; its folder of tracks lies beside it."""
    out: Path = Path("agreement")
    """Folder for what is found."""
    manifest: Path | None = None
    """CSV with the column recording; sensor_file says which log belongs to it ('a;b' for several
    files), offset_s or sync_video_s and sync_sensor_s relate its clocks, participant_id and all
    others describe it."""
    protocol: str = protocols.DEFAULT
    margins: Mapping[str, float] = field(default_factory=dict)
    """Equivalence margin by feature, in the feature's unit."""
    clock: ClockRule = field(default_factory=ClockRule)
    """Where the manifest says nothing of a recording's clock."""
    tolerance_s: float = 0.05
    """Largest time between closures that are the same."""


def compare_study(options: Options, watch: Watch = lambda *_: None) -> Comparison:
    """Compare every recording of a table with its sensor log.

    A log or recording that cannot be used costs only its own pair and stands in the exclusions.

    Raises
    ------
    TapscopeError
        Table, folder, manifest, protocol or margins cannot be used, names are ambiguous, or
        nothing at all could be compared.
    """
    protocol = protocols.load(options.protocol)
    _check_margins(options.margins, protocol)
    table = read_features(options.features)
    manifest = _manifest(options, table, protocol)
    logs = find_logs(options.sensor)
    pairing = paired(table, manifest, logs, protocol)
    setting = Setting(table, options.sensor, protocol, options.tolerance_s)
    exclusions = _alone(pairing, manifest)
    usable = []
    for row in table.rows:
        files = pairing.sensor_files.get(row.recording)
        if files is None:
            continue
        if row.status == "failed":
            reason = f"the video's analysis failed: {row.reason}"
            exclusions.append(_excluded(row, files, "analysis", reason))
        else:
            told = manifest.told.get(row.recording, {})
            usable.append(job_of(row, files, told, table.extra_columns, options.clock))
    compared: list[RecordingComparison] = []
    for done, job in enumerate(usable):
        watch(job.row.recording, done, len(usable))
        try:
            found = compare_recording(job, setting)
        except Exception as problem:
            exclusions.append(_failed(job, problem))
            continue
        compared.append(found)
        exclusions += _partly(found)
    if not compared:
        raise _nothing(table, logs, exclusions)
    groups, passed_over = strata.split(compared)
    names = measures.feature_names(protocol)
    return Comparison(
        recordings=tuple(compared),
        rows=agreement_rows(groups, names, options.margins),
        flow=_flow(table, pairing, usable, compared),
        exclusions=tuple(exclusions),
        settings=_settings(options, protocol, passed_over),
    )


def _check_margins(margins: Mapping[str, float], protocol: Protocol) -> None:
    for name, margin in margins.items():
        if name not in measures.feature_names(protocol):
            raise ComparisonError(
                f"margin for {name!r}: no such feature is compared; those are "
                f"{', '.join(measures.feature_names(protocol))}"
            )
        if not (math.isfinite(margin) and margin > 0):
            raise ComparisonError(f"margin for {name!r} is {margin}; a number over 0 is needed")


def _manifest(options: Options, table: VideoTable, protocol: Protocol) -> Manifest:
    if options.manifest is None:
        return Manifest({}, (), ())
    known = [Recording(Path(row.video), row.recording, row.video) for row in table.rows]
    return read_manifest(options.manifest, known, all_columns(protocol))


def _alone(pairing: Pairing, manifest: Manifest) -> list[Exclusion]:
    missing = "the manifest names this recording, the table does not have it"
    alone = [
        *((each.name, "", each.reason) for each in pairing.recordings_alone),
        *(("", each.name, each.reason) for each in pairing.sensors_alone),
        *((name, "", missing) for name in manifest.unmatched),
    ]
    return [
        Exclusion(recording, log, "pairing", "everything", why) for recording, log, why in alone
    ]


def _excluded(row: VideoRow, files: Sequence[str], step: str, reason: str) -> Exclusion:
    return Exclusion(row.recording, SEVERAL_FILES.join(files), step, "everything", reason)


def _failed(job: Job, problem: Exception) -> Exclusion:
    """Say why a pair could not be compared; a fault of the program costs no other pair either."""
    if isinstance(problem, SensorError):
        return _excluded(job.row, job.sensor_files, "sensor", str(problem))
    if isinstance(problem, TapscopeError):
        return _excluded(job.row, job.sensor_files, "analysis", str(problem))
    where = traceback.extract_tb(problem.__traceback__)[-1]
    reason = (
        f"unexpected {type(problem).__name__}: {problem} (in {where.name}, line {where.lineno}); "
        "please report this"
    )
    return _excluded(job.row, job.sensor_files, "fault", reason)


def _partly(found: RecordingComparison) -> list[Exclusion]:
    if found.sync is None or found.sync.is_trusted:
        return []
    reason = f"{found.sync.flag}: {FLAG_MEANINGS[found.sync.flag]}"
    files = SEVERAL_FILES.join(found.sensor_files)
    return [Exclusion(found.recording, files, "synchronisation", "taps and signals", reason)]


def _nothing(
    table: VideoTable, logs: Sequence[str], exclusions: Sequence[Exclusion]
) -> ComparisonError:
    first = exclusions[0] if exclusions else None
    why = f"; first reason: {first.recording or first.sensor_file}: {first.reason}" if first else ""
    return ComparisonError(
        f"{table.path}: none of its {len(table.rows)} recordings could be compared with any of "
        f"{len(logs)} sensor logs{why}"
    )


def _flow(
    table: VideoTable,
    pairing: Pairing,
    usable: Sequence[Job],
    compared: Sequence[RecordingComparison],
) -> tuple[FlowCount, ...]:
    paired = [row for row in table.rows if row.recording in pairing.sensor_files]
    aligned = [each for each in compared if each.taps is not None]

    def rows(step: str, chosen: Sequence[VideoRow]) -> FlowCount:
        people = {row.identity.participant_id or row.recording for row in chosen}
        taps = sum(row.number("tap_count") for row in chosen if row.cells.get("tap_count"))
        return FlowCount(step, len(people), len(chosen), int(taps))

    def done(step: str, chosen: Sequence[RecordingComparison]) -> FlowCount:
        people = {each.participant_id or each.recording for each in chosen}
        return FlowCount(step, len(people), len(chosen), sum(each.video_taps for each in chosen))

    return (
        rows("recordings in the table", table.rows),
        rows("with a sensor log", paired),
        rows("of which the video's analysis succeeded", [job.row for job in usable]),
        done("of which the sensor log could be read: features compared", compared),
        done("of which the clocks are known to agree: taps and signals compared", aligned),
    )


def _settings(
    options: Options, protocol: Protocol, passed_over: Mapping[str, str]
) -> dict[str, str]:
    margins = ", ".join(f"{name} ±{margin:g}" for name, margin in options.margins.items())
    return {
        "protocol": f"{protocol.name} (SHA-256 {protocol.content_hash[:12]})",
        "synchronisation": options.clock.describe(),
        "event tolerance": f"{1000 * options.tolerance_s:g} ms",
        "equivalence margins named beforehand": margins or "none",
        "confidence level": "95 %",
        "direction of differences": "video minus sensor",
        "columns without strata": "; ".join(f"{k} ({v})" for k, v in passed_over.items()) or "none",
    }
