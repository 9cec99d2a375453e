"""Work on a Ray cluster, with the same events as `workers.run`.

Each task is a Ray task of its own, so that a machine that is lost costs no other task. Answers come
back through Ray: the machines need not share the folder of results.
"""

import os
import pickle
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final, Self

from tapscope.errors import TapscopeError
from tapscope.pipeline.workers import (
    Answer,
    Event,
    Failure,
    Finished,
    Lost,
    Progressed,
    Started,
    Task,
    Work,
    WorkerError,
)

_REPORT_EVERY_S: Final = 1.0
_AHEAD: Final = 3
"""Tasks given to Ray for each core: some wait, so that a cluster can see that it should grow."""


@dataclass(frozen=True, slots=True)
class RayCluster:
    """Where Ray runs and what each task asks of it."""

    address: str | None = None
    """'HOST:PORT' or 'auto'; None starts Ray on this machine (or where RAY_ADDRESS says)."""
    gpus: int = 0
    """GPUs of each task; each takes one core besides."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 'ray' or 'ray=ADDRESS'.

        Raises
        ------
        ValueError
            It is something else.
        """
        engine, equals, address = text.partition("=")
        if engine != "ray" or bool(equals) != bool(address) or "://" in address:
            raise ValueError(f"{text!r} is no cluster; give ray, ray=auto or ray=HOST:6379")
        return cls(address or None)


def run(
    prepare: Callable[[], Work[Task, Answer]],
    tasks: Sequence[Task],
    cluster: RayCluster,
    *,
    time_limit_s: float | None = None,
) -> Iterator[Event[Answer]]:
    """Run tasks on a cluster and yield events as they happen.

    The connection to Ray stays open until this program ends.

    Parameters
    ----------
    prepare, tasks, time_limit_s
        As in `workers.run`. All must be picklable, and tapscope installed on each machine.
    cluster
        Where to run. As many tasks run at once as it has free cores or GPUs.

    Yields
    ------
    Started, Progressed, Finished, Lost
        Finished or Lost exactly once for each task.

    Raises
    ------
    TapscopeError
        Ray is missing or cannot be reached, or a task raised this error; the run ends.
    WorkerError
        A task raised any other exception; the run ends.
    """
    ray = _connect(cluster)
    remote = ray.remote(num_cpus=1, num_gpus=cluster.gpus, max_retries=0)(_events_of)
    packed = pickle.dumps(prepare)
    waiting = deque(enumerate(tasks))
    running: dict[Any, int] = {}
    """Index of each task given to Ray, by the generator of its events."""
    started_s: dict[int, float] = {}
    try:
        while waiting or running:
            while waiting and len(running) < _AHEAD * ray.cluster_resources().get("CPU", 1):
                index, task = waiting.popleft()
                running[remote.remote(packed, index, task)] = index
            ready, _ = ray.wait(list(running), timeout=_REPORT_EVERY_S, fetch_local=False)
            for events in ready:
                index = running[events]
                try:
                    event = ray.get(next(events))
                except (ray.exceptions.RayError, StopIteration) as problem:
                    if isinstance(problem, ray.exceptions.RayTaskError):
                        raise WorkerError(str(problem)) from problem
                    del running[events]
                    event = Lost(index, "crashed", _why(problem), _since(started_s.get(index)))
                if isinstance(event, Failure):
                    raise event.error or WorkerError(event.trace)
                if isinstance(event, Started):
                    started_s[index] = time.monotonic()
                elif isinstance(event, Finished):
                    del running[events]
                yield event
            for events, index in list(running.items()):
                seconds = _since(started_s.get(index))
                if time_limit_s is not None and seconds > time_limit_s:
                    del running[events]
                    ray.cancel(events, force=True)
                    yield Lost(index, "time_limit", f"took over {time_limit_s:g} s", seconds)
    finally:
        for events in running:
            ray.cancel(events, force=True)


def _connect(cluster: RayCluster) -> Any:
    """Start Ray or connect to it, unless that was done before; return its module."""
    if find_spec("ray") is None:
        raise TapscopeError(
            '--cluster ray: Ray is not installed; run: pip install "tapscope[ray]", on each machine'
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anybody
    import ray  # noqa: PLC0415 - an extra that most users do not have

    if not ray.is_initialized():
        try:
            ray.init(cluster.address, log_to_driver=False, include_dashboard=False)
        except (ConnectionError, RuntimeError, ValueError) as problem:
            raise TapscopeError(
                f"--cluster ray: cannot start or reach Ray at {cluster.address or 'this machine'} "
                f"({problem}); check the address, and 'ray status' there"
            ) from problem
    if ray.cluster_resources().get("GPU", 0) < cluster.gpus:
        raise TapscopeError(
            "--cluster ray: the cluster has no GPU; leave --device cuda out, or add a machine with "
            "a GPU first"
        )
    return ray


def _why(problem: Exception) -> str:
    """Return the kind of a loss: Ray's own texts are long and name machines."""
    return f"lost by Ray ({type(problem).__name__})"


def _since(begin_s: float | None) -> float:
    return 0.0 if begin_s is None else time.monotonic() - begin_s


def _events_of(packed: bytes, index: int, task: Task) -> Iterator[Event[Answer] | Failure]:
    """Run one task on a machine of the cluster; yield what happens."""
    latest: tuple[int, int | None] | None = None

    def report(done: int, total: int | None) -> None:
        nonlocal latest
        latest = done, total

    try:
        work: Work[Task, Answer] = _prepared(packed)
        yield Started(index)
        begin_s = time.monotonic()
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(work, task, report)
            while not wait([answer], timeout=_REPORT_EVERY_S).done:
                if latest:
                    yield Progressed(index, *latest)
            yield Finished(index, answer.result(), time.monotonic() - begin_s)
    except TapscopeError as error:
        yield Failure(error, "")
    except Exception:
        yield Failure(None, traceback.format_exc())


@lru_cache(maxsize=1)
def _prepared(packed: bytes) -> Work[Any, Any]:
    """Prepare once in each process: Ray uses it for many tasks."""
    work: Work[Any, Any] = pickle.loads(packed)()
    return work
