"""Tests of work in separate processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tapscope.errors import WeightsError
from tapscope.pipeline import workers
from tapscope.pipeline.workers import Finished, Lost, Progressed, Started, WorkerError


def square() -> workers.Work[int, int]:
    return lambda task, report: task**2


def follow_orders() -> workers.Work[str, str]:
    return obey


def obey(order: str, report: workers.Report) -> str:
    match order:
        case "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "leave":
            os._exit(3)
        case "sleep":
            time.sleep(60)
        case "refuse":
            raise WeightsError("no weights")
        case "stumble":
            raise ZeroDivisionError("by accident")
        case "count":
            report(10, 20)
    return order


def never_ready() -> workers.Work[str, str]:
    raise WeightsError("not to be had")


def outcomes(events: list[workers.Event[str]]) -> dict[int, str]:
    """Return what became of each task."""
    found = {}
    for event in events:
        if isinstance(event, Finished):
            assert event.index not in found
            found[event.index] = event.answer
        elif isinstance(event, Lost):
            assert event.index not in found
            found[event.index] = event.cause
    return found


@pytest.mark.parametrize("jobs", [1, 3])
def test_each_task_is_done_once(jobs: int) -> None:
    events = list(workers.run(square, range(7), jobs=jobs))
    answers = [(e.index, e.answer) for e in events if isinstance(e, Finished)]
    assert sorted(answers) == [(n, n**2) for n in range(7)]
    assert sorted(e.index for e in events if isinstance(e, Started)) == list(range(7))


def test_a_worker_that_dies_costs_its_own_task_only() -> None:
    orders = ["a", "die", "b", "leave", "c"]
    events = list(workers.run(follow_orders, orders, jobs=2))
    assert outcomes(events) == {0: "a", 1: "crashed", 2: "b", 3: "crashed", 4: "c"}
    details = {e.index: e.detail for e in events if isinstance(e, Lost)}
    assert details == {1: "ended by SIGSEGV", 3: "ended with code 3"}


def test_a_task_that_takes_too_long_is_lost() -> None:
    events = list(workers.run(follow_orders, ["a", "sleep", "b"], time_limit_s=0.5))
    assert outcomes(events) == {0: "a", 1: "time_limit", 2: "b"}
    (lost,) = (e for e in events if isinstance(e, Lost))
    assert 0.5 <= lost.seconds < 5


def test_progress_is_passed_on() -> None:
    events = list(workers.run(follow_orders, ["count"]))
    assert Progressed(0, 10, 20) in events


@pytest.mark.parametrize(
    ("prepare", "orders", "error", "message"),
    [
        (follow_orders, ["a", "refuse"], WeightsError, "no weights"),
        (follow_orders, ["stumble"], WorkerError, "ZeroDivisionError: by accident"),
        (never_ready, ["a"], WeightsError, "not to be had"),
    ],
)
def test_errors_of_the_whole_run_end_it(
    prepare: Callable[[], workers.Work[str, str]],
    orders: list[str],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        list(workers.run(prepare, orders))


def test_a_worker_that_dies_idle_costs_nothing() -> None:
    events = workers.run(follow_orders, ["a", "b"])
    answers = []
    for event in events:
        if isinstance(event, Finished):
            answers.append(event.answer)
            (child,) = multiprocessing.active_children()
            child.kill()
            child.join()
    assert answers == ["a", "b"]


@pytest.mark.parametrize(
    ("last", "error"), [("refuse", WeightsError), ("stumble", type(None)), ("", None)]
)
def test_what_a_worker_answers(last: str, error: type | None) -> None:
    ours, theirs = multiprocessing.Pipe()
    for index, order in enumerate(["count", last] if last else ["count"]):
        ours.send((index, order))
    if error is None:  # nothing more is coming
        answers = answered_until_closed(ours, theirs)
    else:
        workers._serve(theirs, follow_orders)
        answers = [ours.recv() for _ in range(5)]
        failure = answers[-1]
        assert isinstance(failure, workers.Failure)
        assert isinstance(failure.error, error)
        assert ("by accident" in failure.trace) == (last == "stumble")
    assert answers[:2] == [Started(0), Progressed(0, 10, 20)]
    assert answers[2].answer == "count"


def answered_until_closed(ours: Connection, theirs: Connection) -> list[workers.Event[str]]:
    """Serve in a thread until the pipe is closed; return what came back."""
    server = threading.Thread(target=workers._serve, args=(theirs, follow_orders))
    server.start()
    answers = [ours.recv() for _ in range(3)]
    ours.close()
    server.join(60)
    assert not server.is_alive()
    return answers


def test_closing_the_events_ends_the_workers() -> None:
    events = workers.run(follow_orders, ["sleep"])
    assert next(events) == Started(0)
    begun_s = time.monotonic()
    events.close()  # type: ignore[attr-defined]  # it is a generator
    assert time.monotonic() - begun_s < 5


ORPHAN = """
import os, sys, time
from pathlib import Path
from tapscope.pipeline import workers
from tests.pipeline.test_workers import write_pid_and_sleep
if __name__ == "__main__":
    list(workers.run(write_pid_and_sleep, [sys.argv[1]]))
"""


def write_pid_and_sleep() -> workers.Work[str, None]:
    def work(task: str, report: workers.Report) -> None:
        Path(task).write_text(str(os.getpid()))
        time.sleep(60)

    return work


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script, pid_file = tmp_path / "orphan.py", tmp_path / "pid"
    script.write_text(ORPHAN)
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, script, pid_file], env={**os.environ, "PYTHONPATH": str(root)}
    ) as parent:
        wait_for(lambda: pid_file.is_file() and pid_file.read_text() != "")
        parent.kill()
    child = int(pid_file.read_text())
    wait_for(lambda: not is_running(child))


def wait_for(condition: Callable[[], bool], patience_s: float = 120) -> None:
    end_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # a zombie has ended; only its parent has not collected it yet
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
