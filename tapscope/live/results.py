"""What comes of a test: the saved video measured like any other, and the record of the session."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tapscope.live.recorder import Recording
from tapscope.live.source import FrameSource
from tapscope.live.timing import LiveTiming
from tapscope.output.table import Cell, json_bytes, write_result
from tapscope.pipeline.batch import BatchResult

TABLE: Final = "features.csv"
"""Name of the table in the folder of the recordings."""
SHOWN: Final = (
    "status",
    "reason",
    "tap_count",
    "tapping_rate_hz",
    "amplitude_median",
    "inter_tap_interval_cv",
    "amplitude_decrement_ratio",
    "hesitation_count",
    "halt_count",
    "tracked_frames_pct",
)
"""Columns of the table that the page shows."""

Analyse = Callable[[Path], BatchResult]
"""Runs `tapscope analyze` on a folder of recordings; its table is `TABLE` in it."""


@dataclass(frozen=True, slots=True)
class MeasuredTest:
    """A recorded test and what was measured."""

    recording: Recording
    timing: LiveTiming
    """Of the frames of the recording."""
    batch: BatchResult

    @property
    def table(self) -> Path:
        """The table that was written."""
        return self.recording.path.parent / TABLE

    @property
    def cells(self) -> Mapping[str, Cell]:
        """The row of the recording; empty if the analysis was interrupted."""
        cached = self.batch.results.get(self.recording.path.stem)
        return cached.cells if cached else {}


def how_to_measure(path: Path) -> str:
    """Return the command that measures a recording that was kept."""
    return f"tapscope analyze {path.parent} --no-recursive --out {path.parent / TABLE}"


def write_record(
    recording: Recording, timing: LiveTiming, source: FrameSource, *, complete: bool
) -> Path:
    """Write how a recording was made: NAME.live.json beside the video.

    Parameters
    ----------
    recording
        What was recorded.
    timing
        Of its frames.
    source
        Where they came from.
    complete
        Whether the test came to its end.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    path = recording.path.with_suffix(".live.json")
    figures = {
        **asdict(timing),
        "dropped": timing.dropped,
        "dropped_share": timing.dropped_share,
        "marked_hz": timing.marked_hz,
    }
    record = {
        "source": Path(source.name).name,  # a name, because folders may name people
        "complete": complete,
        "recorded_frames": len(recording.time_s),
        "lost_by_the_recorder": recording.lost,
        "is_live": source.is_live,
        # what is read as fast as possible has no latency to speak of
        "live": {n: None if math.isnan(v) else v for n, v in figures.items()}
        if source.is_live
        else None,
        "time_s": recording.time_s,
    }
    write_result(path, json_bytes(record))
    return path


def summary_line(recording: Recording, timing: LiveTiming, *, is_live: bool) -> str:
    """Return what the session was like, in one line.

    Parameters
    ----------
    recording, timing
        The test and the timing of its frames.
    is_live
        Whether its frames came at their own time; else there is no latency to speak of.
    """
    lost = f", {recording.lost} frames lost by the recorder" if recording.lost else ""
    saved = (
        f"{recording.path}: {len(recording.time_s)} frames in {recording.duration_s:.2f} s{lost}"
    )
    if not is_live:
        return f"{saved}; every frame was looked at, however long it took"
    return (
        f"{saved}; live {timing.marked_hz:.1f} frames/s, "
        f"{timing.dropped} of {timing.frames} dropped "
        f"({100 * timing.dropped_share:.1f} %), latency {timing.latency_median_ms:.0f} ms "
        f"(median), {timing.latency_p95_ms:.0f} ms (95th percentile)"
    )
