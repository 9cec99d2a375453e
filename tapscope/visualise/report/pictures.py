"""Small pictures of the hand at closures and openings, to see whether the tips are right."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.errors import ResultsError, VideoError
from tapscope.files import read_json
from tapscope.network.crop import inverse, take_crop, transform_points
from tapscope.pipeline.result_reader import VideoRow, VideoTable
from tapscope.video.stream import VideoStream
from tapscope.visualise.overlay.drawing import draw_tips
from tapscope.visualise.privacy import only_hand
from tapscope.visualise.stored_recording import (
    StoredRecording,
    find_video,
    read_stored,
    videos_by_name,
)

SIDE_PX: Final = 96
TAPS_SHOWN: Final = 3
"""Taps, evenly spread, of which the closure and the widest aperture are shown."""
_JPEG_QUALITY: Final = 80


@dataclass(frozen=True, slots=True)
class Strip:
    """The hand at some moments, side by side in one image: hundreds load faster than thousands."""

    moments: Sequence[tuple[Literal["closure", "opening"], float]]
    """What each picture shows, and its time in seconds, from left to right."""
    source: str
    """The JPEG as a data URI."""


def reachable_videos(table: VideoTable, given: Path | None) -> dict[str, list[Path]]:
    """Return the videos of a table by their file names, as far as they can be found.

    Parameters
    ----------
    table
        Its `run.json` says where the videos were, from the folder in which `analyze` ran: looked
        for from here, and from the table's folder.
    given
        Where they are now; None if nobody said.

    Raises
    ------
    VideoError
        The folder given does not exist or cannot be read.
    """
    if given:
        return videos_by_name([given])
    record = table.folder / "run.json"
    try:
        paths = [Path(path) for path in read_json(record, ResultsError)["options"]["videos"]]
    except (ResultsError, KeyError, TypeError):
        return {}  # without its record the table is complete but for the pictures
    places = [place for path in paths for place in (path, table.path.parent / path)]
    try:
        return videos_by_name([place for place in places if place.exists()])
    except VideoError:
        return {}  # a folder that cannot be read costs the pictures only


def pictures_of(
    table: VideoTable, row: VideoRow, videos: Mapping[str, Sequence[Path]]
) -> Strip | None:
    """Return the pictures of a recording in the order of time; None where it has no tap.

    Everything but the hand is blurred away, as in the clips of `tapscope overlay`.

    Raises
    ------
    VideoError
        The video is not there, is another one, or cannot be read.
    ResultsError
        A file of the results is missing or damaged.
    """
    stored = read_stored(table, row)
    shown = moments(stored)
    return _cut(find_video(table, row, videos), stored, shown) if shown else None


def moments(stored: StoredRecording) -> dict[int, Literal["closure", "opening"]]:
    """Return which pictures of a recording to show: numbers of rows, in order of time."""
    taps = stored.taps
    chosen = np.unique(np.linspace(0, len(taps) - 1, TAPS_SHOWN).round().astype(int))
    found: dict[int, Literal["closure", "opening"]] = {}
    for tap in chosen if len(taps) else ():
        found[_nearest(stored, float(taps.closure_s[tap]))] = "closure"
        found[_nearest(stored, float(taps.peak_s[tap]))] = "opening"
    return dict(sorted(found.items()))


def _nearest(stored: StoredRecording, moment_s: float) -> int:
    return int(np.abs(stored.time_s - moment_s).argmin())


def _cut(
    video: Path, stored: StoredRecording, shown: Mapping[int, Literal["closure", "opening"]]
) -> Strip:
    """Decode a video up to the last picture wanted."""
    crops = stored.crops()
    if crops is None:
        raise VideoError("no hand was found in any frame")
    rows = {int(stored.frames[row]): row for row in shown}
    images = []
    with VideoStream(video) as stream:
        for batch in stream:
            for n, image in enumerate(batch.pixels):
                row = rows.pop(batch.first_frame + n, None)
                if row is None:
                    continue
                hidden = only_hand(image, stored.hand(row), stored.usual_length_px)
                crop = take_crop(hidden, crops[row], SIDE_PX)
                tips_px = transform_points(
                    stored.tips_px[row], inverse(crops[row].to_image(SIDE_PX))
                )
                draw_tips(crop, tips_px, tips_px[None], is_closed=False)
                images.append(crop)
            if not rows:
                break
    if rows:
        raise VideoError(f"{video}: ends before frame {max(rows)}, which was analysed")
    return Strip(
        [(kind, float(stored.time_s[row])) for row, kind in shown.items()],
        _jpeg(np.hstack(images)),
    )


def _jpeg(image: NDArray[np.uint8]) -> str:
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    _, content = cv2.imencode(".jpg", np.ascontiguousarray(image[:, :, ::-1]), quality)
    return f"data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode('ascii')}"
