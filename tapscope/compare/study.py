"""Compare a whole study: its table of features with its folder of sensor logs."""

import math
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tapscope.compare import feature_pairs, strata
from tapscope.compare.agreement_rows import agreement_rows
from tapscope.compare.alignment import ClockRule
from tapscope.compare.comparison_jobs import Job, find_logs, make_job, pair_with_logs
from tapscope.compare.pairing import SEVERAL_FILES, Pairing
from tapscope.compare.recording_comparison import StudySettings, compare_recording
from tapscope.compare.records import Comparison, Exclusion, FlowCount, RecordingComparison
from tapscope.errors import ComparisonError, SensorError, TapscopeError
from tapscope.output.columns import all_columns
from tapscope.pipeline.manifest import Manifest, read_manifest
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.result_reader import VideoRow, VideoTable, read_features
from tapscope.protocol import protocol as protocols
from tapscope.protocol.protocol import Protocol
from tapscope.sync.trust import FLAG_MEANINGS

Watch = Callable[[str, int, int], None]
"""Called before each recording with its name, the number done and the number of all."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to compare and how."""

    sensor: Path
    """Folder of sensor logs."""
    features: Path = Path("features.csv")
    """Table of `tapscope analyze`, with its folder of tracks beside it."""
    out: Path = Path("agreement")
    """Folder for the results."""
    manifest: Path | None = None
    """CSV with the column recording; sensor_file names its log ('a;b' for several files), offset_s
    or sync_video_s and sync_sensor_s relate its clocks, other columns describe the recording."""
    protocol: str = protocols.DEFAULT
    margins: Mapping[str, float] = field(default_factory=dict)
    """Equivalence margin by feature, in the feature's unit."""
    clock: ClockRule = field(default_factory=ClockRule)
    """For recordings whose clocks the manifest does not relate."""
    tolerance_s: float = 0.05
    """Largest time between matched closures."""


def compare_study(options: Options, watch: Watch = lambda *_: None) -> Comparison:
    """Compare every recording of a table with its sensor log.

    A log or recording that cannot be used costs only its own pair and is listed in the exclusions.

    Raises
    ------
    TapscopeError
        Table, folder, manifest, protocol or margins cannot be used, names are ambiguous, or no
        recording could be compared.
    """
    protocol = protocols.load(options.protocol)
    _check_margins(options.margins, protocol)
    table = read_features(options.features)
    manifest = _manifest(options, table, protocol)
    logs = find_logs(options.sensor)
    pairing = pair_with_logs(table, manifest, logs, protocol)
    settings = StudySettings(table, options.sensor, protocol, options.tolerance_s)
    exclusions = _unpaired(pairing, manifest)
    jobs = []
    for row in table.rows:
        files = pairing.sensor_files.get(row.recording)
        if files is None:
            continue
        if row.status == "failed":
            reason = f"the video's analysis failed: {row.reason}"
            exclusions.append(_excluded(row, files, "analysis", reason))
        else:
            cells = manifest.rows.get(row.recording, {})
            jobs.append(make_job(row, files, cells, table.extra_columns, options.clock))
    compared: list[RecordingComparison] = []
    for done, job in enumerate(jobs):
        watch(job.row.recording, done, len(jobs))
        try:
            found = compare_recording(job, settings)
        except Exception as problem:
            exclusions.append(_failed(job, problem))
            continue
        compared.append(found)
        exclusions += _features_only(found)
    if not compared:
        raise _nothing_compared(table, logs, exclusions)
    groups, passed_over = strata.split(compared)
    names = feature_pairs.feature_names(protocol)
    return Comparison(
        recordings=tuple(compared),
        rows=agreement_rows(groups, names, options.margins),
        flow=_flow(table, pairing, jobs, compared),
        exclusions=tuple(exclusions),
        settings=_settings(options, protocol, passed_over),
    )


def _check_margins(margins: Mapping[str, float], protocol: Protocol) -> None:
    for name, margin in margins.items():
        if name not in feature_pairs.feature_names(protocol):
            raise ComparisonError(
                f"margin for {name!r}: no such feature is compared; choose among "
                f"{', '.join(feature_pairs.feature_names(protocol))}"
            )
        if not (math.isfinite(margin) and margin > 0):
            raise ComparisonError(f"margin for {name!r} is {margin}; give a number above 0")


def _manifest(options: Options, table: VideoTable, protocol: Protocol) -> Manifest:
    if options.manifest is None:
        return Manifest({}, (), ())
    known = [Recording(Path(row.video), row.recording, row.video) for row in table.rows]
    return read_manifest(options.manifest, known, all_columns(protocol))


def _unpaired(pairing: Pairing, manifest: Manifest) -> list[Exclusion]:
    missing = "the manifest names this recording, the table does not have it"
    alone = [
        *((each.name, "", each.reason) for each in pairing.unpaired_recordings),
        *(("", each.name, each.reason) for each in pairing.unpaired_logs),
        *((name, "", missing) for name in manifest.unmatched),
    ]
    return [
        Exclusion(recording, log, "pairing", "everything", why) for recording, log, why in alone
    ]


def _excluded(row: VideoRow, files: Sequence[str], step: str, reason: str) -> Exclusion:
    return Exclusion(row.recording, SEVERAL_FILES.join(files), step, "everything", reason)


def _failed(job: Job, problem: Exception) -> Exclusion:
    """Return why a pair could not be compared; a fault of the program costs only its own pair."""
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


def _features_only(found: RecordingComparison) -> list[Exclusion]:
    if found.sync is None or found.sync.is_trusted:
        return []
    reason = f"{found.sync.flag}: {FLAG_MEANINGS[found.sync.flag]}"
    files = SEVERAL_FILES.join(found.sensor_files)
    left_out = "taps, signals, counts and durations"
    return [Exclusion(found.recording, files, "synchronisation", left_out, reason)]


def _nothing_compared(
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
    jobs: Sequence[Job],
    compared: Sequence[RecordingComparison],
) -> tuple[FlowCount, ...]:
    paired = [row for row in table.rows if row.recording in pairing.sensor_files]
    aligned = [each for each in compared if each.taps is not None]

    def rows(step: str, chosen: Sequence[VideoRow]) -> FlowCount:
        people = {row.participant_id or row.recording for row in chosen}
        taps = sum(row.number("tap_count") for row in chosen if row.cells.get("tap_count"))
        return FlowCount(step, len(people), len(chosen), int(taps))

    def done(step: str, chosen: Sequence[RecordingComparison]) -> FlowCount:
        people = {each.participant_id or each.recording for each in chosen}
        return FlowCount(step, len(people), len(chosen), sum(each.video_taps for each in chosen))

    return (
        rows("recordings in the table", table.rows),
        rows("with a sensor log", paired),
        rows("of which the video's analysis succeeded", [job.row for job in jobs]),
        done("of which the sensor log could be read: features compared", compared),
        done(
            "of which the clocks are known to agree: taps, signals, counts and durations compared",
            aligned,
        ),
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
