"""Analyse many recordings, each in isolation; skip those completed before.

A recording that fails costs nothing but its own row, and an interrupted run can be continued.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from tapscope.errors import OutputError, TapscopeError, VideoError
from tapscope.pipeline import cache, ray_workers, workers
from tapscope.pipeline.cache import CachedResult, RecordingResult
from tapscope.pipeline.ray_workers import RayCluster
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.stored_results import StoredResults

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
    """Number of processes on this machine."""
    cluster: RayCluster | None = None
    """Where to analyse instead of on this machine."""
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

    def counts(self) -> Counter[str]:
        """Return the number of recordings of each status."""
        return Counter(str(cached.cells["status"]) for cached in self.results.values())


def run_batch(
    recordings: Sequence[Recording], plan: Plan, listener: ProgressListener
) -> BatchResult:
    """Analyse recordings in worker processes and store each result as soon as it is complete.

    A recording that cannot be read, takes too long, meets a fault of the program or crashes its
    process twice gets a row that says so; the others continue. Ctrl-C ends the run with the results
    so far.

    Raises
    ------
    OutputError
        Results cannot be written.
    TapscopeError
        The analysis cannot start, for example because weights or a GPU are missing.
    """
    prepare_folder(plan.folder)
    run = _Run(plan, listener)
    interrupted, reused = False, 0
    try:
        if not plan.force:
            run.completed = _completed(recordings, plan)
            reused = len(run.completed)
        todo = [recording for recording in recordings if recording.name not in run.completed]
        listener.planned(recordings, todo)
        if todo:
            run.analyse(todo)
    except KeyboardInterrupt:
        interrupted = True
    completed = [recording for recording in recordings if recording.name in run.completed]
    results = StoredResults(plan.folder, completed)
    return BatchResult(results, run.seconds, reused, interrupted)


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


def _completed(recordings: Sequence[Recording], plan: Plan) -> set[str]:
    """Return the names of the recordings of which a new run would give the same."""
    found = set()
    for recording in recordings:
        try:
            if cache.load_cached(plan.folder, recording, plan.origin) is not None:
                found.add(recording.name)
        except TapscopeError:
            continue  # the worker will meet the same error and write it into the row
    return found


@dataclass(slots=True)
class _Run:
    """The analyses of one batch, and which of them are done."""

    plan: Plan
    listener: ProgressListener
    completed: set[str] = field(default_factory=set)
    """Names of the recordings whose results are on the disk."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Time taken by each recording analysed in this run."""

    def analyse(self, todo: Sequence[Recording]) -> None:
        """Analyse recordings, first those that are measured without the network."""
        with_network = list(todo)
        if self.plan.measure_again is not None and not self.plan.force:
            without = [recording for recording in todo if _has_tracking(recording, self.plan)]
            names = {recording.name for recording in without}
            with_network = [recording for recording in todo if recording.name not in names]
            self._attempt_twice(
                without, replace(self.plan, prepare=self.plan.measure_again, cluster=None)
            )
        self._attempt_twice(with_network, self.plan)

    def _attempt_twice(self, recordings: Sequence[Recording], plan: Plan) -> None:
        """Analyse recordings; try those whose process crashed once more, after all others.

        Then memory that ran out, or a machine that was lost, may be back. The second crash is kept
        as the result, so that a run ends whatever a recording does.
        """
        crashed = self._attempt(recordings, plan, crashes="put off")
        if crashed:
            self._attempt(crashed, plan, crashes="keep")

    def _attempt(
        self, recordings: Sequence[Recording], plan: Plan, *, crashes: Literal["put off", "keep"]
    ) -> list[Recording]:
        """Analyse recordings; return those whose crash was put off."""
        put_off = []
        for event in _events(recordings, plan):
            recording = recordings[event.index]
            match event:
                case workers.Started():
                    self.listener.started(recording)
                case workers.Progressed():
                    self.listener.progressed(recording, event.done, event.total)
                case workers.Lost(cause="crashed") if crashes == "put off":
                    put_off.append(recording)
                case workers.Finished():
                    self._keep(recording, event.answer, event.seconds)
                case workers.Lost():
                    self._keep(recording, _store_lost(plan, recording, event), event.seconds)
        return put_off

    def _keep(self, recording: Recording, result: CachedResult, seconds: float) -> None:
        self.completed.add(recording.name)
        self.seconds[recording.name] = seconds
        self.listener.finished(recording, result, seconds)


def _store_lost(plan: Plan, recording: Recording, lost: workers.Lost) -> CachedResult:
    reason = f"{lost.detail}, twice" if lost.cause == "crashed" else lost.detail
    failure = RecordingResult("failed", reason, (lost.cause,), retry=True)
    return cache.store(plan.folder, recording, failure, origin=plan.origin, video_sha256="")


def _events(recordings: Sequence[Recording], plan: Plan) -> Iterator[workers.Event[CachedResult]]:
    """Run the analyses on this machine or on the cluster; each result is stored."""
    if plan.cluster is None:
        prepare = _StoredAnalysis(plan.prepare, plan.folder, plan.origin)
        yield from workers.run(prepare, recordings, jobs=plan.jobs, time_limit_s=plan.time_limit_s)
        return
    elsewhere = [replace(each, path=each.path.absolute()) for each in recordings]
    for event in ray_workers.run(
        _Analysis(plan.prepare), elsewhere, plan.cluster, time_limit_s=plan.time_limit_s
    ):
        if isinstance(event, workers.Finished):
            digest, result = event.answer
            cached = cache.store(
                plan.folder, recordings[event.index], result,
                origin=plan.origin, video_sha256=digest,
            )  # fmt: skip
            yield workers.Finished(event.index, cached, event.seconds)
        else:
            yield event


def _has_tracking(recording: Recording, plan: Plan) -> bool:
    """Say whether the recording can be measured without the network."""
    try:
        return cache.has_tracking(plan.folder, recording, plan.origin)
    except TapscopeError:
        return False  # the worker will meet the same error and write it into the row


@dataclass(frozen=True, slots=True)
class _Analysis:
    """Returns, in a worker, what analyses a recording: gives the video's hash and the result."""

    prepare: Callable[[], Analyse]

    def __call__(self) -> workers.Work[Recording, tuple[str, RecordingResult]]:
        return partial(_analyse_safely, self.prepare())


@dataclass(frozen=True, slots=True)
class _StoredAnalysis:
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
