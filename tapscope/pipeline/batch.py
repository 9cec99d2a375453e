"""Many recordings: each on its own, none twice, whatever happens in between."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tapscope.errors import OutputError, TapscopeError
from tapscope.pipeline import cache, workers
from tapscope.pipeline.cache import CachedResult, RecordingResult
from tapscope.pipeline.recordings import Recording

Analyse = Callable[[Recording, workers.Report], RecordingResult]
"""Analyses one recording; raises TapscopeError where it cannot."""


class ProgressListener(Protocol):
    """Is told what happens; shows or logs it."""

    def planned(self, recordings: Sequence[Recording], todo: Sequence[Recording]) -> None:
        """Of these recordings, those `todo` are to be analysed; the others are done already."""

    def started(self, recording: Recording) -> None:
        """A recording is being analysed."""

    def progressed(self, recording: Recording, done: int, total: int | None) -> None:
        """So many frames are done, of a total that the header claims."""

    def finished(self, recording: Recording, cached: CachedResult, seconds: float) -> None:
        """A recording is done, well or not."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a batch is to be run."""

    folder: Path
    """Where results are kept."""
    prepare: Callable[[], Analyse]
    """Makes, once in each worker process, what analyses; must be picklable."""
    origin: Mapping[str, str]
    """What the results depend on besides the recording; see `cache.cache_key`."""
    jobs: int = 1
    time_limit_s: float | None = None
    """For one recording."""
    force: bool = False
    """Do again what is done."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch."""

    results: Mapping[str, CachedResult]
    """By name of the recording, in the order given; without those that were not reached."""
    seconds: Mapping[str, float]
    """Time taken by those that were analysed now."""
    reused: int
    interrupted: bool
    notes: tuple[str, ...] = ()
    """What the user should know besides."""

    def count(self, status: str) -> int:
        """Return the number of recordings with a status."""
        return sum(cached.cells["status"] == status for cached in self.results.values())


def run_batch(
    recordings: Sequence[Recording], plan: Plan, listener: ProgressListener
) -> BatchResult:
    """Analyse recordings, each in a worker process, and keep each result as soon as it is there.

    A recording that cannot be read, takes too long, meets a fault of the program or takes its
    process down gets a row that says so and stops nobody else. Ctrl-C ends the run with what
    is done by then.

    Raises
    ------
    OutputError
        Results cannot be written.
    TapscopeError
        The analysis cannot be prepared, for want of weights or a GPU, say.
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
    """Make the folder of results; remove files that a killed run has left half written.

    Raises
    ------
    OutputError
        It cannot be made, which is better known before hours are spent.
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
            continue  # the worker will meet the same and write it into the row
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
    prepare = _Prepare(plan.prepare, plan.folder, plan.origin)
    for event in workers.run(prepare, todo, jobs=plan.jobs, time_limit_s=plan.time_limit_s):
        recording = todo[event.index]
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


@dataclass(frozen=True, slots=True)
class _Prepare:
    """Makes, in a worker, what analyses a recording and keeps the result."""

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
    """Return the video's hash and the result; every failure but of the output is a result."""
    digest = ""
    try:
        digest = cache.video_sha256(recording.path)
        return digest, analyse(recording, report)
    except OutputError:
        raise
    except TapscopeError as problem:
        # The table must not depend on where the folder lies.
        said = str(problem).removeprefix(f"{recording.path}: ")
        said = said.replace(str(recording.path), recording.video)
        return digest, RecordingResult("failed", said, ("unreadable",), retry=not digest)
    except Exception as problem:  # a fault of ours: said, cached with its trace, and tried again
        return digest, RecordingResult(
            "failed",
            f"{type(problem).__name__}: {problem} (a fault of tapscope: please report it with "
            f"{cache.trace_name(recording)})",
            ("internal_error",),
            retry=True,
            trace=traceback.format_exc(),
        )
