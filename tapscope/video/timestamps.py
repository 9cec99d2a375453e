"""The frames' presentation times: read from the packets without decoding, and judged."""

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
from tapscope.video.probe import READING_ERRORS, choose_stream, open_container

GAP: Final = 1.5
"""An interval of more than this many usual intervals lacks frames."""
_UNLIKE: Final = 0.1
"""An interval that differs from the usual one by more than this share is another one."""


@dataclass(frozen=True, slots=True)
class PacketIndex:
    """The time stamps of all packets of one video stream."""

    stamps: NDArray[np.int64]
    """Presentation stamps of the frames to be shown, sorted, in units of `time_base_s`."""
    time_base_s: Fraction
    packets: int
    """Number of packets, those hidden by an edit list included."""
    by_order: bool
    """Whether the container has no presentation stamps: the n-th frame takes the n-th stamp."""
    fault: str
    """Why the file cannot be whole, '' where nothing speaks against it."""

    def seconds(self) -> FloatArray:
        """Return the stamps in seconds, the first = 0."""
        return np.asarray((self.stamps - self.stamps[:1]) * float(self.time_base_s), np.float64)

    @property
    def rises(self) -> bool:
        """Whether every frame has a stamp of its own, and there is at least one frame."""
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
    """Judge the intervals between frames.

    A first guess of the usual interval is the mean of those within 10 % of the median; each
    interval is then the nearest whole multiple of it, and the whole time over the sum of these
    multiples is the usual interval. So neither jitter nor the rounding of coarse clocks biases it:
    Matroska stores 30 frames a second as 33, 33, 34 ms, whose median would read 30.3. The rate is
    variable when over 2 % of the intervals are no whole multiple of the
    usual one, or over 10 % of them are gaps (a camera that halves its rate in poor light).

    Parameters
    ----------
    time_s
        Presentation times, seconds, rising strictly; shape (frames,).
    resolution_s
        Tick of the file's clock, seconds; differences up to one tick count for nothing.

    Returns
    -------
    Timing
        NaN and zeros with fewer than two frames.
    """
    times = np.asarray(time_s, np.float64)
    if times.size < 2:
        return Timing(math.nan, False, 0, math.nan, math.nan)
    interval_s = np.diff(times)
    # The lower one of an even number: a value that occurs, so that some interval is near it.
    median_s = float(np.percentile(interval_s, 50, method="lower"))
    tolerance_s = max(_UNLIKE * median_s, 1.01 * resolution_s)
    guess_s = float(interval_s[np.abs(interval_s - median_s) <= tolerance_s].mean())
    multiple = np.maximum(np.rint(interval_s / guess_s), 1)
    usual_s = float((times[-1] - times[0]) / multiple.sum())
    gap = interval_s > GAP * usual_s
    uneven = np.abs(interval_s - multiple * usual_s) > tolerance_s
    return Timing(
        measured_fps=1 / usual_s,
        variable_frame_rate=bool(uneven.mean() > 0.02 or gap.mean() > 0.1),
        dropped_frames=int((multiple[gap] - 1).sum()),
        longest_interval_s=float(interval_s.max()),
        duration_s=float(times[-1] - times[0]) + usual_s,
    )


def index_packets(path: Path) -> PacketIndex:
    """Read all packets' time stamps without decoding, and look for signs that the file was cut.

    Parameters
    ----------
    path
        The video file.

    Returns
    -------
    PacketIndex
        Sorted stamps of the frames to be shown. Frames that an edit list hides are not among them.

    Raises
    ------
    VideoError
        When the file is none that can be read (as `probe` says), or holds no time stamps.
    """
    stamps = array("q")
    packets = incomplete = 0
    end_s = 0.0
    fault = ""
    with open_container(path) as container:
        stream = choose_stream(container, path)
        try:
            # All streams: the sound may well go on after the image has ended.
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
            fault = f"the file breaks off ({error})"
        fault = fault or _sign_of_a_cut(container, stream, packets, incomplete, end_s)
        # Avi counts frames in coding order, which is another order where there are B-frames.
        by_order = container.format.name == "avi" and bool(stream.codec_context.has_b_frames)
        time_base_s = stream.time_base or Fraction(1)
    if packets and not stamps:
        raise VideoError(
            f"{path}: the frames have no time stamps (a raw stream); "
            "put it into mp4 or mkv with its true frame times"
        )
    ordered = np.sort(np.array(stamps, np.int64))
    return PacketIndex(ordered, time_base_s, packets, by_order, fault)


def _sign_of_a_cut(
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    packets: int,
    incomplete: int,
    end_s: float,
) -> str:
    """Return why the file must have lost its end, '' where nothing says so."""
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
