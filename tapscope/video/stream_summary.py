"""What is found while a video is decoded: how many frames, when, and what is wrong with them."""

import math
from array import array
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from tapscope.video.decoders import DecodingReport
from tapscope.video.repeats import find_repeats
from tapscope.video.timestamps import PacketIndex, Timing, measure_timing


@dataclass(frozen=True, slots=True)
class StreamSummary(Timing):
    """What was found while decoding a whole video: its timing and its faults.

    `measured_fps` counts new pictures, not frames that repeat one.
    """

    decoded_frames: int
    decoder: str
    """'decord', or 'pyav' if it decoded the video or its last part."""
    decoder_reason: str
    """Why decord did not decode all of it; '' if it did or was not asked to."""
    truncated: bool
    """Whether the end of the recording is missing."""
    truncated_reason: str
    damaged_packets: int
    """Packets that could not be decoded; frames up to the next key frame are left out too."""
    duplicate_frames: int
    """Frames that repeat the picture before (see `repeats`), or its stamp."""
    repeated_stamps: int
    """Those of them that were left out because they have the stamp of the frame before."""
    backward_frames: int
    """Frames left out because their stamp is earlier than that of a frame before."""
    first_pts_s: float
    """Presentation time of the first decoded frame as stored, seconds."""
    shown_fps: float
    """One over the usual interval of frames, repeats included, Hz; NaN with fewer than two."""
    repeats: tuple[int, ...] = ()
    """Numbers of the decoded frames that repeat the picture before."""


@dataclass
class Tally:
    """What is counted while the frames are read."""

    resolution_s: float
    slow_motion: float = 1.0
    truncated_reason: str = ""
    decoding: DecodingReport = field(default_factory=DecodingReport)
    repeated_stamps: int = 0
    backward_frames: int = 0
    stamps_s: "array[float]" = field(default_factory=lambda: array("d"))
    changes: "array[float]" = field(default_factory=lambda: array("d"))
    """By how much each frame differs from the one before, grey levels; 0 in nothing."""

    def note_lost_end(self, index: PacketIndex) -> None:
        """Note a truncation if damage has removed the last frames that the packets announce."""
        missing_s = float(index.stamps[-1] * index.time_base_s) - self.stamps_s[-1]
        if (
            self.decoding.damaged_packets
            and missing_s > self.resolution_s
            and not self.truncated_reason
        ):
            self.truncated_reason = f"the last {missing_s:.2f} s could not be decoded"

    def time_s(self, frame: int) -> float:
        """Return the presentation time of a frame, seconds; 0 for the first."""
        return (self.stamps_s[frame] - self.stamps_s[0]) / self.slow_motion

    def summary(self) -> StreamSummary:
        """Return what was found, once all frames have been read."""
        stamps_s = np.array(self.stamps_s, np.float64)
        shown_s = stamps_s - stamps_s[:1]
        found = find_repeats(shown_s, np.array(self.changes, np.float64))
        timing = measure_timing(shown_s / self.slow_motion, self.resolution_s / self.slow_motion)
        repeats = np.flatnonzero(found.is_repeat).tolist()
        return StreamSummary(
            **asdict(replace(timing, measured_fps=timing.measured_fps * found.new_share)),
            shown_fps=timing.measured_fps,
            repeats=tuple(repeats),
            decoded_frames=len(self.stamps_s),
            decoder=self.decoding.decoder,
            decoder_reason=self.decoding.decoder_reason,
            truncated=bool(self.truncated_reason),
            truncated_reason=self.truncated_reason,
            damaged_packets=self.decoding.damaged_packets,
            duplicate_frames=len(repeats) + self.repeated_stamps,
            repeated_stamps=self.repeated_stamps,
            backward_frames=self.backward_frames,
            first_pts_s=self.stamps_s[0] if self.stamps_s else math.nan,
        )
