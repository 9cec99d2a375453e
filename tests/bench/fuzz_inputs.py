"""What the fuzz damages: samples of every kind of file that people bring, and how each is read."""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from unittest import mock

import av
import numpy as np
import torch
from tapscope.compare.video_tables import read_features, read_taps, read_tracks

from tapscope.compare import Options, compare_study
from tapscope.datasets import annotations
from tapscope.datasets.convert import convert
from tapscope.errors import SensorError
from tapscope.files import bundled_folder
from tapscope.network import weights
from tapscope.network.pmsdsnet import PMSDSNet
from tapscope.pipeline.manifest import read_manifest
from tapscope.pipeline.recordings import Recording
from tapscope.protocol.protocol import load
from tapscope.sensors import read
from tapscope.sensors.trajectory import to_trajectory
from tapscope.video.inspection import inspect_video
from tests import paired_study
from tests.clips import Clip
from tests.datasets import test_convert as tools
from tests.datasets import test_convert_public as sets
from tests.hands import TINY, labelled_folder, tiny_card
from tests.sensors import made_up
from tests.sensors.test_fuzz import IN_A_CHILD

CLIP: Final = Path(__file__).resolve().parents[1] / "data/clinic/videos/sub-04_hand-right_run-1.mp4"

INSERTED: Final = (
    *(b"\0", b"\0" * 64, b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\n\n", b",", b";", b'"'),
    *(b"1e308", b"-1e308", b"1e-320", b"nan", b"inf", b"-1", b"0", b"99999999999999999999", b"1,5"),
    *(b"9" * 400, b"9" * 5000, b"[" * 3000, b"true", b"null", b"../../x", b"/", b"\x1b[31m"),
    *(
        "é\u202e𝟙۱Ⅷ\u2028".encode(),
        "\ufeff".encode(),
        "１２".encode(),
        b"\xed\xa0\x80",
        b"()[]{}|\\",
    ),
)
"""What is put between the bytes of a file or in place of a number."""

VALUES: Final = (
    *(None, True, False, 0, -1, 1, 21, 10**30, -(10**400), 1e308, 1e-300, float("nan")),
    *(float("inf"), "", "x", "\0", "\ud800", "9" * 400, [], {}, [[]], [None], {"": None}, [1, [2]]),
)
"""What is put in place of a value of a JSON file."""


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of file, a valid sample of it, and what the program does with it."""

    make: Callable[[Path], Path]
    """Writes the sample into a folder; returns the path to read."""
    read: Callable[[Path], object]
    damages: str = ""
    """Regular expression of the names that are damaged; '' for all."""
    share: int = 4
    """How often it has its turn."""


def _longer(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """Write two seconds, so that there is enough to make a trajectory of."""

    def inner(folder: Path) -> Path:
        time_s = np.arange(200) / made_up.RATE_HZ
        times = np.arange(200) % made_up.SAMPLES
        with mock.patch.multiple(
            made_up,
            SAMPLES=200,
            TIME_S=time_s,
            GYRO_RAD_S=made_up.GYRO_RAD_S[times],
            ACC_M_S2=made_up.ACC_M_S2[times],
        ):
            return make(folder)

    return inner


def _sensor(path: Path) -> object:
    recording = read(path)
    # MbientLab's files do not say where the sensor sits: a valid log, but no trajectory.
    with suppress(SensorError):
        return to_trajectory(recording)


def _manifest(folder: Path) -> Path:
    path = folder / "manifest.csv"
    path.write_text(
        "recording,video,participant_id,session_id,hand,trial,px_per_mm,metronome_rate_hz,group\n"
        'a,,P1,1,left,1,2.5,,PD\n,sub/b.mov,P2,,R,2,,3.0,"HC, old"\n'
    )
    return path


def _read_manifest(path: Path) -> object:
    found = [
        Recording(path.parent / "a.mp4", "a", "a.mp4"),
        Recording(path.parent / "sub/b.mov", "sub/b", "sub/b.mov"),
    ]
    return read_manifest(path, found, ["status"])


def _protocol(folder: Path) -> Path:
    path = folder / "own.toml"
    path.write_bytes((bundled_folder("protocols") / "mds-updrs-3.4.toml").read_bytes())
    return path


def _study(folder: Path) -> Path:
    return paired_study.made_up(folder, paired_study.NAMES[:1], duration_s=6.0)


def _parquet(folder: Path) -> Path:
    import pandas as pd  # noqa: PLC0415 - only here

    path = folder / "features.parquet"
    table = _study(folder)
    pd.read_csv(table).to_parquet(path)
    table.unlink()
    return path


def _every_cell(path: Path) -> object:
    return [row.number(column) for row in read_features(path).rows for column in row.cells]


def _beside(ending: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        _study(folder)
        return next(folder.rglob(f"*{ending}"))

    return make


def _compare(path: Path) -> object:
    return compare_study(Options(sensor=path.parent / "logs", features=path))


def _weights(folder: Path) -> Path:
    torch.manual_seed(5)
    path = folder / "small.safetensors"
    weights.write(path, PMSDSNet(**TINY), tiny_card())  # type: ignore[arg-type]
    return path


def _labels(
    path: Path, keypoints: Mapping[str, str] | None = None, images: Path | None = None
) -> object:
    out = path.with_name(f"{path.name}.out")
    convert(path, out, keypoints=keypoints or {}, images=images)
    return annotations.load(out)


def _with_option(path: Path) -> object:
    return _labels(path, tools.KEYPOINTS)


def _with_images(path: Path) -> object:
    return _labels(path, images=path.parent / "pics")


def _deeplabcut(folder: Path) -> Path:
    return tools.deeplabcut(folder / "project")


def _deeplabcut_hdf(folder: Path) -> Path:
    project = _deeplabcut(folder)
    tools.as_hdf(next(project.rglob("*.csv")))
    return project


def _cvat(folder: Path) -> Path:
    inner = '<skeleton label="left hand">' + tools.point("thumb_tip", "10.50,20.50")
    inner += tools.point("index_tip", "0,0", 'outside="1"') + "</skeleton>"
    return tools.cvat(folder / "task", inner + tools.point("INDEX_FINGER_TIP", "30,40"))


def _within(name: str, make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """Write a sample into a folder of its own, so that what is made of it lies beside it."""

    def inner(folder: Path) -> Path:
        (folder / name).mkdir()
        return make(folder / name)

    return inner


def _small_clip(path: Path, codec: str, **options: str) -> Path:
    """Write one second of a test recording, the hand in 160 x 120 pixels."""
    with av.open(str(CLIP)) as clip, av.open(str(path), "w", options=options) as out:
        stream = out.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number, frame in enumerate(clip.decode(video=0)):
            if number < 100 or number % 2:  # 60 frames a second; the hand comes in later
                continue
            if number >= 160:
                break
            hand = frame.to_ndarray(format="rgb24")[140:380, 120:440]
            small = av.VideoFrame.from_ndarray(np.ascontiguousarray(hand), format="rgb24")
            small = small.reformat(160, 120, "yuv420p")
            small.pts, small.time_base = (number - 100) // 2, Fraction(1, 30)
            out.mux(stream.encode(small))
        out.mux(stream.encode(None))
    return path


def _clip(name: str, codec: str, **options: str) -> Callable[[Path], Path]:
    return lambda folder: _small_clip(folder / name, codec, **options)


READERS: Final[Mapping[str, Target]] = {
    **{
        f"sensor {name}": Target(_longer(make), _sensor, share=1 if name in IN_A_CHILD else 4)
        for name, make in {**made_up.WRITERS, "mbientlab_acc": made_up.mbientlab_acc}.items()
    },
    "manifest": Target(_manifest, _read_manifest),
    "protocol": Target(_protocol, load),
    "features.csv": Target(_study, _every_cell, r"^features\.csv$"),
    "features.parquet": Target(_parquet, _every_cell, r"\.parquet$"),
    "taps.csv": Target(_beside(".taps.csv"), read_taps, r"\.taps\.csv$"),
    "tracks.csv": Target(
        _beside(".tracks.csv"), lambda p: read_tracks(p, "hand_lengths"), r"\.tracks\.csv$"
    ),
    "compare": Target(_study, _compare, r"\.(csv|json)$", share=1),
    "weights card": Target(_weights, weights.read),
    "labels deeplabcut": Target(_deeplabcut, _with_option),
    "labels deeplabcut HDF": Target(_deeplabcut_hdf, _with_option),
    "labels cvat": Target(_cvat, _labels),
    "labels label_studio": Target(_within("set", tools.label_studio), _with_images),
    **{
        f"labels {name}": Target(_within("set", make), _labels)
        for name, (make, *_) in sets.SETS.items()
    },
    "labels annotations.json": Target(
        lambda folder: labelled_folder(folder / "set", count=4, groups=2),
        lambda path: annotations.load(path).images[0].pixels(),
    ),
}
VIDEOS: Final[Mapping[str, Target]] = {
    "video mp4 h264": Target(_clip("v.mp4", "libx264"), inspect_video),
    "video mp4 index first": Target(_clip("v.mp4", "libx264", movflags="faststart"), inspect_video),
    "video mp4 fragments": Target(
        _clip("v.mp4", "libx264", movflags="frag_keyframe+empty_moov"), inspect_video, share=2
    ),
    "video mov mpeg4": Target(_clip("v.mov", "mpeg4"), inspect_video, share=2),
    "video mkv h264": Target(_clip("v.mkv", "libx264"), inspect_video, share=2),
    "video avi mjpeg": Target(
        lambda folder: Clip(codec="mjpeg", pixel_format="yuvj420p", size=(160, 120)).write(
            folder / "v.avi"
        ),
        inspect_video,
        share=2,
    ),
    "video webm vp9": Target(_clip("v.webm", "libvpx-vp9"), inspect_video, share=1),
    "video ts h264": Target(_clip("v.ts", "libx264"), inspect_video, share=1),
}


def damage(content: bytes, name: str, rng: random.Random) -> bytes:
    """Return the content of a file with one to three faults."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        faults = [_flip, _cut, _swap_spans, _insert, _repeat_span, _remove_span]
        if name.endswith(".json"):
            faults += [_swap_value] * 6
        elif name.endswith((".csv", ".tsv", ".toml", ".txt", ".xml")):
            faults += [_swap_number] * 4
        elif name.endswith((".mp4", ".mov")):
            faults += [_swap_boxes, _change_box] * 3
        content = rng.choice(faults)(content, rng)
    return content


def _place(content: bytes, rng: random.Random) -> int:
    """Return a place anywhere, or near the beginning, where headers are."""
    return rng.randrange(max(1, min(len(content), rng.choice((200, 2000, len(content) + 1)))))


def _span(content: bytes, rng: random.Random) -> tuple[int, int]:
    first = _place(content, rng)
    return first, first + rng.choice((1, 4, 16, 100, 1000))


def _flip(content: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 3, 20, 200)) if content else 0):
        damaged[_place(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _swap_spans(content: bytes, rng: random.Random) -> bytes:
    (a, b), (c, d) = sorted((_span(content, rng), _span(content, rng)))
    b = min(b, c)
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _insert(content: bytes, rng: random.Random) -> bytes:
    place = _place(content, rng)
    return content[:place] + rng.choice(INSERTED) + content[place:]


def _repeat_span(content: bytes, rng: random.Random) -> bytes:
    first, last = _span(content, rng)
    return content[:last] + content[first:]


def _remove_span(content: bytes, rng: random.Random) -> bytes:
    first, last = _span(content, rng)
    return content[:first] + content[last:]


def _swap_number(content: bytes, rng: random.Random) -> bytes:
    """Put something else in place of a number or a word."""
    found = list(re.finditer(rng.choice((rb"-?[0-9][0-9.e+-]*", rb"[A-Za-z_]+")), content))
    if not found:
        return content
    one = rng.choice(found)
    return content[: one.start()] + rng.choice((b"", *INSERTED)) + content[one.end() :]


def _swap_value(content: bytes, rng: random.Random) -> bytes:
    """Put something else in place of a value of a JSON file."""
    try:
        tree = json.loads(content)
    except ValueError:
        return _insert(content, rng)
    places = list(_places(tree))
    if not places:
        return json.dumps(rng.choice(VALUES)).encode()
    holder, key = rng.choice(places)
    if rng.random() < 0.2:
        del holder[key]
    else:
        holder[key] = rng.choice(VALUES)
    return json.dumps(tree).encode()


def _places(tree: object) -> Iterator[tuple[Any, Any]]:
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if _is_list(tree) else ()
    for key, value in inner:
        yield tree, key
        yield from _places(value)


def _is_list(tree: object) -> bool:
    return isinstance(tree, list)


_HOLDERS: Final = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf", b"udta"}


def _boxes(content: bytes, first: int, last: int) -> list[tuple[int, int, bytes]]:
    """Return start, end and name of the boxes between two places, those within boxes too."""
    found = []
    while first + 8 <= last:
        size, name = int.from_bytes(content[first : first + 4]), content[first + 4 : first + 8]
        if not 8 <= size <= last - first:
            break
        found.append((first, first + size, name))
        if name in _HOLDERS:
            found += _boxes(content, first + 8, first + size)
        first += size
    return found


def _swap_boxes(content: bytes, rng: random.Random) -> bytes:
    """Swap two boxes of an mp4, or put one in place of another."""
    boxes = _boxes(content, 0, len(content))
    if len(boxes) < 2:
        return _swap_spans(content, rng)
    (a, b, _), (c, d, _) = sorted(rng.sample(boxes, 2))
    if d <= b:  # one within the other
        return content[:a] + content[c:d] + content[b:]
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _change_box(content: bytes, rng: random.Random) -> bytes:
    """Put extreme numbers into a box that is no picture."""
    boxes = [box for box in _boxes(content, 0, len(content)) if box[2] != b"mdat"]
    if not boxes:
        return _flip(content, rng)
    first, last, _ = rng.choice(boxes)
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 4))):
        place = first + 4 * rng.randrange(max(1, (last - first) // 4))
        damaged[place : place + 4] = rng.choice(
            (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\x80\0\0\0", b"moov")
        )
    return bytes(damaged)
