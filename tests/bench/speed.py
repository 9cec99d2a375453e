"""Frames a second of `tapscope analyze`, beside decoding alone and MediaPipe Hands.

    python -m tests.bench.speed VIDEO [--weights FILE] [--recordings N] [--mediapipe PYTHON]

Times one recording: the time that the worker takes, and the whole command with its start-up. The
first recording of a run also compiles the network for its image sizes, so the median over N
copies in one run is given, too. Beside it decoding of the same file alone and, where PYTHON is
given (that of an environment with mediapipe==0.10.14 and av), MediaPipe Hands in tracking mode on
the same file. Last the peak memory of the command and its worker over 1 and over N copies.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tapscope.video.stream import VideoStream


def decoding(video: Path) -> tuple[int, float]:
    """Return frames, and frames a second of decoding alone."""
    begun_s = time.perf_counter()
    with VideoStream(video) as stream:
        frames = sum(len(batch) for batch in stream)
    return frames, frames / (time.perf_counter() - begun_s)


def mediapipe_hands(python: str, video: Path) -> float:
    """Return frames a second of MediaPipe Hands in tracking mode, decoding included."""
    script = Path(__file__).with_name("mediapipe_hands.py")
    run = subprocess.run(
        [python, str(script), str(video)], check=True, stdout=subprocess.PIPE, text=True
    )
    return float(run.stdout.split()[-1])


def analyzing(folder: Path, out: Path, options: list[str]) -> tuple[float, float]:
    """Analyse a folder; return seconds of the whole command and its peak memory in MiB."""
    command = [sys.executable, "-m", "tapscope", "analyze", str(folder), "--out", str(out)]
    begun_s, peak = time.perf_counter(), 0
    with psutil.Popen([*command, "--quiet", *options]) as run:
        while run.poll() is None:
            peak = max(peak, resident_bytes(run))
            time.sleep(0.05)
    return time.perf_counter() - begun_s, peak / 2**20


def worked(kept: Path) -> list[float]:
    """Return the seconds that the worker took for each recording."""
    record = json.loads((kept / "run.json").read_text())
    return [row["seconds"] for row in record["recordings"]]


def resident_bytes(run: psutil.Process) -> int:
    try:
        members = [run, *run.children(recursive=True)]
        return sum(member.memory_info().rss for member in members)
    except psutil.NoSuchProcess:
        return 0  # it ended between the two calls


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--weights")
    parser.add_argument("--recordings", type=int, default=20)
    parser.add_argument("--mediapipe", metavar="PYTHON")
    given = parser.parse_args()
    options = ["--weights", given.weights] if given.weights else []
    place = Path(tempfile.mkdtemp())
    for count in (1, given.recordings):
        (place / str(count)).mkdir()
        for n in range(count):
            shutil.copy(given.video, place / str(count) / f"{n}{given.video.suffix}")

    frames, alone = decoding(given.video)
    print(f"{frames} frames of {given.video.name}")
    print(f"decoding alone          {alone:7.1f} frames/s")
    seconds, peak_one = analyzing(place / "1", place / "one.csv", options)
    (worked_s,) = worked(place / "one.tapscope")
    print(f"tapscope analyze        {frames / worked_s:7.1f} frames/s")
    print(f"  with start-up         {frames / seconds:7.1f} frames/s ({seconds:.1f} s in all)")
    if given.mediapipe:
        print(
            f"MediaPipe Hands         {mediapipe_hands(given.mediapipe, given.video):7.1f} frames/s"
        )
    _, peak_many = analyzing(place / str(given.recordings), place / "many.csv", options)
    later_s = statistics.median(worked(place / "many.tapscope"))
    print(f"median of {given.recordings} recordings {frames / later_s:7.1f} frames/s")
    print(f"peak memory, 1 recording    {peak_one:7.0f} MiB")
    print(f"peak memory, {given.recordings} recordings  {peak_many:7.0f} MiB")
    shutil.rmtree(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
