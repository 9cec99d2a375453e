"""What new weights change in the features of recordings: what `tapscope train --try-on` does.

A network can place the tips of held-out frames better and yet measure a recording worse: a tap is
lost where the hand is lost for a moment. So the same recordings are analysed with both weights.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tapscope.errors import OutputError, VideoError, WeightsError
from tapscope.evaluation.learned_from import Relation, Sources, read_sources
from tapscope.files import bundled_folder
from tapscope.hand import Measured
from tapscope.network.weights import read_card
from tapscope.output.checks import check_file, check_folder
from tapscope.output.table import cell_text, csv_bytes, rounded, write_result
from tapscope.pipeline.analyze import Options, analyze_videos
from tapscope.pipeline.batch import ProgressListener
from tapscope.pipeline.recordings import find_recordings
from tapscope.pipeline.result_reader import VideoRow, VideoTable, read_features, read_tips

MAX_RATE_CHANGE_HZ: Final = 0.1
"""A rate that moves by more gets a warning."""
FEATURES: Final = (
    "tapping_rate_hz",
    "amplitude_median",
    "inter_tap_interval_cv",
    "tap_count",
    "tracked_frames_pct",
)
MEAN_CONFIDENCE: Final = "mean_confidence"
"""Mean over all frames of the confidence of the less sure tip; 0 in a frame without hand."""
_COMPARED: Final = ("status", "reason", "unit", *FEATURES, MEAN_CONFIDENCE)


@dataclass(frozen=True, slots=True)
class RowOfWeights:
    """What one set of weights gives for a recording."""

    status: str
    reason: str
    unit: str
    """Of the amplitude."""
    numbers: Mapping[str, float]
    """`FEATURES` and `MEAN_CONFIDENCE`, NaN unknown."""


@dataclass(frozen=True, slots=True)
class RecordingChange:
    """A recording before and after a training."""

    recording: str
    relation: Relation
    before: RowOfWeights
    after: RowOfWeights

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what may be worse than before, in words."""
        found = []
        before, after = self.before, self.after
        if before.status == "ok" and after.status != "ok":
            found.append(f"was ok, is now {after.status}: {after.reason}")
        by_hz = after.numbers["tapping_rate_hz"] - before.numbers["tapping_rate_hz"]
        # Cells hold six digits: a difference of exactly 0.1 must not be over it by rounding.
        if abs(by_hz) > MAX_RATE_CHANGE_HZ + 1e-9:
            found.append(f"the rate moved by {by_hz:+.2f} Hz")
        elif math.isnan(by_hz) and math.isfinite(before.numbers["tapping_rate_hz"]):
            found.append("the rate is no longer known")
        if "" not in (before.unit, after.unit) and before.unit != after.unit:
            found.append(f"amplitudes are in {after.unit} now, not in {before.unit}")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """The comparison, and where it was written."""

    rows: tuple[RecordingChange, ...]
    path: Path
    tables: tuple[Path, Path]
    """The tables of the analyses before and after."""
    sources: Sources
    earlier: tuple[str, ...] = ()
    """Folders that weights of one's own had learned from before; nobody knows their recordings."""


def tables_of(out: Path) -> tuple[Path, Path]:
    """Return the tables of both analyses for weights that are written to `out`."""
    folder = out.with_suffix(".try-on")
    return folder / "before.csv", folder / "after.csv"


def check_try_on(videos: Sequence[Path], init: Path, out: Path) -> None:
    """Check before a long training that the recordings can be analysed after it.

    Raises
    ------
    VideoError
        There is no such recording.
    WeightsError
        The weights to start from cannot follow a hand.
    OutputError
        The results cannot be written, or the training would replace the weights to compare with.
    """
    if out.exists() and out.samefile(init):
        raise OutputError(
            f"{out}: --try-on compares with the weights of --init, which would be replaced; give "
            "another --out"
        )
    check_file(_comparison_path(out))
    check_folder(tables_of(out)[0].parent)
    if not find_recordings(videos):
        raise VideoError(f"{', '.join(map(str, videos))}: no video found; check --try-on")
    try:
        Measured.among(read_card(init).keypoints)
    except ValueError as problem:
        raise WeightsError(
            f"{init}: cannot follow a hand in a recording, because it does not place {problem}; "
            "leave --try-on out"
        ) from problem


def try_on(
    videos: Sequence[Path],
    folders: Sequence[Path],
    init: Path,
    out: Path,
    *,
    device: str,
    listener: ProgressListener,
    command: Sequence[str],
) -> BeforeAfter:
    """Analyse recordings with old and new weights; write and return what changed.

    Parameters
    ----------
    videos
        Recordings, and folders of some.
    folders
        Folders of labelled frames that were trained on.
    init, out
        The weights before and after.
    device
        "auto", "cpu" or "cuda".
    listener
        Receives the progress of both analyses.
    command
        The command line, for the record.

    Raises
    ------
    KeyboardInterrupt
        An analysis was interrupted; what is finished is kept.
    TapscopeError
        The recordings cannot be analysed or the comparison cannot be written.
    """
    tables = tables_of(out)
    for table, weights in zip(tables, (init, out), strict=True):
        options = Options(tuple(videos), table, weights=weights, device=device)
        if analyze_videos(options, listener, command).interrupted:
            raise KeyboardInterrupt
    sources = read_sources(folders)
    before, after = map(read_features, tables)
    by_name = {row.recording: row for row in after.rows}
    rows = tuple(
        RecordingChange(
            row.recording,
            sources.relation(row.recording, row.participant_id),
            _row_of_weights(before, row),
            _row_of_weights(after, by_name[row.recording]),
        )
        for row in before.rows
        if row.recording in by_name
    )
    path = _comparison_path(out)
    write_result(path, comparison_csv(rows))
    return BeforeAfter(rows, path, tables, sources, _learned_before(init))


def comparison_csv(rows: Sequence[RecordingChange]) -> bytes:
    """Return the comparison as CSV, a line a recording."""
    columns = [f"{name}_{when}" for name in _COMPARED for when in ("before", "after")]
    lines = [
        [
            row.recording,
            row.relation,
            *(_cell(each, name) for name in _COMPARED for each in (row.before, row.after)),
            "; ".join(row.warnings),
        ]
        for row in rows
    ]
    return csv_bytes(["recording", "relation", *columns, "warnings"], lines)


def _learned_before(init: Path) -> tuple[str, ...]:
    """Return the folders that weights had learned from; () for those that come with tapscope."""
    if init.resolve().parent == bundled_folder("weights").resolve():
        return ()
    return tuple(source.name for source in read_card(init).trained_on)


def _comparison_path(out: Path) -> Path:
    return out.with_suffix(".try-on.csv")


def _cell(row: RowOfWeights, name: str) -> str:
    if name in row.numbers:
        return cell_text(rounded(row.numbers[name]))
    return str(getattr(row, name))


def _row_of_weights(table: VideoTable, row: VideoRow) -> RowOfWeights:
    numbers = {name: row.number(name) for name in FEATURES}
    numbers[MEAN_CONFIDENCE] = _mean_confidence(table.file(row, ".tracks.csv"))
    return RowOfWeights(row.status, row.reason, row.cells.get("unit", ""), numbers)


def _mean_confidence(tracks: Path) -> float:
    """See `MEAN_CONFIDENCE`; NaN for a recording that could not be read."""
    if not tracks.is_file():
        return math.nan
    confidence = read_tips(tracks).confidence
    return float(np.nan_to_num(confidence).min(axis=1).mean()) if len(confidence) else math.nan
