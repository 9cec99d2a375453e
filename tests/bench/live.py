"""How fast `tapscope live` is: marks a second, dropped frames and latency of a guided test.

    python -m tests.bench.live VIDEO [SECONDS]

Loops a video, scaled to 640 x 480 pixels at 30 frames a second, and gives it to
`tapscope live --source ... --realtime --headless` as a camera would. Prints one line, and whether
the features are byte for byte those that `tapscope analyze` finds in the saved file. Exit code 1 if
they are not. SECONDS of tapping are recorded, 60 unless said, and one second of rest on each side.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.video.stream import VideoStream
from tapscope.video.writer import write_clip

RATE_HZ: Final = 30.0
SIZE: Final = (640, 480)
MARGIN_S: Final = 30.0
"""Seconds of the clip beyond the test: for the countdown, and for a machine that starts slowly."""
NAME: Final = "bench"


def looped(video: Path, seconds: float) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield time and image of a video that begins again and again."""
    frame = 0
    while True:
        with VideoStream(video) as stream:
            for batch in stream:
                for image in batch.pixels:
                    if frame / RATE_HZ > seconds:
                        return
                    yield frame / RATE_HZ, cv2.resize(image, SIZE).astype(np.uint8, copy=False)
                    frame += 1


def run(*arguments: str | Path) -> None:
    """Run tapscope; show what it says if it fails.

    A recording of a looped clip may fail its checks (exit code 1): that is none of this bench.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tapscope", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)


def main(video: Path, seconds: float = 60.0) -> int:
    """Measure, print and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        clip, out = Path(folder) / "clip.mp4", Path(folder) / "live"
        write_clip(clip, looped(video, seconds + MARGIN_S))
        options = ["--seconds", f"{seconds:g}", "--out", out, "--name", NAME]
        run("live", "--source", clip, "--realtime", "--headless", *options)
        again = Path(folder) / "again" / "features.csv"
        run("analyze", out / f"{NAME}.mp4", "--out", again, "--quiet")
        record = json.loads((out / f"{NAME}.live.json").read_text())
        is_same = (out / "features.csv").read_bytes() == again.read_bytes()
    live = record["live"]
    print(
        f"{os.cpu_count()} cores, {video.name} looped, {SIZE[0]} x {SIZE[1]}, {RATE_HZ:g} frames/s"
    )
    print(
        f"{live['marked_hz']:.1f} frames/s with marks, {100 * live['dropped_share']:.2f} % of "
        f"{live['frames']} frames dropped, latency {live['latency_median_ms']:.0f} ms (median), "
        f"{live['latency_p95_ms']:.0f} ms (95th percentile)"
    )
    print(f"saved: {record['recorded_frames']} frames, {record['lost_by_the_recorder']} lost")
    print(f"features as of analyze: {'yes' if is_same else 'NO'}")
    return 0 if is_same else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(float, sys.argv[2:])))
