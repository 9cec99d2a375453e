"""Attention maps as a figure of an image or as a clip of a video: `tapscope attention`."""

import io
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.container
import cv2
import numpy as np
from matplotlib import colormaps, style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tapscope.errors import AnnotationError, OutputError, VideoError
from tapscope.evaluation.predict import still_size_px
from tapscope.hand import INDEX_TIP, THUMB_TIP, TIPS
from tapscope.network.crop import require_crop_size
from tapscope.network.engine import Engine
from tapscope.network.weights import Weights
from tapscope.output.checks import check_file
from tapscope.output.figure_style import SENSOR_COLOUR, STYLE, VIDEO_COLOUR, render
from tapscope.output.table import write_result
from tapscope.visualise.attention import (
    IMAGE_SUFFIXES,
    Attention,
    require_attention,
    still_attention,
    track_boxes,
    video_attention,
)

TILE_PX = 128
TIP_COLOURS = {THUMB_TIP: (0, 114, 178), INDEX_TIP: (213, 94, 0)}
"""RGB of thumb and index tip in a clip."""


def draw(attention: Attention, keypoints: tuple[str, ...]) -> Figure:
    """Draw the crop, the attention maps of every stage and scale, the heatmaps and the labels."""
    stages, scales = len(attention.maps), len(attention.maps[0])
    rows = max(stages, 3)
    # A fixed layout, because that of a solver differs in the last digits from run to run.
    width, height = 1.55 * (scales + 1) + 0.35, 1.65 * rows + 0.1
    with style.context(STYLE):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)

        def panel(row: int, column: int) -> Axes:
            left = 0.1 + 1.55 * column + (0.25 if column else 0)
            bottom = height - 1.65 * (row + 1)
            axes = figure.add_axes((left / width, bottom / height, 1.4 / width, 1.4 / height))
            axes.set_xticks([])
            axes.set_yticks([])
            axes.grid(visible=False)
            return axes

        _image(panel(0, 0), attention.pixels, "input")
        heat = panel(1, 0)
        _image(heat, attention.pixels, "final heatmaps")
        heat.imshow(attention.final, cmap="magma", alpha=0.65, vmin=0, vmax=1)
        overlay = panel(2, 0)
        title = "predicted" if attention.truth_px is None else "predicted, and labels"
        _image(overlay, attention.pixels, title)
        tips = [n for n, name in enumerate(keypoints) if name in TIPS]
        if attention.truth_px is not None:
            overlay.plot(*attention.truth_px.T, "o", color="white", ms=4, mfc="none", mew=1)
        overlay.plot(*attention.position_px.T, ".", color=VIDEO_COLOUR, ms=3)
        overlay.plot(*attention.position_px[tips].T, ".", color=SENSOR_COLOUR, ms=6)
        for stage, maps in enumerate(attention.maps):
            for scale, attention_map in enumerate(maps):
                axes = panel(stage, scale + 1)
                axes.imshow(attention_map, cmap="viridis", vmin=0, vmax=1)
                if stage == 0:
                    axes.set_title(f"1/{2**scale}" if scale else "full size")
                if scale == 0:
                    axes.set_ylabel(f"stage {stage + 1}")
    return figure


def _image(axes: Axes, pixels: NDArray[np.uint8], title: str) -> None:
    axes.imshow(pixels)
    axes.set_title(title)
    axes.set_xlim(-0.5, pixels.shape[1] - 0.5)
    axes.set_ylim(pixels.shape[0] - 0.5, -0.5)


def tiles(attention: Attention) -> NDArray[np.uint8]:
    """Return one frame of a clip, one row per stage; in the first column crop and heatmaps."""
    stages, scales = len(attention.maps), len(attention.maps[0])
    rows = max(stages, 2)
    frame = np.zeros((rows * TILE_PX, (scales + 1) * TILE_PX, 3), np.uint8)

    def put(row: int, column: int, tile: NDArray[np.uint8]) -> None:
        enlarged = cv2.resize(tile, (TILE_PX, TILE_PX), interpolation=cv2.INTER_NEAREST)
        top, left = row * TILE_PX, column * TILE_PX
        frame[top : top + TILE_PX, left : left + TILE_PX] = enlarged

    put(0, 0, attention.pixels)
    scale_up = TILE_PX / len(attention.pixels)
    for keypoint, colour in TIP_COLOURS.items():
        if keypoint < len(attention.position_px):
            x, y = ((attention.position_px[keypoint] + 0.5) * scale_up).round().astype(int)
            cv2.circle(frame, (int(x), int(y)), 3, colour, -1, cv2.LINE_AA)
    put(1, 0, _coloured(attention.final, "magma"))
    for stage, row in enumerate(attention.maps):
        for scale, attention_map in enumerate(row):
            put(stage, scale + 1, _coloured(attention_map, "viridis"))
    return frame


def _coloured(values: NDArray[np.float32], name: str) -> NDArray[np.uint8]:
    coloured: NDArray[np.uint8] = colormaps[name](values.clip(0, 1), bytes=True)[:, :, :3]
    return np.ascontiguousarray(coloured)


def write_clip(path: Path, frames: Iterable[Attention | None], fps: float) -> None:
    """Write a clip (H.264 in MP4), completely or not at all; black where there is no hand.

    Raises
    ------
    VideoError
        No frame has a hand.
    """
    clip = io.BytesIO()
    with av.open(clip, "w", format="mp4") as file:
        written = _encode(file, frames, fps)
    if not written:
        raise VideoError(f"{path}: not written, because no hand was seen in any frame")
    write_result(path, clip.getvalue())


def _encode(
    file: av.container.OutputContainer, frames: Iterable[Attention | None], fps: float
) -> bool:
    stream = file.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
    stream.pix_fmt = "yuv420p"
    frames_before_hand = 0  # written later: the first frame with a hand sets the size of the clip
    blank: NDArray[np.uint8] | None = None
    for attention in frames:
        image = blank if attention is None else tiles(attention)
        if image is None:
            frames_before_hand += 1
            continue
        images = [image]
        if blank is None:
            blank = np.zeros_like(image)
            stream.height, stream.width = image.shape[:2]
            images = [blank] * frames_before_hand + images
        for one in images:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(one, format="rgb24")))
    if blank is not None:
        file.mux(stream.encode(None))
    return blank is not None


def path_for(source: Path, out: Path | None) -> Path:
    """Return the path of the file to write, after a check of both paths.

    Parameters
    ----------
    source, out
        See `write_attention`.

    Raises
    ------
    AnnotationError
        There is no such source.
    OutputError
        The suffix of `out` is wrong, or it cannot be written.
    """
    if not source.is_file():
        raise AnnotationError(f"{source}: no such file; give an image or a video")
    endings = (".png", ".svg") if _is_image(source) else (".mp4",)
    path = out or source.with_name(f"{source.stem}.attention{endings[0]}")
    if path.suffix.lower() not in endings:
        raise OutputError(f"{path}: give a name that ends with {' or '.join(endings)}")
    check_file(path)
    return path


def _is_image(source: Path) -> bool:
    return source.suffix.lower() in IMAGE_SUFFIXES


def write_attention(
    source: Path,
    out: Path | None,
    weights: Weights,
    engine: Engine,
    *,
    size_px: int | None = None,
    background: bool = False,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write the attention maps of an image or a video and return the path of the file.

    Parameters
    ----------
    source
        An image, by its suffix, or else a video.
    out
        PNG or SVG for an image, MP4 for a video; by default `NAME.attention.png` or `.mp4` beside
        it.
    weights
        The weights whose attention is shown.
    engine
        Detects and tracks the hand.
    size_px
        Side of the crop; by default `still_size_px` for an image, that of training for a video.
    background
        See `attention.attention_of`.
    on_frame
        Called after each frame of a video with the number of frames done and their total.

    Raises
    ------
    TapscopeError
        The source cannot be read or shows no hand, the weights have no attention maps, or the
        suffix of `out` is wrong.
    """
    path = path_for(source, out)
    if size_px:
        require_crop_size(size_px, weights.network.size_divisor, weights.name)
    if _is_image(source):
        size = size_px or still_size_px(engine)
        attention = still_attention(source, weights, engine, size, background=background)
        svg, png = render(draw(attention, weights.card.keypoints))
        write_result(path, png if path.suffix.lower() == ".png" else svg)
        return path
    size = size_px or weights.card.input_size_px
    network = require_attention(weights)
    boxes, fps = track_boxes(source, engine)
    frames = video_attention(source, network, boxes, size, background=background)
    write_clip(path, _report_progress(frames, len(boxes), on_frame), fps)
    return path


def _report_progress(
    frames: Iterable[Attention | None], total: int, on_frame: Callable[[int, int], None]
) -> Iterator[Attention | None]:
    for number, attention in enumerate(frames, start=1):
        on_frame(number, total)
        yield attention
