"""Draw the README's image from what `tapscope analyze` wrote.

    python -m tests.bench.image VIDEO features.tapscope/NAME docs/tapping.png

One frame with the tips found in it, and the aperture over time with its taps.
"""

import csv
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tapscope.video.stream import VideoStream

THUMB, INDEX = "#e8590c", "#1971c2"


def read_columns(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return the columns of numbers of a file."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    words = {"reason", "unit", "flags"}
    return {
        name: np.array([float(row[name] or "nan") for row in rows])
        for name in rows[0]
        if name not in words
    }


def frame_at(video: Path, time_s: float) -> tuple[NDArray[np.uint8], int]:
    """Return the frame shown at a moment, and its number."""
    shown, number = np.zeros((1, 1, 3), np.uint8), 0
    with VideoStream(video) as stream:
        for batch in stream:
            due = np.flatnonzero(batch.time_s <= time_s)
            if not len(due):
                break
            shown, number = batch.pixels[due[-1]], batch.first_frame + int(due[-1])
    return shown, number


def main(video: str, name: str, out: str) -> None:
    tracks = read_columns(Path(f"{name}.tracks.csv"))
    taps = read_columns(Path(f"{name}.taps.csv"))
    image, frame = frame_at(Path(video), float(taps["peak_s"][len(taps["peak_s"]) // 2]))

    mpl.rcParams["svg.hashsalt"] = "tapscope"
    figure = Figure(figsize=(10, 3.4), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.6])
    left.imshow(image)
    left.set_axis_off()
    for tip, colour in (("thumb_tip", THUMB), ("index_tip", INDEX)):
        x, y = tracks[f"{tip}_x"][frame], tracks[f"{tip}_y"][frame]
        left.plot(x, y, "o", ms=11, mfc="none", mec="white", mew=4)
        left.plot(x, y, "o", ms=11, mfc="none", mec=colour, mew=2, label=tip.replace("_", " "))
    left.legend(loc="lower right", fontsize=8, framealpha=0.9)

    right.plot(tracks["time_s"], tracks["aperture_hand"], ".-", color="0.35", lw=1, ms=3)
    top = float(np.nanmax(tracks["aperture_hand"]))
    closures = np.unique(np.concatenate([taps["closure_s"], taps["next_closure_s"]]))
    right.vlines(closures, 0, top, color=THUMB, lw=0.8, alpha=0.6, label="closure")
    right.axvline(tracks["time_s"][frame], color=INDEX, lw=0.8, ls=":")
    right.set(xlabel="time, s", ylabel="aperture, hand lengths", xlim=(0, tracks["time_s"][-1]))
    right.set_ylim(0, 1.05 * top)
    right.spines[["top", "right"]].set_visible(False)
    right.legend(loc="upper right", fontsize=8)
    figure.savefig(out, metadata={"Software": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
