"""Time and memory of `tapscope analyze` over many recordings.

    python -m tests.bench.scale [--recordings N ...] [--real VIDEO] [--jobs N]

The recordings are links to one clip: a second of coloured discs and a tracker of discs, which
measures what tapscope adds to the analysis; or VIDEO and the real network. Each number of
recordings is analysed by a process of its own, then once more: that is the time to find that all
are complete. Memory is the resident memory of the program and, apart, of its largest worker.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import psutil

from tests.tapping import write_clip

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass
class Run:
    """What one run took."""

    seconds: float = 0.0
    program_mib: float = 0.0
    worker_mib: float = 0.0


def analyzed(videos: Path, out: Path, *, real: bool, options: list[str]) -> Run:
    """Analyse a folder."""
    out.parent.mkdir(exist_ok=True)
    program = (
        ["tapscope", "analyze", str(videos), "--out", str(out)]
        if real
        else ["tests.tapping", str(videos), str(out), "0"]
    )
    took, begin_s = Run(), time.perf_counter()
    with psutil.Popen(
        [sys.executable, "-m", *program, "--quiet", *options], cwd=ROOT, stdout=subprocess.DEVNULL
    ) as run:
        while run.poll() is None:
            try:
                took.program_mib = max(took.program_mib, run.memory_info().rss / 2**20)
                for child in run.children(recursive=True):
                    took.worker_mib = max(took.worker_mib, child.memory_info().rss / 2**20)
            except psutil.NoSuchProcess:
                pass  # it ended between two calls
            time.sleep(0.05)
    took.seconds = time.perf_counter() - begin_s
    assert run.returncode in (0, 1), run.returncode
    return took


def main() -> int:
    """Print a line for each number of recordings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--real", type=Path, metavar="VIDEO")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    options, real = ["--jobs", str(given.jobs)], given.real is not None
    runs = []
    print("recordings  seconds  program, MiB  largest worker, MiB  run again, s")
    for count in given.recordings:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            clip = place / f"clip{given.real.suffix if real else '.mp4'}"
            if real:
                shutil.copy(given.real, clip)
            else:
                write_clip(clip, rate_hz=4, stamps_s=[n / 30 for n in range(31)])
            videos = place / "videos"
            videos.mkdir()
            for n in range(count):
                # hard links: tapscope takes symbolic links to one file for one recording
                os.link(clip, videos / f"{n:06}{clip.suffix}")
            out = place / "out" / "features.csv"
            first = analyzed(videos, out, real=real, options=options)
            table = out.read_bytes()
            again = analyzed(videos, out, real=real, options=options)
            assert table.count(b"\n") == count + 1
            assert out.read_bytes() == table
            print(
                f"{count:10} {first.seconds:8.1f} {first.program_mib:13.0f} "
                f"{first.worker_mib:20.0f} {again.seconds:13.1f}",
                flush=True,
            )
            runs.append((count, first.seconds))
    for (few, few_s), (many, many_s) in pairwise(runs):
        each_s = (many_s - few_s) / (many - few)
        print(
            f"from {few} to {many}: {each_s:.3f} s a recording; 10,000 would take "
            f"{few_s:.0f} s + {10_000 - few} x {each_s:.3f} s = "
            f"{(few_s + (10_000 - few) * each_s) / 3600:.2f} h"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
