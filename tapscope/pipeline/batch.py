"""Many recordings: each on its own, none twice, whatever happens in between."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tapscope.errors import OutputError, TapscopeError
from tapscope.pipeline import cache, workers
from tapscope.pipeline.cache import Kept, RecordingResult
from tapscope.pipeline.recordings import Recording

Analyse = Callable[[Recording, workers.Report], RecordingResult]
"""Analyses one recording; raises TapscopeError where it cannot."""


class Watcher(Protocol):
    """Is told what happens; shows or logs it."""

    def planned(self, recordings: Sequence[Recording], todo: Sequence[Recording]) -> None:
        """Of these recordings, those `todo` are to be analysed; the others are done already."""

    def begun(self, recording: Recording) -> None:
        """A recording is being analysed."""

    def advanced(self, recording: Recording, done: int, total: int | None) -> None:
        """So many frames are done, of a total that the header claims."""

    def finished(self, recording: Recording, kept: Kept, seconds: float) -> None:
        """A recording is done, well or not."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a batch is to be run."""

    folder: Path
    """Where results are kept."""
    prepare: Callable[[], Analyse]
    """Makes, once in each worker process, what analyses; must be picklable."""
    origin: Mapping[str, str]
    """What the results depend on besides the recording; see `cache.made_from`."""
    jobs: int = 1
    time_limit_s: float | None = None
    """For one recording."""
    force: bool = False
    """Do again what is done."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch."""

    kept: Mapping[str, Kept]
    """By name of the recording, in the order given; without those that were not reached."""
    seconds: Mapping[str, float]
    """Time taken by those that were analysed now."""
    reused: int
    interrupted: bool
    notes: tuple[str, ...] = ()
    """What the user should know besides."""

    def count(self, status: str) -> int:
        """Return the number of recordings with a status."""
        return sum(kept.cells["status"] == status for kept in self.kept.values())


def run_batch(recordings: Sequence[Recording], plan: Plan, watcher: Watcher) -> BatchResult:
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
    open_folder(plan.folder)
    kept: dict[str, Kept] = {}
    seconds: dict[str, float] = {}
    interrupted, reused = False, 0
    try:
        if not plan.force:
            kept = _still_good(recordings, plan)
            reused = len(kept)
        todo = [recording for recording in recordings if recording.name not in kept]
        watcher.planned(recordings, todo)
        if todo:
            _analyse_all(todo, plan, watcher, kept, seconds)
    except KeyboardInterrupt:
        interrupted = True
    ordered = {r.name: kept[r.name] for r in recordings if r.name in kept}
    return BatchResult(ordered, seconds, reused, interrupted)


def open_folder(folder: Path) -> None:
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


def _still_good(recordings: Sequence[Recording], plan: Plan) -> dict[str, Kept]:
    found = {}
    for recording in recordings:
        try:
            kept = cache.load_kept(plan.folder, recording, plan.origin)
        except TapscopeError:
            continue  # the worker will meet the same and write it into the row
        if kept is not None:
            found[recording.name] = kept
    return found


def _analyse_all(
    todo: Sequence[Recording],
    plan: Plan,
    watcher: Watcher,
    kept: dict[str, Kept],
    seconds: dict[str, float],
) -> None:
    prepare = _Prepare(plan.prepare, plan.folder, plan.origin)
    for event in workers.run(prepare, todo, jobs=plan.jobs, time_limit_s=plan.time_limit_s):
        recording = todo[event.index]
        match event:
            case workers.Begun():
                watcher.begun(recording)
            case workers.Advanced():
                watcher.advanced(recording, event.done, event.total)
            case workers.Finished():
                kept[recording.name] = event.answer
            case workers.Lost():
                failure = RecordingResult("failed", event.detail, (event.cause,), retry=True)
                kept[recording.name] = cache.keep(
                    plan.folder, recording, failure, origin=plan.origin, video_sha256=""
                )
        if isinstance(event, workers.Finished | workers.Lost):
            seconds[recording.name] = event.seconds
            watcher.finished(recording, kept[recording.name], event.seconds)


@dataclass(frozen=True, slots=True)
class _Prepare:
    """Makes, in a worker, what analyses a recording and keeps the result."""

    prepare: Callable[[], Analyse]
    folder: Path
    origin: Mapping[str, str]

    def __call__(self) -> workers.Work[Recording, Kept]:
        analyse = self.prepare()

        def work(recording: Recording, report: workers.Report) -> Kept:
            digest, result = _analysed(analyse, recording, report)
            return cache.keep(
                self.folder, recording, result, origin=self.origin, video_sha256=digest
            )

        return work


def _analysed(
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
    except Exception as problem:  # a fault of ours: said, kept with its trace, and tried again
        return digest, RecordingResult(
            "failed",
            f"{type(problem).__name__}: {problem} (a fault of tapscope: please report it with "
            f"{cache.trace_name(recording)})",
            ("internal_error",),
            retry=True,
            trace=traceback.format_exc(),
        )
