"""Copies of recordings as a poor camera in dim light makes them; the truth stays that of the good.

    python -m tests.bench.degraded FOLDER OUT

FOLDER holds videos/NAME.mp4 and truth/NAME.json. For each recording OUT gets NAME as it is and
NAME-dark: 0.3 to 0.5 of the light, sensor noise, a ghost of the frame before, and H.264 of a low
rate with frames that are predicted from others. OUT is for `tests.bench.clinic` and
`tests.bench.tracked_confidence`.
"""

import argparse
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

LIGHT = (0.3, 0.5)
NOISE_LEVELS = (4.0, 9.0)
"""Standard deviation of the noise of each pixel, grey levels of 255."""
GHOST = (0.2, 0.4)
"""Share of the frame before in a frame."""
TICKS = 90_000


def degrade(source: Path, out: Path, rng: np.random.Generator) -> None:
    """Write a poorer copy of a video, with the same times."""
    light, noise, ghost = (rng.uniform(*span) for span in (LIGHT, NOISE_LEVELS, GHOST))
    before: NDArray[np.float32] | None = None
    with av.open(str(source)) as video, av.open(str(out), "w") as file:
        taken = video.streams.video[0]
        stream = file.add_stream("libx264", rate=30, options={"crf": "33", "preset": "fast"})
        stream.width, stream.height = taken.width, taken.height
        stream.codec_context.time_base = Fraction(1, TICKS)
        for frame in video.decode(taken):
            now = frame.to_ndarray(format="rgb24").astype(np.float32)
            seen = now if before is None else (1 - ghost) * now + ghost * before
            before = now
            spread = noise * rng.standard_normal(now.shape, np.float32)
            pixels = np.clip(light * seen + spread, 0, 255).astype(np.uint8)
            image = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            assert frame.time is not None
            image.pts, image.time_base = round(frame.time * TICKS), Fraction(1, TICKS)
            file.mux(stream.encode(image))
        file.mux(stream.encode(None))


def main() -> None:
    """Make the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    for part in ("videos", "truth"):
        (given.out / part).mkdir(parents=True, exist_ok=True)
    for number, source in enumerate(sorted((given.folder / "videos").glob("*.mp4"))):
        truth = given.folder / "truth" / f"{source.stem}.json"
        shutil.copy(source, given.out / "videos")
        shutil.copy(truth, given.out / "truth")
        degrade(
            source,
            given.out / "videos" / f"{source.stem}-dark.mp4",
            np.random.default_rng(number),
        )
        shutil.copy(truth, given.out / "truth" / f"{source.stem}-dark.json")


if __name__ == "__main__":
    main()
