"""Small clips of a tapping hand made of coloured discs, and a tracker that sees those discs.

The tracker stands for a perfect network and needs no torch, so that worker processes start fast.

    python -m tests.tapping FOLDER OUT [SECONDS_A_RECORDING [OPTION...]]

runs `tapscope analyze` on a folder of such clips.
"""

import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tapscope import cli
from tapscope.pipeline import analyze
from tapscope.pipeline.batch import Analyse
from tapscope.pipeline.cache import RecordingResult
from tapscope.pipeline.measurement import measure
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.workers import Report
from tapscope.protocol.protocol import load
from tapscope.records import FloatArray, Keypoints
from tapscope.video.stream import VideoStream

WIDTH, HEIGHT = 160, 120
KEYPOINTS = ("wrist", "thumb_tip", "index_tip", "middle_mcp")
COLOURS = ((0, 200, 0), (220, 0, 0), (0, 0, 220), (220, 220, 0))
HAND_PX = 70.0
WIDEST_PX = 60.0


def keypoints_at(aperture: float) -> FloatArray:
    """Return the four keypoints of an upright hand, its tips `aperture` pixels apart."""
    tips = [(60.0 - aperture / 2, 30.0), (60.0 + aperture / 2, 30.0)]
    return np.array([(60.0, 110.0), *tips, (60.0, 110.0 - HAND_PX)])


def aperture_at(time_s: float, rate_hz: float) -> float:
    """Return the distance of the tips, closed at 0, 1 / rate, ... seconds."""
    return 8.0 + WIDEST_PX * math.sin(math.pi * rate_hz * time_s) ** 2


def paint(aperture: float) -> NDArray[np.uint8]:
    """Draw the four keypoints as discs on black; a closed thumb lies before the index finger."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for colour, (x, y) in zip(COLOURS, keypoints_at(aperture), strict=True):
        image[(columns - x) ** 2 + (rows - y) ** 2 <= 9] = colour
    return image


def write_clip(
    path: Path,
    *,
    rate_hz: float = 2.0,
    stamps_s: Sequence[float] | None = None,
    filmed_fps: float | None = None,
    hand: bool = True,
) -> Path:
    """Write an mp4 of a tapping hand, or of no hand; by default 3.5 s at 30 frames a second.

    With `filmed_fps`, frames show the last picture of a camera that takes so many a second.
    """
    times_s = [n / 30 for n in range(105)] if stamps_s is None else stamps_s
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        video = out.add_stream("libx264", rate=30, options={"crf": "10", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        video.time_base = video.codec_context.time_base = Fraction(1, 15360)
        for time_s in times_s:
            at_s = math.floor(time_s * filmed_fps + 1e-6) / filmed_fps if filmed_fps else time_s
            image = paint(aperture_at(at_s, rate_hz)) if hand else np.zeros_like(paint(0))
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(time_s * 15360), Fraction(1, 15360)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def see(image: NDArray[np.uint8]) -> FloatArray:
    """Return the middle of each disc, NaN where there is none."""
    seen = np.full((len(COLOURS), 2), np.nan)
    for place, colour in zip(seen, COLOURS, strict=True):
        rows, columns = np.nonzero(np.abs(image.astype(int) - colour).max(axis=2) < 60)
        if len(rows) >= 6:
            place[:] = columns.mean(), rows.mean()
    return seen


def track(stream: VideoStream, report: Report) -> Keypoints:
    """Return the key points of the hand of discs."""
    time_s, places = [], []
    for batch in stream:
        time_s += batch.time_s.tolist()
        places += [see(image) for image in batch.pixels]
        report(len(places), stream.info.header_frames)
    position = np.array(places)
    known = np.isfinite(position).all(axis=(1, 2))
    return Keypoints(
        np.array(time_s),
        position,
        np.where(np.isfinite(position[:, :, 0]), 0.9, 0.0),
        np.where(known, "", "no_hand"),
        KEYPOINTS,
        np.full(len(position), 2.0),
        np.full(len(position), np.nan),
        {"hand_choice": "only_hand" if known.any() else "none_seen"},
    )


@dataclass(frozen=True)
class SeeDiscs:
    """Makes an analysis that sees discs; obeys orders in the names of recordings."""

    log: Path | None = None
    """Each recording begun is written here."""
    seconds: float = 0.0
    """Taken by each recording beyond what it needs."""

    def __call__(self) -> Analyse:
        protocol = load()

        def analyse(recording: Recording, report: Report) -> RecordingResult:
            if self.log:
                with self.log.open("a") as log:
                    print(recording.name, file=log)
            time.sleep(60 if "hang" in recording.name else self.seconds)
            if "crash" in recording.name or self._falters(recording):
                os.kill(os.getpid(), signal.SIGKILL)
            if "stumble" in recording.name:
                raise ZeroDivisionError("by accident")
            with VideoStream(recording.path) as stream:
                keypoints = track(stream, report)
            facts = {"engine": "discs"}
            return measure(keypoints, stream.info, stream.summary, recording, protocol, facts=facts)

        return analyse

    def _falters(self, recording: Recording) -> bool:
        """Whether the process shall be killed: at the first attempt only."""
        if not self.log or "falter" not in recording.name:
            return False
        return self.log.read_text().split().count(recording.name) == 1


def main(folder: str, out: str, seconds: str = "0", *options: str) -> None:
    """Run `tapscope analyze` on a folder of discs; used by tests that stop it."""
    weights = Path(out).with_name("weights")
    if not weights.exists():  # the disk may be read-only
        weights.write_bytes(b"discs")
    prepare = SeeDiscs(Path(out).with_name("log"), float(seconds))
    analyze.Prepare = lambda *arguments: prepare  # type: ignore[assignment,misc]
    sys.argv[1:] = ["analyze", folder, "--out", out, "--weights", str(weights), *options]
    cli.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
