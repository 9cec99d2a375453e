"""From paths to a table: what `tapscope analyze` does, also for use from Python."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import psutil

from tapscope import __version__
from tapscope.errors import TapscopeError, VideoError, WeightsError
from tapscope.files import sha256_of
from tapscope.network.bundled_weights import find_weights
from tapscope.network.device import choose_device, cores
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
from tapscope.pipeline.ray_workers import RayCluster
from tapscope.pipeline.recording import MeasureAgain, Prepare
from tapscope.pipeline.recordings import VIDEO_ENDINGS, Recording, describe, find_recordings
from tapscope.pipeline.reviews import with_corrections
from tapscope.pipeline.shards import Shard, division
from tapscope.protocol.protocol import DEFAULT, Protocol, load
from tapscope.video.decoders import Decoder, choose_decoder

_WORKER_BYTES: Final = 5 * 2**28
"""Memory of a worker with a recording of 120 s at 120 frames/s, with a margin."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to analyse and how."""

    videos: Sequence[Path]
    """Video files, and folders that contain some."""
    out: Path
    """The table to write: .csv or .parquet; that of a shard gets its number in the name."""
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
    jobs: int | None = None
    """Recordings at once; None for as many as are fastest, see `usual_jobs`."""
    recursive: bool = True
    time_limit_s: float | None = None
    force: bool = False
    cluster: RayCluster | None = None
    """Where to analyse instead of on this machine; its GPUs are asked for with device 'cuda'."""
    shard: Shard | None = None
    """The part of the recordings to analyse; None for all."""

    rater: str = ""
    """Whose corrections are applied; '' for those of the only rater of a recording."""

    @property
    def table(self) -> Path:
        """The table that is written."""
        return self.shard.table(self.out) if self.shard else self.out


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
    table.check_table_path(options.table)
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
    # All are found, named and described first, so that each shard sees the same study.
    study = describe(
        found,
        parse_name=protocol.parse_name,
        manifest_rows=manifest.rows,
        option_hand=options.hand,
        protocol_hand=protocol.hand,
        option_slow_motion=options.slow_motion,
    )
    folder = cache.folder_of(options.table)
    recordings = options.shard.select(study) if options.shard else study
    recordings, review_notes = with_corrections(recordings, folder, options.rater)
    jobs = options.jobs or usual_jobs(len(recordings), options.device)
    plan = Plan(
        folder=folder,
        prepare=prepare or _pipeline(options, weights, protocol, decoder, jobs),
        origin={
            "tapscope_version": __version__,
            "weights": f"{weights.stem}@{sha256_of(weights)[:12]}",
            "protocol": f"{protocol.name}@{protocol.content_hash[:12]}",
            "device": options.device,
            "decoder": decoder,
        },
        jobs=jobs,
        cluster=options.cluster,
        measure_again=MeasureAgain(folder, protocol),
        time_limit_s=options.time_limit_s,
        force=options.force,
    )
    environment = provenance.environment(command)
    batch = run_batch(recordings, plan, listener)
    rows = (cache.row_of(r, batch.results[r.name]) for r in recordings if r.name in batch.results)
    columns = all_columns(protocol, manifest.extra_columns)
    numbers = [*numeric_columns(protocol), *REVIEW_COUNTS]
    table.write_table(options.table, columns, rows, numbers)
    record = environment | _record(options, protocol, weights, batch, manifest)
    if options.shard:
        record["division"] = division(options.shard, study)
    table.write_result(plan.folder / "run.json", table.json_bytes(record))
    entries = column_dictionary(protocol, manifest.extra_columns)
    table.write_result(plan.folder / "features.json", table.json_bytes(entries))
    table.write_result(plan.folder / "features.md", dictionary_page(entries).encode())
    return replace(batch, notes=(*_notes(manifest), *_unnamed(recordings), *review_notes))


def usual_jobs(recordings: int, device: str) -> int:
    """Return how many recordings are analysed at once unless somebody says.

    On CPUs one for each core, as far as there is memory: cores that share a recording wait for each
    other. On a GPU one, because all workers would share it.
    """
    if choose_device(device) == "cuda":
        return 1
    fitting: int = psutil.virtual_memory().available // _WORKER_BYTES
    return max(1, min(recordings, cores(), fitting))


def _pipeline(
    options: Options, weights: Path, protocol: Protocol, decoder: Decoder, jobs: int
) -> Callable[[], Analyse]:
    """Return what loads the pipeline in each worker process."""
    if options.cluster is None:
        threads = max(1, cores() // jobs)
        return Prepare(weights, protocol, options.device, threads, decoder)
    weights = weights.absolute()
    prepare = Prepare(weights, protocol, options.device, 1, decoder)
    return _SameInstallation(prepare, weights, sha256_of(weights), __version__)


@dataclass(frozen=True, slots=True)
class _SameInstallation:
    """Checks, on a machine of the cluster, that it would give the numbers that the rows claim."""

    prepare: Callable[[], Analyse]
    weights: Path
    weights_sha256: str
    version: str

    def __call__(self) -> Analyse:
        here = platform.node()
        if __version__ != self.version:
            raise TapscopeError(
                f"{here}: has tapscope {__version__}, where the run was started it is "
                f"{self.version}; install the same version on all machines"
            )
        if not self.weights.is_file() or sha256_of(self.weights) != self.weights_sha256:
            raise WeightsError(
                f"{self.weights}: is missing or another file on {here}; put the weights into a "
                "folder that all machines share, and give it with --weights"
            )
        return self.prepare()


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
