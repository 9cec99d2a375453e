"""Write the clips of some recordings: the hand, or the whole image, and what was measured."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from tapscope.errors import TapscopeError, VideoError
from tapscope.network.crop import CropBox, inverse, take_crop, transform_points
from tapscope.output.table import write_result
from tapscope.pipeline.result_reader import VideoRow, VideoTable
from tapscope.records import FloatArray
from tapscope.video.stream import VideoStream
from tapscope.video.writer import encode_clip
from tapscope.visualise.overlay.drawing import TRAIL_S, AperturePanel, Image, draw_tips
from tapscope.visualise.privacy import only_hand
from tapscope.visualise.pseudonyms import Pseudonyms
from tapscope.visualise.stored_recording import (
    StoredRecording,
    find_video,
    read_stored,
    videos_by_name,
)

CROP_PX: Final = 480
"""Side of the hand's crop in the clip."""
MAX_SIDE_PX: Final = 1280
"""Longest side of the whole image in the clip."""
MIN_WIDTH_PX: Final = 320
"""Narrower images are enlarged, so that the text below them can be read."""

OnFrame = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class OverlayResult:
    """One clip: where it is, or why it was not written."""

    shown_name: str
    """Name of the recording, or what stands for it."""
    path: Path | None
    problem: str = ""
    """'' if it was written."""


def folder_of_clips(table: Path) -> Path:
    """Return the folder in which the clips of a table lie by default."""
    return table.with_suffix(".overlays")


def write_overlays(
    table: VideoTable,
    videos: Sequence[Path],
    out: Path,
    *,
    full: bool = False,
    pseudonyms: Pseudonyms | None = None,
    on_frame: OnFrame = lambda done, total: None,
) -> Iterator[OverlayResult]:
    """Write a clip for each video; yield what became of it. A bad one never stops the others.

    Parameters
    ----------
    table
        The results of `tapscope analyze`.
    videos
        Video files that were analysed, and folders that contain some.
    out
        The folder for the clips.
    full
        Whether the whole image is shown instead of the hand; all but the hand is blurred in both.
    pseudonyms
        What stands for the names of the recordings; None to use the names.
    on_frame
        Called after each frame with the number of frames done and their total.

    Raises
    ------
    VideoError
        A path does not exist, or a folder cannot be read.
    """
    found = videos_by_name(videos)
    missing = dict(found)
    for row in table.rows:
        name = Path(row.video).name
        if name not in found:
            continue
        missing.pop(name, None)
        shown = pseudonyms.of(row.recording) if pseudonyms else row.recording
        stem = shown if pseudonyms else table.file_stem(row)
        path = out / f"{stem}.overlay.mp4"
        try:
            _write(table, row, found, path, full=full, on_frame=on_frame)
        except TapscopeError as problem:
            said = pseudonyms.without_names(str(problem), row) if pseudonyms else str(problem)
            yield OverlayResult(shown, None, said)
        else:
            yield OverlayResult(shown, path)
    for paths in missing.values():
        yield OverlayResult(
            str(paths[0]), None, f"is no recording of {table.path}; run 'tapscope analyze' on it"
        )


def _write(
    table: VideoTable,
    row: VideoRow,
    videos: Mapping[str, Sequence[Path]],
    path: Path,
    *,
    full: bool,
    on_frame: OnFrame,
) -> None:
    video = find_video(table, row, videos)
    stored = read_stored(table, row)
    write_result(
        path, encode_clip(path, frames_of_clip(video, stored, full=full, on_frame=on_frame))
    )


def frames_of_clip(
    video: Path,
    stored: StoredRecording,
    *,
    full: bool = False,
    on_frame: OnFrame = lambda done, total: None,
) -> Iterator[tuple[float, Image]]:
    """Yield the time in the video, seconds, and the image of each frame of a clip.

    Raises
    ------
    VideoError
        The video cannot be read, or no hand was seen in it.
    """
    crops = stored.crops()
    if crops is None:
        raise VideoError(f"{video}: no hand was found in any frame, so there is nothing to show")
    with VideoStream(video) as stream:
        view = _WholeImage(stream.info.width, stream.info.height) if full else _HandCrop(crops)
        panel = AperturePanel(stored, view.width)
        for batch in stream:
            for n, (time_s, image) in enumerate(zip(batch.time_s, batch.pixels, strict=True)):
                frame = batch.first_frame + n
                row = stored.row_of_frame(frame)
                hidden = only_hand(image, stored.hand(row), stored.usual_length_px)
                shown = view.image(hidden, row)
                trail = stored.tips_px[_trail_start(stored, row) : row + 1]
                trail_px = transform_points(trail, view.from_image(row))
                draw_tips(shown, trail_px[-1], trail_px, is_closed=panel.is_closed(row))
                yield float(time_s), np.vstack([shown, panel.at(row)])
                on_frame(frame + 1, stream.info.header_frames or frame + 1)


def _trail_start(stored: StoredRecording, row: int) -> int:
    return int(np.searchsorted(stored.time_s, stored.time_s[row] - TRAIL_S))


class _HandCrop:
    """The hand in a square of one size."""

    width = CROP_PX

    def __init__(self, crops: Sequence[CropBox]) -> None:
        self._crops = crops

    def image(self, image: Image, row: int) -> Image:
        return take_crop(image, self._crops[row], CROP_PX)

    def from_image(self, row: int) -> FloatArray:
        return inverse(self._crops[row].to_image(CROP_PX))


class _WholeImage:
    """The whole image, reduced if it is large."""

    def __init__(self, width: int, height: int) -> None:
        scale = max(min(1.0, MAX_SIDE_PX / max(width, height)), MIN_WIDTH_PX / width)
        self.width, self.height = (2 * max(1, round(scale * side / 2)) for side in (width, height))
        x, y = self.width / width, self.height / height
        # pixels are counted from the middle of the first one
        self._matrix = np.array([[x, 0, x / 2 - 0.5], [0, y, y / 2 - 0.5]])

    def image(self, image: Image, row: int) -> Image:
        if image.shape[:2] == (self.height, self.width):
            return image.copy()
        size = (self.width, self.height)
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)

    def from_image(self, row: int) -> FloatArray:
        return self._matrix
