"""Presentation times of the frames, read from the packets without decoding, and frame rates."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import av.container
import av.video.stream
import numpy as np
from numpy.typing import NDArray

from tapscope.errors import VideoError
from tapscope.records import FloatArray
from tapscope.video.probe import READING_ERRORS, open_video, reason

MAX_INTERVAL: Final = 1.5
"""Frames are missing from an interval longer than this many usual intervals."""
_INTERVAL_TOLERANCE: Final = 0.1
"""Intervals may differ from a multiple of the usual one by this share of it."""


@dataclass(frozen=True, slots=True)
class PacketIndex:
    """The time stamps of all packets of one video stream."""

    stamps: NDArray[np.int64]
    """Presentation stamps of the displayed frames, sorted, in units of `time_base_s`."""
    time_base_s: Fraction
    packets: int
    """Number of packets, including those hidden by an edit list."""
    by_order: bool
    """Whether the container lacks presentation stamps; the n-th frame then takes the n-th stamp."""
    fault: str
    """Why the file must be incomplete; '' if nothing shows that it is."""

    def seconds(self) -> FloatArray:
        """Return the stamps in seconds, the first = 0."""
        return np.asarray((self.stamps - self.stamps[:1]) * float(self.time_base_s), np.float64)

    @property
    def rises(self) -> bool:
        """Whether there are frames and no two have the same stamp."""
        return self.stamps.size > 0 and bool((np.diff(self.stamps) > 0).all())


@dataclass(frozen=True, slots=True)
class Timing:
    """How evenly the frames of a recording follow one another."""

    measured_fps: float
    """One over the usual interval, Hz; NaN with fewer than two frames."""
    variable_frame_rate: bool
    dropped_frames: int
    """Frames missing from gaps of more than 1.5 usual intervals."""
    longest_interval_s: float
    """Seconds; NaN with fewer than two frames."""
    duration_s: float
    """From the first frame to the end of the last, seconds; NaN with fewer than two frames."""


def measure_timing(time_s: Sequence[float] | FloatArray, resolution_s: float = 0.0) -> Timing:
    """Measure the frame rate and how evenly the frames follow one another.

    A first estimate of the usual interval is the mean of those within 10 % of the median. Each
    interval is then rounded to a whole multiple of it. The usual interval is the total time divided
    by the sum of these multiples. Neither jitter nor the rounding of coarse clocks biases it:
    Matroska stores 30 frames per second as 33, 33, 34 ms, whose median gives 30.3. The rate is
    variable if over 2 % of the intervals are no whole multiple of the usual one, or if over 10 % of
    them are gaps (a camera that halves its rate in poor light).

    Parameters
    ----------
    time_s
        Presentation times, seconds, rising strictly; shape (frames,).
    resolution_s
        Tick of the file's clock, seconds; differences up to one tick are ignored.

    Returns
    -------
    Timing
        NaN and zeros with fewer than two frames.
    """
    times = np.asarray(time_s, np.float64)
    if times.size < 2:
        return Timing(math.nan, False, 0, math.nan, math.nan)
    interval_s = np.diff(times)
    # Not the mean of the two middle values: the lower one occurs, so that some interval is near it.
    median_s = float(np.percentile(interval_s, 50, method="lower"))
    tolerance_s = max(_INTERVAL_TOLERANCE * median_s, 1.01 * resolution_s)
    guess_s = float(interval_s[np.abs(interval_s - median_s) <= tolerance_s].mean())
    multiple = np.maximum(np.rint(interval_s / guess_s), 1)
    usual_s = float((times[-1] - times[0]) / multiple.sum())
    gap = interval_s > MAX_INTERVAL * usual_s
    uneven = np.abs(interval_s - multiple * usual_s) > tolerance_s
    return Timing(
        measured_fps=1 / usual_s,
        variable_frame_rate=bool(uneven.mean() > 0.02 or gap.mean() > 0.1),
        dropped_frames=int((multiple[gap] - 1).sum()),
        longest_interval_s=float(interval_s.max()),
        duration_s=float(times[-1] - times[0]) + usual_s,
    )


def index_packets(path: Path) -> PacketIndex:
    """Read the time stamps of all packets without decoding; look for signs that the file was cut.

    Parameters
    ----------
    path
        The video file.

    Returns
    -------
    PacketIndex
        Sorted stamps of the displayed frames, without those that an edit list hides.

    Raises
    ------
    VideoError
        The file cannot be read (see `probe`), or has no time stamps.
    """
    stamps = array("q")
    packets = incomplete = 0
    end_s = 0.0
    fault = ""
    with open_video(path) as (container, stream):
        try:
            # All streams, because the sound may last longer than the image.
            for packet in container.demux():
                if packet.pts is not None and packet.time_base:
                    ticks = packet.pts + (packet.duration or 0)
                    end_s = max(end_s, float(ticks * packet.time_base))
                if packet.stream_index != stream.index or not packet.size:
                    continue
                packets += 1
                incomplete += packet.is_corrupt
                if packet.pts is not None and not packet.is_discard:
                    stamps.append(packet.pts)
        except READING_ERRORS as error:
            fault = f"the file breaks off ({reason(error)})"
        fault = fault or _truncation_sign(container, stream, packets, incomplete, end_s)
        # AVI counts frames in coding order, which differs from display order if there are B-frames.
        by_order = container.format.name == "avi" and bool(stream.codec_context.has_b_frames)
        time_base_s = stream.time_base or Fraction(1)
    if packets and not stamps:
        raise VideoError(
            f"{path}: the frames have no time stamps (a raw stream); "
            "put it into mp4 or mkv with its true frame times"
        )
    ordered = np.sort(np.array(stamps, np.int64))
    return PacketIndex(ordered, time_base_s, packets, by_order, fault)


def _truncation_sign(
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    packets: int,
    incomplete: int,
    end_s: float,
) -> str:
    """Return why the file must have lost its end; '' if nothing shows that it has."""
    if stream.frames - packets > 1:  # avi headers may count one more
        return f"the header announces {stream.frames} frames, the file holds {packets}"
    if incomplete:
        return f"{incomplete} of {packets} packets are incomplete"
    # Matroska has no frame count but a measured duration; others only estimate theirs.
    if "matroska" in container.format.name and container.duration is not None:
        header_s = container.duration / av.time_base
        if header_s - end_s > max(0.5, 0.02 * header_s):
            return f"the header announces {header_s:.1f} s, the file holds {end_s:.1f} s"
    return ""
