"""Draw the pictures of the pages from rendered recordings and what `tapscope analyze` wrote.

python docs/pictures.py VIDEOS features.tapscope

VIDEOS is the folder of rendered recordings (sub-01 to sub-12, no real person), features.tapscope
the folder of details that belongs to them.
"""

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tapscope.pipeline.result_reader import read_features
from tapscope.video.stream import VideoStream
from tapscope.visualise.overlay.clip import frames_of_clip
from tapscope.visualise.stored_recording import read_stored

HERE = Path(__file__).parent
THUMB, INDEX, GREY = "#1971c2", "#e8590c", "0.35"
PICTURE = "sub-10"
PICTURE_SECONDS = 6.0
WORDS = "sub-04"
OVERLAY = "sub-08"
OVERLAY_SECONDS = 5.02
STRIP, STRIP_TAP = "sub-04", 9
TRACES = ("sub-04", "sub-01", "sub-06")
GOOD_VIEWS = (("sub-10", 5.02), ("sub-08", 5.02), ("sub-07", 4.97))
HARD_VIEWS = (
    ("sub-06", 4.0, "hand in front of the face"),
    ("sub-05", 5.05, "light comes from behind"),
    ("sub-01", 4.0, "fingers point at the camera"),
)


@dataclass(frozen=True)
class Measured:
    """One recording and its files of details."""

    video: Path
    tracks: dict[str, NDArray[np.float64]]
    taps: dict[str, NDArray[np.float64]]
    row: dict[str, object]

    def frame_at(self, time_s: float) -> tuple[NDArray[np.uint8], int]:
        """Return the frame shown at a moment, and its index."""
        shown, index = np.zeros((1, 1, 3), np.uint8), 0
        with VideoStream(self.video) as stream:
            for batch in stream:
                due = np.flatnonzero(batch.time_s <= time_s)
                if not len(due):
                    break
                shown, index = batch.pixels[due[-1]], batch.first_frame + int(due[-1])
        return shown, index


def read_numbers(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return the columns of numbers of a CSV file; empty cells are NaN."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = set(rows[0]) - {"reason", "unit", "flags"}
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}


def read_measured(videos: Path, details: Path, participant: str) -> Measured:
    """Read the only recording of a participant."""
    (video,) = videos.glob(f"{participant}_*")
    row = json.loads((details / f"{video.stem}.row.json").read_text(encoding="utf-8"))
    tracks, taps = (
        read_numbers(details / f"{video.stem}.{kind}.csv") for kind in ("tracks", "taps")
    )
    return Measured(video, tracks, taps, row["cells"])


def closures_of(taps: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the time of every closure, in order."""
    return np.unique(np.concatenate([taps["closure_s"], taps["next_closure_s"]]))


def plot_trace(axes: Axes, measured: Measured) -> None:
    """Draw the aperture over time and the closures."""
    time_s, aperture = measured.tracks["time_s"], measured.tracks["aperture_hand"]
    axes.plot(time_s, aperture, ".-", color=GREY, lw=1, ms=3)
    closures_s = closures_of(measured.taps)
    top = float(np.nanmax(aperture))
    axes.plot(closures_s, np.full(len(closures_s), 0.03 * top), "^", color=THUMB, label="closure")
    axes.set(xlim=(0, time_s[-1]), ylim=(0, 1.08 * top))
    axes.set(xlabel="time, s", ylabel="aperture, hand lengths")
    axes.spines[["top", "right"]].set_visible(False)


def draw_view(axes: Axes, measured: Measured, time_s: float) -> int:
    """Draw a frame with the tips that were found in it; return its index."""
    image, frame = measured.frame_at(time_s)
    axes.imshow(image)
    axes.set_axis_off()
    for tip, colour in (("thumb_tip", THUMB), ("index_tip", INDEX)):
        x, y = measured.tracks[f"{tip}_x"][frame], measured.tracks[f"{tip}_y"][frame]
        axes.plot(x, y, "o", ms=11, mfc="none", mec="white", mew=4)
        axes.plot(x, y, "o", ms=11, mfc="none", mec=colour, mew=2, label=tip.replace("_", " "))
    return frame


def save(figure: Figure, name: str) -> None:
    """Write a figure beside the pages."""
    figure.savefig(HERE / name, metadata={"Software": None})


def draw_tapping(measured: Measured) -> None:
    """Draw the README's picture: a frame with both tips, and the trace."""
    figure = Figure(figsize=(10, 3.2), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.7])
    peaks_s = measured.taps["peak_s"]
    frame = draw_view(left, measured, float(peaks_s[np.searchsorted(peaks_s, PICTURE_SECONDS / 2)]))
    left.legend(loc="lower right", fontsize=8, framealpha=0.9)
    plot_trace(right, measured)
    right.axvline(measured.tracks["time_s"][frame], color=INDEX, lw=1, ls=":", label="this frame")
    right.set(xlim=(0, PICTURE_SECONDS), ylim=(0, 1.25 * right.get_ylim()[1]))
    right.legend(loc="upper right", fontsize=8, ncols=2)
    save(figure, "tapping.png")


def draw_words(measured: Measured) -> None:
    """Draw two taps with the words that name their parts."""
    figure = Figure(figsize=(8, 3.8), dpi=100, layout="constrained")
    axes = figure.subplots()
    plot_trace(axes, measured)
    middle = len(measured.taps["tap"]) // 2
    start_s, end_s = measured.taps["closure_s"][middle], measured.taps["next_closure_s"][middle]
    peak_s = measured.taps["peak_s"][middle]
    time_s, aperture = measured.tracks["time_s"], measured.tracks["aperture_hand"]
    closed, top = (float(np.interp(at, time_s, aperture)) for at in (start_s, peak_s))
    span_s = end_s - start_s
    axes.set(xlim=(start_s - 0.6 * span_s, end_s + 0.6 * span_s), ylim=(0, 1.45 * top))
    both = {"arrowstyle": "<->", "color": "black", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (peak_s, closed), (peak_s, top), arrowprops=both)
    boxed = {"fc": "white", "ec": "none", "pad": 1.5}
    axes.text(peak_s, (closed + top) / 2, "amplitude", ha="center", va="center", bbox=boxed)
    axes.annotate("", (start_s, 0.6 * closed), (end_s, 0.6 * closed), arrowprops=both)
    axes.text(peak_s, 0.6 * closed, "interval", ha="center", va="center", bbox=boxed)
    for edge_s in (start_s, end_s):
        axes.axvline(edge_s, color=THUMB, lw=0.8, ls=":")
    for first_s, last_s, word in ((start_s, peak_s, "opening"), (peak_s, end_s, "closing")):
        axes.axvspan(first_s, last_s, ymin=0.8, ymax=0.92, alpha=0.25, ec="none",
                     fc=INDEX if word == "opening" else THUMB)  # fmt: skip
        axes.text((first_s + last_s) / 2, 1.45 * top * 0.86, word, ha="center", va="center")
    axes.legend(loc="upper right", fontsize=9)
    save(figure, "one-tap.png")


def draw_views(videos: Path, details: Path) -> None:
    """Draw frames that are easy to measure above frames that are hard."""
    figure = Figure(figsize=(10, 5.6), dpi=80, layout="constrained")
    axes = figure.subplots(2, 3)
    for place, (participant, time_s) in zip(axes[0], GOOD_VIEWS, strict=True):
        place.imshow(read_measured(videos, details, participant).frame_at(time_s)[0])
        place.set_title("good: both tips show", color="#2b8a3e")
    for place, (participant, time_s, title) in zip(axes[1], HARD_VIEWS, strict=True):
        place.imshow(read_measured(videos, details, participant).frame_at(time_s)[0])
        place.set_title(f"hard: {title}", color="#c92a2a")
    for place in axes.ravel():
        place.set_axis_off()
    save(figure, "views.png")


def draw_traces(recordings: list[Measured]) -> None:
    """Draw the traces of several recordings, each with its verdict."""
    figure = Figure(figsize=(9, 2.1 * len(recordings)), dpi=90, layout="constrained")
    for axes, measured in zip(figure.subplots(len(recordings), 1), recordings, strict=True):
        plot_trace(axes, measured)
        row = measured.row
        axes.set_title(
            f"{measured.video.stem}: {row['status']}, {row['tapping_rate_hz']:.2f} Hz", loc="left"
        )
        axes.set_ylabel("aperture")
    save(figure, "traces.png")


def draw_overlay(videos: Path, details: Path) -> None:
    """Show a frame of both kinds of clips."""
    table = read_features(details.with_suffix(".csv"))
    (row,) = (row for row in table.rows if row.recording.startswith(OVERLAY))
    stored = read_stored(table, row)
    images = []
    for full in (True, False):
        frames = frames_of_clip(videos / row.video, stored, full=full)
        images.append(next(image for time_s, image in frames if time_s >= OVERLAY_SECONDS))
    figure = Figure(figsize=(10.6, 5.7), layout="constrained")
    axes = figure.subplots(1, 2, width_ratios=[image.shape[1] for image in images])
    for axis, image in zip(axes, images, strict=True):
        axis.imshow(image)
        axis.axis("off")
    save(figure, "overlay.png")


def draw_strip(videos: Path, details: Path) -> None:
    """Show five frames of a clip: one tap from closure to closure."""
    table = read_features(details.with_suffix(".csv"))
    (row,) = (row for row in table.rows if row.recording.startswith(STRIP))
    taps = read_measured(videos, details, STRIP).taps
    moments = [taps[name][STRIP_TAP] for name in ("closure_s", "peak_s", "next_closure_s")]
    halfway = [(moments[0] + moments[1]) / 2, (moments[1] + moments[2]) / 2]
    due_s = sorted([*moments, *halfway])
    images: list[NDArray[np.uint8]] = []
    for time_s, image in frames_of_clip(videos / row.video, read_stored(table, row), full=False):
        if len(images) < len(due_s) and time_s >= due_s[len(images)]:
            images.append(image)
    figure = Figure(figsize=(11, 2.9), dpi=100, layout="constrained")
    for axes, image in zip(figure.subplots(1, len(due_s)), images, strict=True):
        axes.imshow(image)
        axes.axis("off")
    save(figure, "overlay-strip.png")


def main(videos: Path, details: Path) -> None:
    """Draw all pictures."""
    draw_tapping(read_measured(videos, details, PICTURE))
    draw_words(read_measured(videos, details, WORDS))
    draw_views(videos, details)
    draw_traces([read_measured(videos, details, participant) for participant in TRACES])
    draw_overlay(videos, details)
    draw_strip(videos, details)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
