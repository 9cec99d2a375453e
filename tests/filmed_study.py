"""A table of results with the videos that it is about: made-up hands before a pattern of noise."""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from tapscope.files import sha256_of
from tapscope.hand import INDEX_TIP, KEYPOINTS, THUMB_TIP
from tapscope.output.columns import ORIGIN, RECORDING
from tapscope.output.table import csv_bytes, fixed
from tests.hands import hand_shape

HAND_PX: Final = 60.0
"""Length of the made-up hand in the tables."""
TIMES: Final = np.cumsum(np.tile([1 / 30, 1 / 15], 14)) - 1 / 30
"""Of the frames, seconds: a variable frame rate."""


def hands(frames: int) -> NDArray[np.float64]:
    """Return the keypoints of a hand that taps, shape (frames, 21, 2)."""
    phase = TIMES[:frames]
    return np.array([
        hand_shape(150 + 10 * t, 110, aperture=0.1 + 0.4 * np.sin(np.pi * t) ** 2, size=110)
        for t in phase
    ])  # fmt: skip


def noise_image(seed: int = 0, height: int = 240, width: int = 320) -> NDArray[np.uint8]:
    """Return an image of coarse noise: what is not blurred away can be told."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 4, width // 4, 3)).astype(np.uint8)
    return small.repeat(4, axis=0).repeat(4, axis=1)


def film(path: Path, frames: int = len(TIMES), *, seed: int = 0) -> Path:
    """Write a video with a sound track, facts about its maker, and uneven times."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        file.metadata["title"] = "Jane Roe"
        file.metadata["location"] = "+47.0000+008.0000/"
        stream = file.add_stream("libx264", rate=30, options={"crf": "10", "bf": "0"})
        stream.height, stream.width, stream.pix_fmt = 240, 320, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        sound = file.add_stream("aac", rate=16_000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate = 16_000
        file.mux(sound.encode(silence))
        for n, time_s in enumerate(TIMES[:frames]):
            image = noise_image(seed).copy()
            image[:8, 8 * n : 8 * n + 8] = 255  # no frame repeats the one before
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(time_s * 90_000), Fraction(1, 90_000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        file.mux(sound.encode(None))
    return path


def filmed_study(
    folder: Path, names: Sequence[str] = ("one",), *, frames: int = len(TIMES)
) -> Path:
    """Write `features.csv` with tracks, keypoints and taps, and the videos in `videos`."""
    columns = [*RECORDING, "tap_count", "task_start_s", "task_end_s", "unit", "flags", *ORIGIN]
    rows = []
    results = folder / "features.tapscope"
    for n, name in enumerate(names):
        video = film(folder / "videos" / f"{name}.mp4", frames, seed=n)
        write_results(results, name, video, frames)
        cells = {
            "recording": name, "video": f"{name}.mp4", "status": "ok", "tap_count": "1",
            "participant_id": f"P{n}", "task_start_s": "0", "task_end_s": "1",
            "unit": "hand_lengths",
        }  # fmt: skip
        rows.append([cells.get(column, "") for column in columns])
    run = {"options": {"videos": [str(folder / "videos")]}}
    (results / "run.json").write_text(json.dumps(run))
    table = folder / "features.csv"
    table.write_bytes(csv_bytes(columns, rows))
    return table


def write_results(results: Path, name: str, video: Path, frames: int) -> None:
    """Write what `analyze` stores about a recording."""
    results.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
    shapes = hands(frames)
    number = [str(n) for n in range(len(shapes))]
    aperture_px = np.hypot(*(shapes[:, INDEX_TIP] - shapes[:, THUMB_TIP]).T)
    sure = ["0.99"] * len(shapes)
    tracks = {"time_s": fixed(TIMES[: len(shapes)], 6), "frame": number}
    keypoints = dict(tracks)
    for n, part in enumerate(KEYPOINTS):
        places = {f"{part}_{axis}": fixed(shapes[:, n, m], 1) for m, axis in enumerate("xy")}
        keypoints |= places | {f"{part}_confidence": sure}
        if n in (THUMB_TIP, INDEX_TIP):
            tracks |= places | {f"{part}_confidence": sure}
    tracks["aperture_px"] = fixed(aperture_px, 3)
    tracks["aperture_hand"] = fixed(aperture_px / HAND_PX, 5)
    for ending, table in (("tracks", tracks), ("keypoints", keypoints)):
        content = csv_bytes(list(table), zip(*table.values(), strict=True))
        (results / f"{name}.{ending}.csv").write_bytes(content)
    names = ["closure_s", "next_closure_s", "peak_s", "amplitude", "opening_speed_mean",
             "opening_speed_peak", "closing_speed_mean", "closing_speed_peak", "unit",
             "flags"]  # fmt: skip
    tap = ["0", "1", "0.5", *["1"] * 5, "hand_lengths", ""]
    (results / f"{name}.taps.csv").write_bytes(csv_bytes(names, [tap]))
    row = {"cache_key": {"video_sha256": sha256_of(video)}}
    (results / f"{name}.row.json").write_text(json.dumps(row))
