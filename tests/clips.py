"""Small video clips made on the spot, each frame carrying its own number and orientation.

The top eighth of a frame is a strip of blocks that spell the frame's number in black and white;
below it the four corners are red, green, blue and yellow, so that a test can tell after any codec
which frame it holds and which way up it is.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import av.stream
import numpy as np
from numpy.typing import NDArray

BITS = 8
CORNERS = {
    "red": (200, 30, 30),
    "green": (30, 170, 30),
    "blue": (30, 30, 200),
    "yellow": (200, 200, 30),
}

DISPLAY_MATRICES = {
    "90": (0, 1, -1, 0),
    "180": (-1, 0, 0, -1),
    "270": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "mirrored90": (0, 1, 1, 0),
}
"""a, b, c, d of a display matrix: x' = a x + c y, y' = b x + d y."""


def image(number: int, width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """Draw the frame called `number`, RGB, shape (height, width, 3)."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    middle_y, middle_x = height // 2, width // 2
    pixels[:middle_y, :middle_x] = CORNERS["red"]
    pixels[:middle_y, middle_x:] = CORNERS["green"]
    pixels[middle_y:, :middle_x] = CORNERS["blue"]
    pixels[middle_y:, middle_x:] = CORNERS["yellow"]
    strip, block = height // 8, width // BITS
    for bit in range(BITS):
        pixels[:strip, bit * block : (bit + 1) * block] = 235 if number >> bit & 1 else 16
    return pixels


def number_of(pixels: NDArray[np.uint8]) -> int:
    """Read the number off a frame that `image` drew (lower 8 bits), whatever its size."""
    height, width = pixels.shape[:2]
    y, block = height // 16, width // BITS
    bits = (pixels[y, bit * block + block // 2].mean() > 128 for bit in range(BITS))
    return sum(int(bit) << place for place, bit in enumerate(bits))


def corners_of(pixels: NDArray[np.uint8]) -> tuple[str, str, str, str]:
    """Name the colours at a quarter from each corner: top left, top right, bottom left, right."""
    height, width = pixels.shape[:2]
    names = list(CORNERS)
    palette = np.array([CORNERS[name] for name in names], float)
    found = []
    for y in (height // 4, height - height // 4):
        for x in (width // 4, width - width // 4):
            found.append(names[int(np.abs(palette - pixels[y, x]).sum(axis=1).argmin())])
    return (found[0], found[1], found[2], found[3])


@dataclass(frozen=True)
class Clip:
    """How to write a clip; the defaults give 30 constant frames a second of H.264."""

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    size: tuple[int, int] = (96, 64)
    time_base: Fraction = Fraction(1, 30)
    aspect: Fraction | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)
    audio: Literal["none", "first", "after"] = "none"
    audio_seconds: float = 1.0
    colorspace: int | None = None
    color_range: int | None = None
    interlaced: bool = False

    def write(
        self, path: Path, stamps: Sequence[int] | int = 30, numbers: Iterable[int] | None = None
    ) -> Path:
        """Write frames with the presentation stamps given (a count means 0, 1, 2 ...).

        `numbers` are the images to show, by default 0, 1, 2 ...; repeat one for a duplicate.
        """
        ticks = list(range(stamps)) if isinstance(stamps, int) else list(stamps)
        shown = range(len(ticks)) if numbers is None else numbers
        with av.open(str(path), "w", options=dict(self.container_options)) as out:
            if self.audio == "first":
                tone = out.add_stream("aac", rate=16000)
            video = out.add_stream(self.codec, rate=30, options=dict(self.options))
            if self.audio == "after":
                tone = out.add_stream("aac", rate=16000)
            video.width, video.height = self.size
            video.pix_fmt = self.pixel_format
            video.time_base = video.codec_context.time_base = self.time_base
            if self.aspect is not None:
                video.codec_context.sample_aspect_ratio = self.aspect
            if self.interlaced:
                video.codec_context.options = {**self.options, "x264-params": "tff=1"}
            if self.colorspace is not None:
                video.codec_context.colorspace = self.colorspace
            if self.color_range is not None:
                video.codec_context.color_range = self.color_range
            for tick, number in zip(ticks, shown, strict=True):
                out.mux(video.encode(self._frame(number, tick)))
            out.mux(video.encode(None))
            if self.audio != "none":
                _write_tone(out, tone, self.audio_seconds)
        return path

    def _frame(self, number: int, tick: int) -> av.VideoFrame:
        frame = av.VideoFrame.from_ndarray(image(number, *self.size), format="rgb24")
        frame = frame.reformat(
            format=self.pixel_format,
            dst_colorspace=self.colorspace,
            dst_color_range=self.color_range,
        )
        frame.pts, frame.time_base = tick, self.time_base
        return frame


def _write_tone(out: av.container.OutputContainer, tone: av.AudioStream, seconds: float) -> None:
    for start in range(0, int(seconds * 16000), 1024):
        wave = np.sin(np.arange(start, start + 1024) / 10).astype(np.float32)[np.newaxis]
        sound = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        sound.sample_rate, sound.pts = 16000, start
        out.mux(tone.encode(sound))
    out.mux(tone.encode(None))


def audio_only(path: Path, seconds: float = 0.5) -> Path:
    """Write a file that holds sound and nothing else."""
    with av.open(str(path), "w") as out:
        _write_tone(out, out.add_stream("aac", rate=16000), seconds)
    return path


def orient(path: Path, matrix: str) -> Path:
    """Write the display matrix called `matrix` into the header of an mp4 or mov file."""
    a, b, c, d = DISPLAY_MATRICES[matrix]
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd") + 4 + 40  # version 0: the matrix follows 40 bytes of fields
    content[start : start + 36] = struct.pack(
        ">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30
    )
    path.write_bytes(content)
    return path


def skip_start(path: Path, ticks: int) -> Path:
    """Move the edit list of an mp4 file `ticks` of the media's clock into the media."""
    content = bytearray(path.read_bytes())
    start = content.index(b"elst") + 4 + 4 + 4 + 4  # version, count, duration
    (media_time,) = struct.unpack_from(">i", content, start)
    struct.pack_into(">i", content, start, media_time + ticks)
    path.write_bytes(content)
    return path


def cut(path: Path, share: float) -> Path:
    """Keep only the first `share` of a file's bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def damage(path: Path, first: float, last: float, seed: int = 0) -> Path:
    """Overwrite the bytes between two shares of a file with noise."""
    content = bytearray(path.read_bytes())
    start, stop = int(len(content) * first), int(len(content) * last)
    content[start:stop] = np.random.default_rng(seed).bytes(stop - start)
    path.write_bytes(content)
    return path


def with_cover(path: Path) -> Path:
    """Write an mp4 whose first video stream is a cover image (10 x 10), the second the video."""
    source = Clip().write(path.with_suffix(".source.mp4"))
    cover = av.VideoFrame.from_ndarray(np.zeros((10, 10, 3), np.uint8), format="rgb24")
    with av.open(str(source)) as clip, av.open(str(path), "w") as out:
        art = out.add_stream("png", rate=1)
        art.width, art.height, art.pix_fmt = 10, 10, "rgb24"
        art.disposition = av.stream.Disposition.attached_pic
        copy = out.add_stream_from_template(clip.streams.video[0])
        out.mux(art.encode(cover))
        for packet in clip.demux(clip.streams.video[0]):
            if packet.size:
                packet.stream = copy
                out.mux(packet)
        out.mux(art.encode(None))
    return path


def silence(path: Path, number: int) -> Path:
    """Replace one HEVC sample of an mp4 file by filler, which decodes to no frame and no error."""
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    position, size = places[number]
    content = bytearray(path.read_bytes())
    filler = struct.pack(">I", size - 4) + bytes([38 << 1, 1]) + b"\xff" * (size - 7) + b"\x80"
    content[position : position + size] = filler
    path.write_bytes(content)
    return path


def retag(path: Path, old: bytes, new: bytes) -> Path:
    """Rename boxes of an mp4 file, for instance b"avc1" to b"encv" (encrypted)."""
    path.write_bytes(path.read_bytes().replace(old, new))
    return path


def restamped(path: Path, stamps_ms: Sequence[int]) -> Path:
    """Write an mkv of Motion JPEG whose frames bear these stamps, in any order."""
    source = Clip(codec="mjpeg", pixel_format="yuvj420p").write(
        path.with_suffix(".source.mov"), len(stamps_ms)
    )
    with av.open(str(source)) as clip, av.open(str(path), "w") as out:
        copy = out.add_stream_from_template(clip.streams.video[0])
        packets = [packet for packet in clip.demux(video=0) if packet.size]
        for number, (packet, stamp_ms) in enumerate(zip(packets, stamps_ms, strict=True)):
            packet.stream, packet.time_base = copy, Fraction(1, 1000)
            # The muxer insists on rising decoding stamps, but not on rising presentation stamps.
            packet.pts, packet.dts = stamp_ms, number - len(packets)
            packet.duration = 33
            out.mux(packet)
    return path


def two_videos(path: Path) -> Path:
    """Write a file with two videos, the second larger and drawn with other numbers."""
    sources = [
        Clip().write(path.with_suffix(".first.mp4")),
        Clip(size=(192, 128)).write(path.with_suffix(".second.mp4"), 30, range(100, 130)),
    ]
    with (
        av.open(str(sources[0])) as one,
        av.open(str(sources[1])) as two,
        av.open(str(path), "w") as out,
    ):
        copies = [out.add_stream_from_template(clip.streams.video[0]) for clip in (one, two)]
        for clip, copy in zip((one, two), copies, strict=True):
            for packet in clip.demux(video=0):
                if packet.size:
                    packet.stream = copy
                    out.mux(packet)
    return path
