"""From paths to a table: what `tapscope analyze` does, also for use from Python."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tapscope import __version__
from tapscope.errors import VideoError
from tapscope.files import sha256_of
from tapscope.network.bundled_weights import find_weights
from tapscope.output import provenance, table
from tapscope.output.columns import (
    REVIEW_COUNTS,
    all_columns,
    column_dictionary,
    dictionary_page,
    numeric_columns,
)
from tapscope.pipeline import cache
from tapscope.pipeline.batch import Analyse, BatchResult, Plan, ProgressListener, run_batch
from tapscope.pipeline.manifest import Manifest, read_manifest
from tapscope.pipeline.recording import MeasureAgain, Prepare
from tapscope.pipeline.recordings import VIDEO_ENDINGS, Recording, describe, find_recordings
from tapscope.pipeline.reviews import with_corrections
from tapscope.protocol.protocol import DEFAULT, Protocol, load
from tapscope.video.decoders import Decoder, choose_decoder


@dataclass(frozen=True, slots=True)
class Options:
    """What to analyse and how."""

    videos: Sequence[Path]
    """Video files, and folders that contain some."""
    out: Path
    """The table to write: .csv or .parquet."""
    protocol: str = DEFAULT
    """Name of a bundled protocol, or path of a file."""
    weights: Path | None = None
    """None for the default weights."""
    manifest: Path | None = None
    hand: str = ""
    """'left' or 'right' if it is the same in all recordings; else ''."""
    slow_motion: float | None = None
    """How many times slower than in truth all files show the movement; None if nobody said."""
    device: str = "auto"
    decoder: Decoder = "auto"
    jobs: int = 1
    recursive: bool = True
    time_limit_s: float | None = None
    force: bool = False
    rater: str = ""
    """Whose corrections are applied; '' for those of the only rater of a recording."""


def analyze_videos(
    options: Options,
    listener: ProgressListener,
    command: Sequence[str],
    prepare: Callable[[], Analyse] | None = None,
) -> BatchResult:
    """Analyse recordings; write the table and the folder of results beside it.

    Parameters
    ----------
    options
        What to analyse and how.
    listener
        Receives the progress.
    command
        The command line, for the record.
    prepare
        Returns what analyses a recording; by default the whole pipeline with the weights.

    Raises
    ------
    TapscopeError
        There is nothing to analyse, or protocol, weights, decoder, manifest or output cannot be
        used. A problem of a single recording is reported in its row instead.
    """
    table.check_table_path(options.out)
    protocol = load(options.protocol)
    weights = find_weights(options.weights)
    decoder = choose_decoder(options.decoder)
    found = find_recordings(options.videos, recursive=options.recursive)
    if not found:
        raise VideoError(
            f"{', '.join(map(str, options.videos))}: no video found; give a video or a folder "
            f"with videos ({', '.join(sorted(VIDEO_ENDINGS))})"
        )
    manifest = Manifest({}, (), ())
    if options.manifest:
        manifest = read_manifest(options.manifest, found, all_columns(protocol))
    recordings = describe(
        found,
        parse_name=protocol.parse_name,
        manifest_rows=manifest.rows,
        option_hand=options.hand,
        protocol_hand=protocol.hand,
        option_slow_motion=options.slow_motion,
    )
    folder = cache.folder_of(options.out)
    recordings, review_notes = with_corrections(recordings, folder, options.rater)
    threads = max(1, cores() // options.jobs)
    plan = Plan(
        folder=folder,
        prepare=prepare or Prepare(weights, protocol, options.device, threads, decoder),
        origin={
            "tapscope_version": __version__,
            "weights": f"{weights.stem}@{sha256_of(weights)[:12]}",
            "protocol": f"{protocol.name}@{protocol.content_hash[:12]}",
            "device": options.device,
            "decoder": decoder,
        },
        measure_again=MeasureAgain(folder, protocol),
        jobs=options.jobs,
        time_limit_s=options.time_limit_s,
        force=options.force,
    )
    environment = provenance.environment(command)
    batch = run_batch(recordings, plan, listener)
    rows = [cache.row_of(r, batch.results[r.name]) for r in recordings if r.name in batch.results]
    columns = all_columns(protocol, manifest.extra_columns)
    table.write_table(options.out, columns, rows, [*numeric_columns(protocol), *REVIEW_COUNTS])
    record = environment | _record(options, protocol, weights, batch, manifest)
    table.write_result(plan.folder / "run.json", table.json_bytes(record))
    entries = column_dictionary(protocol, manifest.extra_columns)
    table.write_result(plan.folder / "features.json", table.json_bytes(entries))
    table.write_result(plan.folder / "features.md", dictionary_page(entries).encode())
    return replace(batch, notes=(*_notes(manifest), *_unnamed(recordings), *review_notes))


def _notes(manifest: Manifest) -> tuple[str, ...]:
    if not manifest.unmatched:
        return ()
    few = ", ".join(manifest.unmatched[:3]) + (" ..." if len(manifest.unmatched) > 3 else "")
    return (f"{len(manifest.unmatched)} rows of the manifest have no recording: {few}",)


def _unnamed(recordings: Sequence[Recording]) -> tuple[str, ...]:
    """Say where it is not known whose hand, or which hand, was measured."""
    videos = [recording for recording in recordings if not recording.fault]
    unknown = {
        "hand": sum(not recording.hand for recording in videos),
        "participant": sum(not recording.participant_id for recording in videos),
    }
    counts = [f"{what} unknown in {n} of {len(videos)}" for what, n in unknown.items() if n]
    if not counts:
        return ()
    return (
        f"{', '.join(counts)} recordings; give --manifest ('tapscope manifest' writes one to fill)",
    )


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _record(
    options: Options, protocol: Protocol, weights: Path, batch: BatchResult, manifest: Manifest
) -> dict[str, object]:
    """Return the part of run.json about options, inputs and recordings."""
    return {
        "seed": None,  # the analysis is deterministic
        "options": {
            name: [str(v) for v in value] if name == "videos" else _plain(value)
            for name, value in asdict(options).items()
        },
        "protocol": {
            "name": protocol.name,
            "sha256": protocol.content_hash,
            "content": asdict(protocol),
        },
        "weights": {"file": weights.name, "sha256": sha256_of(weights)},
        "interrupted": batch.interrupted,
        "reused_recordings": batch.reused,
        "manifest_rows_without_recording": list(manifest.unmatched),
        "recordings": [
            {
                "recording": name,
                "video_sha256": cached.cache_key["video_sha256"],
                "frames": cached.frames,
                "seconds": round(batch.seconds[name], 3) if name in batch.seconds else None,
                **cached.facts,
            }
            for name, cached in batch.results.items()
        ],
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
