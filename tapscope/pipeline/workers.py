"""A pool of worker processes in which a crash costs only one task.

A decoder can crash, hang or use up the memory on one damaged file. `concurrent.futures` stops all
its processes when one dies and cannot stop a single one. In this pool each worker has one task at
a time and its own pipe; a worker that dies or takes too long loses its task and is replaced.
Nothing heavy is imported here.

Existing pools do not do this: the workers of Pebble 5.2 share one pipe and its locks, so that one
killed while it holds them breaks the pool for all; loky 3.7 has no time limit for a task, and a
crash fails every task that waits. Neither passes progress on.
"""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Final, Generic, Literal, TypeVar

from tapscope.errors import TapscopeError
from tapscope.threads import one_thread_for_sums

Task = TypeVar("Task")
Answer = TypeVar("Answer")

Report = Callable[[int, int | None], None]
"""Called with the number of frames done and the total, None if unknown."""
Work = Callable[[Task, Report], Answer]

_REPORT_EVERY_S: Final = 0.2
_EXIT_WAIT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Started:
    """A worker has started a task."""

    index: int


@dataclass(frozen=True, slots=True)
class Progressed:
    """A task has reported its progress."""

    index: int
    done: int
    total: int | None
    """According to the file's header; None if unknown."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[Answer]):
    """A task is complete."""

    index: int
    answer: Answer
    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """A task was lost, because its worker crashed or exceeded the time limit."""

    index: int
    cause: Literal["crashed", "time_limit"]
    detail: str
    seconds: float


Event = Started | Progressed | Finished[Answer] | Lost


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception that ended a worker and must end the run."""

    error: TapscopeError | None
    trace: str


class WorkerError(RuntimeError):
    """A worker failed because of a fault of the program."""


class _Worker:
    """One process, its pipe and its current task."""

    def __init__(self, prepare: Callable[[], Work[Task, Answer]]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.task: int | None = None
        self.started_s: float | None = None
        """Start of the task; None while the worker is still loading."""
        self._child = context.Process(target=_serve, args=(theirs, prepare), daemon=True)
        # The child inherits that Ctrl-C is ignored: the signal reaches all processes, but only the
        # parent decides how the run ends.
        ours = signal.getsignal(signal.SIGINT)
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._child.start()
        finally:
            if in_main_thread:
                signal.signal(signal.SIGINT, ours)
            theirs.close()

    def assign(self, index: int, task: Task) -> None:
        self.pipe.send((index, task))
        self.task, self.started_s = index, None

    @property
    def seconds(self) -> float:
        """Time spent on the current task."""
        return 0.0 if self.started_s is None else time.monotonic() - self.started_s

    def stop(self, wait_s: float = 0.0) -> str:
        """Close the pipe, which ends an idle worker; kill a busy one; return how it ended."""
        self.pipe.close()
        self._child.join(wait_s)
        if self._child.is_alive():
            self._child.kill()
            self._child.join()
        return _exit_text(self._child.exitcode)


def _exit_text(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"ended by {name}" + (", perhaps out of memory" if name == "SIGKILL" else "")
    return f"ended with code {code}"


def run(
    prepare: Callable[[], Work[Task, Answer]],
    tasks: Sequence[Task],
    *,
    jobs: int = 1,
    time_limit_s: float | None = None,
) -> Iterator[Event[Answer]]:
    """Run tasks in worker processes and yield events as they happen.

    Parameters
    ----------
    prepare
        Called once in each worker; returns the function for one task. It, the tasks and the
        answers must be picklable.
    tasks
        Tasks, started in this order.
    jobs
        Number of workers.
    time_limit_s
        A task that takes longer from its start is lost. None for no limit.

    Yields
    ------
    Started, Progressed, Finished, Lost
        Finished or Lost exactly once for each task.

    Raises
    ------
    TapscopeError
        A task raised one; the run ends.
    WorkerError
        A task raised any other exception; the run ends.
    """
    one_thread_for_sums()
    waiting = deque(enumerate(tasks))
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.task is not None for worker in workers):
            idle = [worker for worker in workers if worker.task is None]
            while waiting and (idle or len(workers) < jobs):
                if not idle:
                    workers.append(_Worker(prepare))
                    idle.append(workers[-1])
                worker = idle.pop()
                try:
                    worker.assign(*waiting[0])
                except BrokenPipeError:  # it died while idle: no task is lost
                    workers.remove(worker)
                    worker.stop()
                else:
                    waiting.popleft()
            yield from _next_events(workers, time_limit_s)
    finally:
        for worker in workers:
            worker.stop(_EXIT_WAIT_S if worker.task is None else 0.0)


def _next_events(workers: list[_Worker], time_limit_s: float | None) -> Iterator[Event[Answer]]:
    """Wait for messages, crashes and exceeded time limits; remove workers that have ended."""
    ready = wait([worker.pipe for worker in workers], timeout=_REPORT_EVERY_S)
    for worker in [worker for worker in workers if worker.pipe in ready]:
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            workers.remove(worker)
            seconds, detail = worker.seconds, worker.stop(_EXIT_WAIT_S)
            if worker.task is not None:
                yield Lost(worker.task, "crashed", detail, seconds)
            continue
        if isinstance(message, Failure):
            raise message.error or WorkerError(message.trace)
        if isinstance(message, Started):
            worker.started_s = time.monotonic()
        elif isinstance(message, Finished):
            worker.task = None
        yield message
    for worker in list(workers):
        if worker.task is None or time_limit_s is None or worker.seconds <= time_limit_s:
            continue
        workers.remove(worker)
        seconds = worker.seconds
        worker.stop()
        yield Lost(worker.task, "time_limit", f"took over {time_limit_s:g} s", seconds)


def _serve(pipe: Connection, prepare: Callable[[], Work[Task, Answer]]) -> None:
    """Run the tasks that come through the pipe until it closes."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    try:
        work = prepare()
        while True:
            try:
                index, task = pipe.recv()
            except EOFError:
                return
            pipe.send(Started(index))
            start_s = time.monotonic()
            answer = work(task, _reporter(pipe, index))
            pipe.send(Finished(index, answer, time.monotonic() - start_s))
    except TapscopeError as error:
        pipe.send(Failure(error, ""))
    except BrokenPipeError:
        return  # the parent has ended or dropped this worker
    except Exception:
        pipe.send(Failure(None, traceback.format_exc()))


def _reporter(pipe: Connection, index: int) -> Report:
    last_s = 0.0

    def report(done: int, total: int | None) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= _REPORT_EVERY_S:
            last_s = now_s
            pipe.send(Progressed(index, done, total))

    return report


def _exit_with_parent() -> None:
    """End this process as soon as the parent has ended, so that none is left running."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
