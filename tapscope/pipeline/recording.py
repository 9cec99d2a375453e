"""One recording through all stages: video -> keypoints -> aperture -> taps -> features -> row.

The network's modules are imported in the worker, so that the process that only distributes the
work stays small.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tapscope.pipeline.batch import Analyse
from tapscope.pipeline.cache import RecordingResult, tracking_file
from tapscope.pipeline.measurement import measure
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.tracking import Tracking, read_tracking
from tapscope.pipeline.workers import Report
from tapscope.protocol.protocol import Protocol
from tapscope.records import FrameBatch
from tapscope.video.decoders import Decoder
from tapscope.video.probe import VideoInfo
from tapscope.video.stream import VideoStream
from tapscope.video.stream_summary import StreamSummary

if TYPE_CHECKING:
    from tapscope.network.engine import Engine


@dataclass(frozen=True, slots=True)
class Prepare:
    """Loads the network in a worker process; returns the function that analyses a recording."""

    weights: Path
    protocol: Protocol
    device: str
    threads: int
    """Threads for this worker on a CPU."""
    decoder: Decoder = "auto"

    def __call__(self) -> Analyse:
        """Load the network.

        Raises
        ------
        WeightsError
            The weights cannot be read, or a GPU is asked for and there is none.
        """
        os.environ.setdefault("OMP_NUM_THREADS", str(self.threads))  # read when torch is imported
        from tapscope.network.engine import make_engine  # noqa: PLC0415 - see the module's docstring
        from tapscope.network.weights import read  # noqa: PLC0415

        engine = make_engine(read(self.weights), self.device, self.threads)
        engine.measured  # noqa: B018 - weights without these keypoints fail here, not at every video

        def analyse(recording: Recording, report: Report) -> RecordingResult:
            return analyze_recording(recording, engine, self.protocol, report, self.decoder)

        return analyse


@dataclass(frozen=True, slots=True)
class MeasureAgain:
    """Returns, in a worker process, what measures a recording whose keypoints are known."""

    folder: Path
    """The folder of results."""
    protocol: Protocol

    def __call__(self) -> Analyse:
        """Return the function; no network is loaded."""

        def analyse(recording: Recording, report: Report) -> RecordingResult:
            file = tracking_file(self.folder, recording)
            return measure_again(read_tracking(file, recording.path), recording, self.protocol)

        return analyse


def measure_again(tracking: Tracking, recording: Recording, protocol: Protocol) -> RecordingResult:
    """Measure a recording from the keypoints that an earlier run has left."""
    return measure(
        tracking.keypoints,
        tracking.info,
        tracking.summary,
        recording,
        protocol,
        facts=tracking.facts,
    )


def analyze_recording(
    recording: Recording,
    engine: "Engine",
    protocol: Protocol,
    report: Report,
    decoder: Decoder = "auto",
) -> RecordingResult:
    """Analyse one recording from its video to its row of the table.

    Raises
    ------
    VideoError
        The video cannot be read.
    """
    from tapscope.pose.tracker import track_hand  # noqa: PLC0415 - see the module's docstring

    video = _TwoPasses(recording, decoder, report)
    keypoints = track_hand(
        video.frames,
        engine,
        open_samples=video.frames,
        hand=recording.hand,
        hand_source=recording.hand_source,
    )
    facts = {"engine": engine.name}
    return measure(keypoints, video.info, video.summary, recording, protocol, facts=facts)


class _TwoPasses:
    """Decodes a video once for each pass, and reports half of the frames as done after the first.

    Decoding again costs far less than the network, and keeping the frames would need memory without
    bounds.
    """

    def __init__(self, recording: Recording, decoder: Decoder, report: Report) -> None:
        self._recording = recording
        self._decoder = decoder
        self._report = report
        self._done = 0
        self.info: VideoInfo
        self.summary: StreamSummary
        """Of the last pass."""

    def frames(self, wanted: Callable[[float], bool] | None = None) -> Iterator[FrameBatch]:
        """Yield the video from its beginning; see `VideoStream` for `wanted`."""
        before = self._done
        slow_motion = self._recording.slow_motion or 1.0
        with VideoStream(
            self._recording.path, decoder=self._decoder, slow_motion=slow_motion, wanted=wanted
        ) as stream:
            for batch in stream:
                yield batch
                self._done = before + len(batch) + batch.first_frame
                self._report(self._done // 2, stream.info.header_frames)
            self.info, self.summary = stream.info, stream.summary
            self._done = before + self.summary.decoded_frames
            self._report(self._done // 2, stream.info.header_frames)
