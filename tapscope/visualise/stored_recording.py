"""What `analyze` stored about a recording, to be drawn on its images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from tapscope.errors import ResultsError, VideoError
from tapscope.files import read_json, sha256_of
from tapscope.hand import TIPS
from tapscope.network.crop import CropBox
from tapscope.pipeline.recordings import find_recordings
from tapscope.pipeline.result_reader import (
    APERTURE_COLUMNS,
    VideoRow,
    VideoTable,
    read_columns,
    read_taps,
)
from tapscope.records import FloatArray, Taps
from tapscope.visualise.privacy import MIN_CONFIDENCE, HandShape

_LEAST_APERTURE: Final = 0.1
"""In hand lengths: smaller apertures say too little about the length of the hand."""
_CROP_OVER_HAND: Final = 1.45
"""Side of the crop over the largest extent of the hand."""
_LARGE_EXTENT_PCT: Final = 95
"""Of many extents, the largest are mistakes."""
_LEAST_KNOWN: Final = 4
"""Keypoints that must be sure for the place of the hand."""
_STEADY_S: Final = 0.3
"""Standard deviation of the Gaussian that smooths the path of the crop."""


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """Keypoints, aperture and taps of a recording; arrays have a row for each new picture."""

    name: str
    frames: NDArray[np.int64]
    """Numbers among all decoded frames, rising; shape (pictures,)."""
    time_s: FloatArray
    """True times, shape (pictures,)."""
    names: tuple[str, ...]
    """Of the keypoints."""
    position_px: FloatArray
    """As the network saw them, shape (pictures, keypoints, 2), NaN unknown."""
    confidence: FloatArray
    """Shape (pictures, keypoints)."""
    tips_px: FloatArray
    """Thumb tip and index tip as they are measured, shape (pictures, 2, 2), NaN unknown."""
    aperture: FloatArray
    """In `unit`, NaN where it is unknown, shape (pictures,)."""
    unit: str
    length_px: FloatArray
    """Length of the hand, NaN unknown, shape (pictures,)."""
    taps: Taps
    task_s: tuple[float, float] | None
    """Start and end of the task; None where nothing taps."""

    def row_of_frame(self, frame: int) -> int:
        """Return the picture that a frame shows: its own, or the one that it repeats."""
        return max(0, int(np.searchsorted(self.frames, frame, "right")) - 1)

    def hand(self, row: int) -> HandShape:
        """Return the hand in a picture."""
        return HandShape(
            self.names, self.position_px[row], self.confidence[row], float(self.length_px[row])
        )

    @property
    def usual_length_px(self) -> float:
        """Median length of the hand, NaN unknown."""
        known = self.length_px[np.isfinite(self.length_px)]
        return float(np.median(known)) if len(known) else float("nan")

    @property
    def closure_s(self) -> FloatArray:
        """Every closure of the taps, rising."""
        return np.unique(np.concatenate([self.taps.closure_s, self.taps.next_closure_s]))

    def crops(self) -> list[CropBox] | None:
        """Return a crop about the hand for each picture, of one size, on a smooth path.

        None where the hand is never seen. While it is away, the crop goes on to where it is seen
        next.
        """
        sure = (self.confidence >= MIN_CONFIDENCE) & np.isfinite(self.position_px).all(axis=2)
        seen = np.flatnonzero(sure.sum(axis=1) >= _LEAST_KNOWN)
        if not len(seen):
            return None
        known = np.where(sure[seen][:, :, None], self.position_px[seen], np.nan)
        low, high = np.nanmin(known, axis=1), np.nanmax(known, axis=1)
        extent = float(np.percentile((high - low).max(axis=1), _LARGE_EXTENT_PCT))
        step_s = float(np.median(np.diff(self.time_s))) if len(self.time_s) > 1 else 1.0
        path = [
            gaussian_filter1d(
                np.interp(self.time_s, self.time_s[seen], values),
                _STEADY_S / step_s,
                mode="nearest",
            )
            for values in ((low + high) / 2).T
        ]
        return [
            CropBox(x, y, _CROP_OVER_HAND * max(extent, 1.0))
            for x, y in zip(*(values.tolist() for values in path), strict=True)
        ]


def read_stored(table: VideoTable, row: VideoRow) -> StoredRecording:
    """Read what `analyze` stored about a recording.

    Raises
    ------
    ResultsError
        A file of it is missing or damaged.
    """
    tracks = read_columns(table.file(row, ".tracks.csv"), ("time_s", "frame", "aperture_px"))
    keypoints = read_columns(table.file(row, ".keypoints.csv"), ("time_s", "frame"))
    if not np.array_equal(tracks["frame"], keypoints["frame"]):
        raise ResultsError(
            f"{table.file(row, '.keypoints.csv')}: has other frames than the tracks beside it; "
            "run 'tapscope analyze --force' on this recording"
        )
    nothing = np.full(len(tracks["frame"]), np.nan)
    names = tuple(name.removesuffix("_x") for name in keypoints if name.endswith("_x"))

    def places(columns: dict[str, FloatArray], wanted: Sequence[str]) -> FloatArray:
        axes = [[columns.get(f"{name}_{axis}", nothing) for name in wanted] for axis in "xy"]
        return np.array(axes, np.float64).transpose(2, 1, 0)

    unit = row.cells.get("unit", "")
    column = next((name for known, name in APERTURE_COLUMNS.items() if known == unit), None)
    start_s, end_s = row.number("task_start_s"), row.number("task_end_s")
    return StoredRecording(
        name=row.recording,
        frames=tracks["frame"].astype(np.int64),
        time_s=tracks["time_s"],
        names=names,
        position_px=places(keypoints, names),
        confidence=np.array(
            [keypoints.get(f"{name}_confidence", nothing) for name in names], np.float64
        ).T,
        tips_px=places(tracks, TIPS),
        aperture=tracks.get(column or "aperture_px", nothing),
        unit=unit if column else "px",
        length_px=_length_px(
            tracks["time_s"], tracks["aperture_px"], tracks.get("aperture_hand", nothing)
        ),
        taps=read_taps(table.file(row, ".taps.csv")),
        task_s=(start_s, end_s) if np.isfinite([start_s, end_s]).all() else None,
    )


def _length_px(time_s: FloatArray, in_px: FloatArray, in_hands: FloatArray) -> FloatArray:
    """Return the length of the hand that `analyze` used, between the moments that tell it."""
    tells = np.flatnonzero(in_hands > _LEAST_APERTURE)
    if not len(tells):
        return np.full(len(time_s), np.nan)
    return np.interp(time_s, time_s[tells], in_px[tells] / in_hands[tells])


def videos_by_name(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Return the videos among some files and folders by their file names.

    Raises
    ------
    VideoError
        A path does not exist, or a folder cannot be read.
    """
    found: dict[str, list[Path]] = {}
    for recording in find_recordings(paths):
        if not recording.fault:
            found.setdefault(PurePosixPath(recording.video).name, []).append(recording.path)
    return found


def find_video(table: VideoTable, row: VideoRow, videos: Mapping[str, Sequence[Path]]) -> Path:
    """Return the video of a row: the one of its name with the content that was analysed.

    Parameters
    ----------
    videos
        See `videos_by_name`.

    Raises
    ------
    VideoError
        It is not among them.
    ResultsError
        The row's file is missing or damaged.
    """
    found = videos.get(PurePosixPath(row.video).name, [])
    if not found:
        raise VideoError(f"{row.video}: the video was not found; say in which folder it is")
    digest = analysed_sha256(table, row)
    try:
        return next(path for path in found if sha256_of(path) == digest)
    except OSError as problem:
        raise VideoError(f"{found[0]}: cannot be read ({problem.strerror})") from problem
    except StopIteration:
        raise VideoError(
            f"{found[0]}: is not the video that was analysed; run 'tapscope analyze' again"
        ) from None


def analysed_sha256(table: VideoTable, row: VideoRow) -> str:
    """Return the SHA-256 of the video that was analysed.

    Raises
    ------
    ResultsError
        The row's file is missing or damaged.
    """
    file = table.file(row, ".row.json")
    try:
        return str(read_json(file, ResultsError)["cache_key"]["video_sha256"])
    except (KeyError, TypeError) as problem:
        raise ResultsError(
            f"{file}: does not say which video was analysed; run 'tapscope analyze' again"
        ) from problem
