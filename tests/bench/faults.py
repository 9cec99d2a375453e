"""Break runs of `tapscope analyze` in every way, go on, and compare with an undisturbed run.

    python -m tests.bench.faults [--recordings N] [--kills N] [--seed N] [--real VIDEO]

Clips of coloured discs stand for recordings and a tracker of discs for the network, so that a run
takes seconds; with VIDEO, copies of this video are analysed by the real network. A full disk and a
read-only one are file systems in memory that only root can mount; without that right they are left
out, and the last line says so.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psutil

from tests.tapping import write_clip

ROOT: Final = Path(__file__).resolve().parents[2]
SECONDS: Final = 0.3
"""Taken by each made-up analysis beyond what it needs, so that there is time to disturb it."""


@dataclass(frozen=True)
class Study:
    """Recordings, and the table and files that an undisturbed run gives."""

    videos: Path
    real: bool
    recordings: int
    first_row_s: float = 0.0
    """From the start of an undisturbed run to its first row."""
    table: bytes = b""
    files: tuple[tuple[str, bytes], ...] = ()

    def command(self, out: Path, *options: str) -> list[str]:
        """Return the command that analyses the study."""
        out.parent.mkdir(parents=True, exist_ok=True)
        program = (
            ["tapscope", "analyze", str(self.videos), "--out", str(out)]
            if self.real
            else ["tests.tapping", str(self.videos), str(out), str(SECONDS)]
        )
        return [sys.executable, "-m", *program, *options]

    def run(self, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """Analyse to the end, or to an error."""
        return subprocess.run(
            self.command(out, *options), cwd=ROOT, capture_output=True, text=True, check=False
        )

    @contextmanager
    def begun(self, out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
        """Start the analysis in a process group of its own; kill what is left of it."""
        run = subprocess.Popen(
            self.command(out, *options), cwd=ROOT, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield run
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            assert run.stdout
            run.stdout.close()

    def check(self, out: Path, *options: str) -> None:
        """Go on to the end; check that everything is as in the undisturbed run."""
        done = self.run(out, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        assert out.read_bytes() == self.table, "the table differs"
        assert files_of(out) == self.files, "the files of the recordings differ"


def files_of(out: Path) -> tuple[tuple[str, bytes], ...]:
    """Return name and content of each file of details but the record of the run."""
    folder = out.with_suffix(".tapscope")
    return tuple(
        (str(file.relative_to(folder)), file.read_bytes())
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "run.json"
    )


def rows(out: Path) -> int:
    """Return the number of completed recordings."""
    return len(list(out.with_suffix(".tapscope").glob("*.row.json")))


def wait_for(condition: Callable[[], object], run: subprocess.Popen[str]) -> None:
    """Wait until a condition holds; fail if the run ends before."""
    while not condition():
        assert run.poll() is None, run.communicate()
        time.sleep(0.01)


def workers_of(run: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the worker processes of a run, at least one."""
    children = psutil.Process(run.pid).children(recursive=True)
    workers = [each for each in children if "multiprocessing.spawn" in " ".join(each.cmdline())]
    assert workers
    return workers


def killed_worker(study: Study, out: Path) -> str:
    """Kill the busy worker with SIGKILL."""
    with study.begun(out) as run:
        wait_for(lambda: rows(out) >= 1, run)
        for worker in workers_of(run):
            worker.kill()
        said, _ = run.communicate()
        assert run.returncode == 0, said
    study.check(out)
    return "the same run went on"


def hanging_decoder(study: Study, out: Path) -> str:
    """Stop the worker for ever with SIGSTOP, as a decoder that hangs; the time limit ends it."""
    limit = ("--time-limit", "20")
    with study.begun(out, *limit) as run:
        wait_for(lambda: rows(out) >= 1, run)
        for worker in workers_of(run):
            worker.suspend()
        said, _ = run.communicate()
        assert run.returncode == 1, said
    assert b"took over 20 s" in out.read_bytes()
    study.check(out, *limit)
    return "its row said time_limit; the next run completed it"


def random_kills(study: Study, out: Path, kills: int, chance: random.Random) -> str:
    """Kill the whole run again and again: at its start, during a recording, between two.

    A run that ends before it is killed is checked, and another begun from nothing.
    """
    done = studies = 0
    while done < kills:
        place = out.parent / str(studies) / out.name
        with study.begun(place) as run:
            time.sleep(chance.uniform(0, 1.3 * study.first_row_s))
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
                done += 1
                continue
        study.check(place)
        studies += 1
    study.check(out.parent / str(studies) / out.name)
    return f"{done} kills of {studies + 1} runs"


def interrupted(study: Study, out: Path) -> str:
    """Press Ctrl-C."""
    with study.begun(out) as run:
        wait_for(lambda: rows(out) >= 2, run)
        os.killpg(run.pid, signal.SIGINT)
        said, _ = run.communicate()
    assert run.returncode == 130, said
    assert "run the same command again" in " ".join(said.split()), said
    kept = out.read_bytes().count(b"\n") - 1
    assert 2 <= kept < study.recordings
    study.check(out)
    return f"exit code 130, a table of {kept} rows, and a line that says how to go on"


@contextmanager
def disk(place: Path, size: str) -> Iterator[Callable[[str], None]]:
    """Mount a file system in memory; provide a function that mounts it with other options."""
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield lambda options: void(["mount", "-o", f"remount,{options}", str(place)])
    finally:
        void(["umount", "--lazy", str(place)])


def void(command: list[str]) -> None:
    subprocess.run(command, check=True)


def can_mount() -> bool:
    """Return whether a file system in memory can be mounted."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "disk"
        try:
            with disk(place, "64k"):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


def full_disk(study: Study, out: Path) -> str:
    """Let the disk run full in the middle of the run; make room."""
    whole = sum(len(content) for _, content in study.files)
    with disk(out.parent, f"{whole // 2 // 1024}k") as remount:
        stopped = study.run(out)
        assert stopped.returncode == 2, stopped
        assert "No space left on device" in stopped.stderr
        assert "make room or choose another --out" in stopped.stderr
        assert "Traceback" not in stopped.stderr
        kept = rows(out)
        assert 0 < kept < study.recordings
        remount("size=1g")
        study.check(out)
    return f"an error that names the file; {kept} of {study.recordings} kept"


def read_only(study: Study, out: Path) -> str:
    """Mount the disk read-only before the run, then in the middle of it."""
    with disk(out.parent, "1g") as remount:
        (out.parent / "weights").write_bytes(b"discs")  # those of the made-up network
        remount("ro")
        refused = study.run(out)
        assert (refused.returncode, rows(out)) == (2, 0), refused
        assert "cannot be written (Read-only file system)" in refused.stderr
        remount("rw")
        with study.begun(out) as run:
            wait_for(lambda: rows(out) >= 1, run)
            for _ in range(1000):  # a file that is being written keeps the disk writable
                try:
                    remount("ro")
                    break
                except subprocess.CalledProcessError:
                    time.sleep(0.01)
            said, _ = run.communicate()
            assert run.returncode == 2, said
            assert "Read-only file system" in said
        remount("rw")
        study.check(out)
    return "refused before the work; ended in the middle with an error; nothing lost"


def prepared(place: Path, count: int, video: Path | None) -> Study:
    """Return a study analysed without any disturbance."""
    videos = place / "videos"
    videos.mkdir()
    for n in range(count):
        if video:
            shutil.copy(video, videos / f"{n:03}{video.suffix}")
        else:
            write_clip(videos / f"{n:03}.mp4", rate_hz=2 + n / count)
    study = Study(videos, video is not None, count)
    out = place / "whole" / "features.csv"
    begin_s = time.monotonic()
    with study.begun(out) as run:
        wait_for(lambda: rows(out) >= 1, run)
        first_row_s = time.monotonic() - begin_s
        said, _ = run.communicate()
        assert run.returncode == 0, said
    return replace(study, first_row_s=first_row_s, table=out.read_bytes(), files=files_of(out))


def main() -> int:
    """Run all faults; print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=12)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", type=Path, metavar="VIDEO")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    # A shell ignores Ctrl-C in what it runs in the background, and the runs would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        study = prepared(place, given.recordings, given.real)
        faults: dict[str, Callable[[Study, Path], str]] = {
            "worker killed": killed_worker,
            "decoder hangs": hanging_decoder,
            "run killed at random": lambda study, out: random_kills(
                study, out, given.kills, chance
            ),
            "Ctrl-C": interrupted,
        }
        if can_mount():
            faults |= {"full disk": full_disk, "read-only disk": read_only}
        for number, (name, fault) in enumerate(faults.items()):
            begin_s = time.monotonic()
            outcome = fault(study, place / str(number) / "features.csv")
            seconds = time.monotonic() - begin_s
            print(f"{name}: {outcome}; same table and files ({seconds:.0f} s)", flush=True)
        if "full disk" not in faults:
            print("left out, because this user cannot mount a disk: full disk, read-only disk")
    return 0


if __name__ == "__main__":
    sys.exit(main())
