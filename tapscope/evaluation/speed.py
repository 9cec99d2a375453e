"""How fast tapscope is on this machine: what `tapscope benchmark speed` does.

Each part is timed alone and beside the others, because figures from two machines, or from two hours
of one machine, cannot be compared; their ratios can.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tapscope.errors import TapscopeError, VideoError
from tapscope.network.engine import Engine
from tapscope.video.stream import VideoStream

_CROPS: Final = 256
"""Crops for one timing of the network."""
_SAMPLE: Final = Path(__file__).resolve().parents[2] / "tests" / "data" / "clinic" / "videos"
_MEDIAPIPE: Final = Path(__file__).with_name("mediapipe_hands.py")


@dataclass(frozen=True, slots=True)
class VideoSpeed:
    """Speeds for one video; frames a second."""

    video: Path
    frames: int
    decode: float
    """Decoding alone."""
    analyze: float
    """The whole analysis in a worker that runs already."""
    mediapipe: float | None
    """Decoding and MediaPipe Hands; None if no Python with MediaPipe was named."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured; of repeated timings the median."""

    videos: Sequence[VideoSpeed]
    engine: str
    """Library, version and device of the network."""
    crop_px: int
    """Side of the crops that the network sees."""
    network: float
    """The network alone, crops a second."""
    command: float
    """The whole command over all videos, start-up included, frames a second."""
    batch: float
    """The same without the start-up, as in a long run."""
    first_row_s: float
    """From the start of the process to the first row on disk, the first video included."""
    start_up_s: float
    """The part of it that does not depend on the video."""
    peak_mib: float | None
    """Largest memory of one process of the analysis; None where the system does not count it."""

    @property
    def mediapipe(self) -> float | None:
        """MediaPipe over all videos, one after another, frames a second; None if it was not run."""
        each_s = [v.frames / v.mediapipe for v in self.videos if v.mediapipe]
        if len(each_s) < len(self.videos):
            return None
        return sum(video.frames for video in self.videos) / sum(each_s)


def sample_videos() -> list[Path]:
    """Return the three clips that come with the source code.

    Raises
    ------
    VideoError
        They are not there, because tapscope was installed without its tests.
    """
    found = sorted(_SAMPLE.glob("*.mp4"))
    if not found:
        raise VideoError(
            f"{_SAMPLE}: the sample recordings are not there, because tapscope was installed "
            "without them; name a video: tapscope benchmark speed VIDEO"
        )
    return found


def measure_speed(
    videos: Sequence[Path],
    engine: Engine,
    *,
    options: Sequence[str] = (),
    mediapipe: Path | None = None,
    repeats: int = 3,
    report: Callable[[str], None] = lambda what: None,
) -> Speed:
    """Time decoding, network, whole job and start-up.

    Parameters
    ----------
    videos
        Video files.
    engine
        The network to time.
    options
        Options of `tapscope analyze`, such as its weights.
    mediapipe
        A Python with MediaPipe, to time beside.
    repeats
        How often everything is timed, in turns.
    report
        Called with what is timed next.

    Raises
    ------
    VideoError
        A video cannot be read.
    TapscopeError
        The analysis or MediaPipe cannot run.
    """
    crops = _crops(videos[0], engine)
    rounds = []
    for number in range(1, repeats + 1):
        report(f"round {number} of {repeats}: decoding")
        decoded = [_decode(video) for video in videos]
        report(f"round {number} of {repeats}: network")
        network = _network(engine, crops)
        report(f"round {number} of {repeats}: analysis")
        job = _analyze(videos, options)
        hands: list[float] = []
        if mediapipe is not None:
            report(f"round {number} of {repeats}: MediaPipe")
            hands = [_mediapipe(mediapipe, video) for video in videos]
        rounds.append((decoded, network, job, hands))
    frames = [count for count, _ in rounds[0][0]]
    return Speed(
        videos=[
            VideoSpeed(
                video,
                frames[n],
                decode=median(frames[n] / decoded[n][1] for decoded, _, _, _ in rounds),
                analyze=median(frames[n] / job.worker_s[n] for _, _, job, _ in rounds),
                mediapipe=median(hands[n] for *_, hands in rounds) if mediapipe else None,
            )
            for n, video in enumerate(videos)
        ],
        engine=engine.name,
        crop_px=engine.card.input_size_px,
        network=median(network for _, network, _, _ in rounds),
        command=median(sum(frames) / job.command_s for _, _, job, _ in rounds),
        batch=median(sum(frames) / (job.command_s - job.start_up_s) for _, _, job, _ in rounds),
        first_row_s=median(job.first_row_s for _, _, job, _ in rounds),
        start_up_s=median(job.start_up_s for _, _, job, _ in rounds),
        peak_mib=rounds[0][2].peak_mib,
    )


def _decode(video: Path) -> tuple[int, float]:
    """Return the number of frames and the seconds that decoding took."""
    begin_s = time.perf_counter()
    with VideoStream(video) as stream:
        frames = sum(len(batch) for batch in stream)
    if not frames:
        raise VideoError(f"{video}: holds no frame; give another video")
    return frames, time.perf_counter() - begin_s


def _crops(video: Path, engine: Engine) -> NDArray[np.uint8]:
    """Return the middle of a video's first frames, repeated to `_CROPS`; shape (n, px, px, 3)."""
    side = engine.card.input_size_px
    crops = []
    with VideoStream(video) as stream:
        for batch in islice(stream, 1):
            for image in batch.pixels:
                padded = np.zeros((side, side, 3), np.uint8)
                top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
                middle = image[top : top + side, left : left + side]
                padded[: middle.shape[0], : middle.shape[1]] = middle
                crops.append(padded)
    if not crops:
        raise VideoError(f"{video}: holds no frame; give another video")
    return np.stack([crops[n % len(crops)] for n in range(_CROPS)])


def _network(engine: Engine, crops: NDArray[np.uint8]) -> float:
    """Return crops a second of the network and the search for its peaks."""
    parts = [crops[n : n + engine.batch_size] for n in range(0, len(crops), engine.batch_size)]
    engine.keypoints(parts[0])  # compiles the network for this size
    begin_s = time.perf_counter()
    for part in parts:
        engine.keypoints(part)
    return len(crops) / (time.perf_counter() - begin_s)


@dataclass(frozen=True, slots=True)
class _Job:
    """Timing of one run of `tapscope analyze`."""

    command_s: float
    first_row_s: float
    worker_s: Sequence[float]
    """Time of each video in the worker, in the order given."""
    peak_mib: float | None

    @property
    def start_up_s(self) -> float:
        """Return what of the time does not depend on the videos."""
        return self.first_row_s - self.worker_s[0]


def _analyze(videos: Sequence[Path], options: Sequence[str]) -> _Job:
    with _folder() as place:
        names = [f"{n:06}{video.suffix or '.mp4'}" for n, video in enumerate(videos)]
        for name, video in zip(names, videos, strict=True):
            shutil.copy(video, place / name)
        out = place / "features.csv"
        command = [sys.executable, "-m", "tapscope", "analyze", str(place), "--out", str(out),
                   "--quiet", *options]  # fmt: skip
        begin_s = time.perf_counter()
        first_row = out.with_suffix(".tapscope") / "000000.row.json"
        first_row_s = None
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
            has_ended = False
            while not has_ended:
                has_ended = run.poll() is not None
                if first_row_s is None and first_row.exists():
                    first_row_s = time.perf_counter() - begin_s
                time.sleep(0.002)
            command_s = time.perf_counter() - begin_s
            if run.returncode not in (0, 1) or first_row_s is None:
                said = run.stderr.read() if run.stderr else ""
                raise TapscopeError(f"tapscope analyze could not run: {said.strip()}")
        record = json.loads((out.with_suffix(".tapscope") / "run.json").read_bytes())
        worker_s = [float(each["seconds"]) for each in record["recordings"]]
        return _Job(command_s, first_row_s, worker_s, _peak_mib())


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tapscope-") as folder:
        yield Path(folder)


def _peak_mib() -> float | None:
    """Return the largest memory of any process that this one has started and that has ended."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _mediapipe(python: Path, video: Path) -> float:
    """Return frames a second of decoding and MediaPipe Hands."""
    try:
        run = subprocess.run(
            [python, _MEDIAPIPE, video], capture_output=True, text=True, check=False
        )
    except OSError as problem:
        raise TapscopeError(
            f"{python}: cannot be run ({problem.strerror}); give the path of a Python, such as "
            "venv/bin/python"
        ) from problem
    numbers: list[Any] = run.stdout.split()
    if run.returncode or len(numbers) != 2 or numbers[0] == "0":
        said = (run.stderr.strip().splitlines() or ["it decoded no frame"])[-1]
        raise TapscopeError(
            f"{python}: MediaPipe Hands did not run on {video} ({said}); give a Python with "
            "mediapipe==0.10.14"
        )
    return int(numbers[0]) / float(numbers[1])
