"""Work done in separate processes, so that none can take the others down.

A decoder can crash, hang or eat the memory on one damaged file. `concurrent.futures` gives up all
its processes when one dies and cannot stop a single one, hence this small pool: each worker has one
task at a time and a pipe of its own; one that dies or takes too long costs its own task only and is
replaced. Nothing heavy is imported here.
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

Task = TypeVar("Task")
Answer = TypeVar("Answer")

Report = Callable[[int, int | None], None]
"""Takes how many frames of a task are done, and of how many, if that is known."""
Work = Callable[[Task, Report], Answer]

_REPORT_EVERY_S: Final = 0.2
_EXIT_WAIT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Started:
    """A worker has begun a task."""

    index: int


@dataclass(frozen=True, slots=True)
class Progressed:
    """A task has come so far."""

    index: int
    done: int
    total: int | None
    """As the file's header claims, None unknown."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[Answer]):
    """A task has been done."""

    index: int
    answer: Answer
    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """A task has taken its worker with it."""

    index: int
    cause: Literal["crashed", "time_limit"]
    detail: str
    seconds: float


Event = Started | Progressed | Finished[Answer] | Lost


@dataclass(frozen=True, slots=True)
class _Failure:
    """An exception that ended a worker and is to end the run."""

    error: TapscopeError | None
    trace: str


class WorkerError(RuntimeError):
    """A worker failed for a reason that is a fault of the program."""


class _Worker:
    """One process, its pipe and what it is at."""

    def __init__(self, prepare: Callable[[], Work[Task, Answer]]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.task: int | None = None
        self.since_s: float | None = None
        """When it began its task; None while it is still preparing itself."""
        self._child = context.Process(target=_serve, args=(theirs, prepare), daemon=True)
        # A child inherits that Ctrl-C is ignored: the keys reach the whole group, but the parent
        # alone decides what becomes of the work.
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

    def give(self, index: int, task: Task) -> None:
        self.pipe.send((index, task))
        self.task, self.since_s = index, None

    @property
    def seconds(self) -> float:
        """How long it has been at its task."""
        return 0.0 if self.since_s is None else time.monotonic() - self.since_s

    def stop(self, patience_s: float = 0.0) -> str:
        """Close the pipe, which ends an idle worker; end a busy one; say how it ended."""
        self.pipe.close()
        self._child.join(patience_s)
        if self._child.is_alive():
            self._child.kill()
            self._child.join()
        return _exit_text(self._child.exitcode)


def _exit_text(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"ended by {name}" + (", perhaps for want of memory" if name == "SIGKILL" else "")
    return f"ended with code {code}"


def run(
    prepare: Callable[[], Work[Task, Answer]],
    tasks: Sequence[Task],
    *,
    jobs: int = 1,
    time_limit_s: float | None = None,
) -> Iterator[Event[Answer]]:
    """Do tasks in worker processes and yield what happens, as it happens.

    Parameters
    ----------
    prepare
        Called once in each worker; returns what does one task. Must be picklable, as tasks and
        answers must.
    tasks
        Started in order.
    jobs
        Number of workers.
    time_limit_s
        A task that takes longer is lost; counted from its beginning. None for no limit.

    Yields
    ------
    Started, Progressed, Finished, Lost
        Finished or Lost exactly once for each task.

    Raises
    ------
    TapscopeError
        The work raised one: all work ends.
    WorkerError
        The work raised any other exception.
    """
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
                    worker.give(*waiting[0])
                except BrokenPipeError:  # it died with nothing to do: that costs no task
                    workers.remove(worker)
                    worker.stop()
                else:
                    waiting.popleft()
            yield from _next_events(workers, time_limit_s)
    finally:
        for worker in workers:
            worker.stop(_EXIT_WAIT_S if worker.task is None else 0.0)


def _next_events(workers: list[_Worker], time_limit_s: float | None) -> Iterator[Event[Answer]]:
    """Wait for the next messages, deaths and overruns; drop the workers that are no more."""
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
        if isinstance(message, _Failure):
            raise message.error or WorkerError(message.trace)
        if isinstance(message, Started):
            worker.since_s = time.monotonic()
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
    """Do the tasks that come through the pipe until it closes."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    try:
        work = prepare()
        while True:
            try:
                index, task = pipe.recv()
            except EOFError:
                return
            pipe.send(Started(index))
            begun_s = time.monotonic()
            answer = work(task, _reporter(pipe, index))
            pipe.send(Finished(index, answer, time.monotonic() - begun_s))
    except TapscopeError as error:
        pipe.send(_Failure(error, ""))
    except BrokenPipeError:
        return  # the parent has gone or given this worker up
    except Exception:
        pipe.send(_Failure(None, traceback.format_exc()))


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
    """End this process at once when the parent is gone, so that nothing works on unseen."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
