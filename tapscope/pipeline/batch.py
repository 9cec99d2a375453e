"""Analyse many recordings, each in isolation; skip those completed before.

A recording that fails costs nothing but its own row, and an interrupted run can be continued.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tapscope.errors import OutputError, TapscopeError, VideoError
from tapscope.pipeline import cache, workers
from tapscope.pipeline.cache import CachedResult, RecordingResult
from tapscope.pipeline.recordings import Recording

Analyse = Callable[[Recording, workers.Report], RecordingResult]
"""Analyses one recording; raises TapscopeError if it cannot."""


class ProgressListener(Protocol):
    """Receives the progress of a batch, to show or to log it."""

    def planned(self, recordings: Sequence[Recording], todo: Sequence[Recording]) -> None:
        """The batch starts: `todo` will be analysed, the other recordings are completed."""

    def started(self, recording: Recording) -> None:
        """The analysis of a recording starts."""

    def progressed(self, recording: Recording, done: int, total: int | None) -> None:
        """`done` frames are analysed; `total` is the number in the header, None if unknown."""

    def finished(self, recording: Recording, cached: CachedResult, seconds: float) -> None:
        """A recording is completed or has failed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run a batch."""

    folder: Path
    """Folder of results."""
    prepare: Callable[[], Analyse]
    """Called once in each worker process; returns what analyses a recording. Must be picklable."""
    origin: Mapping[str, str]
    """What all results depend on besides their recording; see `cache.cache_key`."""
    measure_again: Callable[[], Analyse] | None = None
    """Likewise, for recordings whose keypoints an earlier run has left; None: no such short cut."""
    jobs: int = 1
    time_limit_s: float | None = None
    """Seconds allowed for one recording; None for no limit."""
    force: bool = False
    """Analyse completed recordings again."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The outcome of a batch."""

    results: Mapping[str, CachedResult]
    """By name of the recording, in the order given; those not reached are missing."""
    seconds: Mapping[str, float]
    """Time taken by each recording analysed in this run."""
    reused: int
    """Number of recordings completed by earlier runs."""
    interrupted: bool
    notes: tuple[str, ...] = ()
    """Messages for the user."""

    def count(self, status: str) -> int:
        """Return the number of recordings with this status."""
        return sum(cached.cells["status"] == status for cached in self.results.values())


def run_batch(
    recordings: Sequence[Recording], plan: Plan, listener: ProgressListener
) -> BatchResult:
    """Analyse recordings in worker processes and store each result as soon as it is complete.

    A recording that cannot be read, takes too long, meets a fault of the program or crashes its
    process gets a row that says so; the others continue. Ctrl-C ends the run with the results
    so far.

    Raises
    ------
    OutputError
        Results cannot be written.
    TapscopeError
        The analysis cannot start, for example because weights or a GPU are missing.
    """
    prepare_folder(plan.folder)
    results: dict[str, CachedResult] = {}
    seconds: dict[str, float] = {}
    interrupted, reused = False, 0
    try:
        if not plan.force:
            results = _load_completed(recordings, plan)
            reused = len(results)
        todo = [recording for recording in recordings if recording.name not in results]
        listener.planned(recordings, todo)
        if todo:
            _analyse_all(todo, plan, listener, results, seconds)
    except KeyboardInterrupt:
        interrupted = True
    ordered = {r.name: results[r.name] for r in recordings if r.name in results}
    return BatchResult(ordered, seconds, reused, interrupted)


def prepare_folder(folder: Path) -> None:
    """Create the folder of results; remove partial files that a killed run has left.

    Raises
    ------
    OutputError
        The folder cannot be written. This is checked before hours are spent.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.rglob(".*.part"):
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise OutputError(
            f"{folder}: cannot be written ({problem.strerror}); choose another --out"
        ) from problem


def _load_completed(recordings: Sequence[Recording], plan: Plan) -> dict[str, CachedResult]:
    found = {}
    for recording in recordings:
        try:
            cached = cache.load_cached(plan.folder, recording, plan.origin)
        except TapscopeError:
            continue  # the worker will meet the same error and write it into the row
        if cached is not None:
            found[recording.name] = cached
    return found


def _analyse_all(
    todo: Sequence[Recording],
    plan: Plan,
    listener: ProgressListener,
    results: dict[str, CachedResult],
    seconds: dict[str, float],
) -> None:
    again = plan.measure_again
    known: list[Recording] = []
    if again is not None and not plan.force:
        known = [recording for recording in todo if _has_keypoints(recording, plan)]
    names = {recording.name for recording in known}
    rest = [recording for recording in todo if recording.name not in names]
    for load, part in ((again, known), (plan.prepare, rest)):
        if load is None or not part:
            continue
        prepare = _Prepare(load, plan.folder, plan.origin)
        for event in workers.run(prepare, part, jobs=plan.jobs, time_limit_s=plan.time_limit_s):
            recording = part[event.index]
            match event:
                case workers.Started():
                    listener.started(recording)
                case workers.Progressed():
                    listener.progressed(recording, event.done, event.total)
                case workers.Finished():
                    results[recording.name] = event.answer
                case workers.Lost():
                    failure = RecordingResult("failed", event.detail, (event.cause,), retry=True)
                    results[recording.name] = cache.store(
                        plan.folder, recording, failure, origin=plan.origin, video_sha256=""
                    )
            if isinstance(event, workers.Finished | workers.Lost):
                seconds[recording.name] = event.seconds
                listener.finished(recording, results[recording.name], event.seconds)


def _has_keypoints(recording: Recording, plan: Plan) -> bool:
    try:
        return cache.has_keypoints(plan.folder, recording, plan.origin)
    except TapscopeError:
        return False  # the worker will meet the same error and write it into the row


@dataclass(frozen=True, slots=True)
class _Prepare:
    """Returns, in a worker, what analyses a recording and stores the result."""

    prepare: Callable[[], Analyse]
    folder: Path
    origin: Mapping[str, str]

    def __call__(self) -> workers.Work[Recording, CachedResult]:
        analyse = self.prepare()

        def work(recording: Recording, report: workers.Report) -> CachedResult:
            digest, result = _analyse_safely(analyse, recording, report)
            return cache.store(
                self.folder, recording, result, origin=self.origin, video_sha256=digest
            )

        return work


def _analyse_safely(
    analyse: Analyse, recording: Recording, report: workers.Report
) -> tuple[str, RecordingResult]:
    """Return the video's hash and the result; any failure except that of the output is a result."""
    digest = ""
    try:
        if recording.fault:
            raise VideoError(recording.fault)
        digest = cache.video_sha256(recording.path)
        return digest, analyse(recording, report)
    except OutputError:
        raise
    except TapscopeError as problem:
        # Without the path: the table must not depend on where the folder is.
        message = str(problem).removeprefix(f"{recording.path}: ")
        message = message.replace(str(recording.path), recording.video)
        return digest, RecordingResult("failed", message, ("unreadable",), retry=not digest)
    except Exception as problem:  # a fault of tapscope: recorded with its trace and retried
        return digest, RecordingResult(
            "failed",
            f"{type(problem).__name__}: {problem} (a fault of tapscope: please report it with "
            f"{cache.trace_name(recording)})",
            ("internal_error",),
            retry=True,
            trace=traceback.format_exc(),
        )
