"""Which decoder is used, and what PyAV does where decord fails."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tapscope.errors import VideoError
from tapscope.video.decoders import choose_decoder
from tests.clips import Clip
from tests.video.reading import numbers, read


def test_auto_is_pyav_and_others_are_refused() -> None:
    assert choose_decoder("auto") == choose_decoder("pyav") == "pyav"
    with pytest.raises(ValueError, match="decoder is 'ffmpeg'"):
        choose_decoder("ffmpeg")  # type: ignore[arg-type]


def test_decord_that_is_not_installed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Clip().write(tmp_path / "clip.mp4", 5)
    monkeypatch.setitem(sys.modules, "decord", None)
    with pytest.raises(VideoError, match=r"decord is not installed .* choose the decoder pyav"):
        choose_decoder("decord")
    assert numbers(read(path)[0]) == list(range(5))  # the others do without


def _decord_that(change: Callable[[object], object]) -> SimpleNamespace:
    """Imitate decord with a reader whose constructor is wrapped by `change`."""
    decord = pytest.importorskip("decord")
    return SimpleNamespace(
        DECORDError=decord.DECORDError,
        DECORDLimitReachedError=decord.DECORDLimitReachedError,
        logging=decord.logging,
        VideoReader=lambda *args, **kwargs: change(decord.VideoReader(*args, **kwargs)),
    )


class _Wrapped:
    """A reader of decord with something wrong."""

    def __init__(self, video: object) -> None:
        self.video = video
        self.calls = 0

    def __len__(self) -> int:
        return len(self.video)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self.video, name)


class _StopsMidway(_Wrapped):
    error = "DECORDError"

    def next(self) -> object:
        import decord  # noqa: PLC0415  # only where it is imitated

        self.calls += 1
        if self.calls > 5:
            raise getattr(decord, self.error)("[15:04:53] /src/a.cc:1: a packet is damaged")
        return self.video.next()  # type: ignore[attr-defined]


class _LosesFrames(_StopsMidway):
    error = "DECORDLimitReachedError"


class _OtherImage(_Wrapped):
    def next(self) -> object:
        pixels = self.video.next().asnumpy()  # type: ignore[attr-defined]
        return SimpleNamespace(asnumpy=lambda: 255 - pixels)


class _WrongTimes(_Wrapped):
    def get_frame_timestamp(self, indices: range) -> NDArray[np.float32]:
        times: NDArray[np.float32] = self.video.get_frame_timestamp(indices)  # type: ignore[attr-defined]
        return times * np.float32(1.1)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (_StopsMidway, "decord stopped: a packet is damaged"),
        (_WrongTimes, "decord's times differ by up to 0.03 s"),
        (_OtherImage, "decord's first image differs"),
    ],
)
def test_pyav_takes_over_from_decord(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[_Wrapped], reason: str
) -> None:
    monkeypatch.setitem(sys.modules, "decord", _decord_that(fault))
    pixels, time_s, summary = read(Clip().write(tmp_path / "clip.mp4", 10), "decord")
    assert numbers(pixels) == list(range(10))
    assert time_s == pytest.approx(np.arange(10) / 30)
    assert summary.decoder == "pyav"
    assert summary.decoder_reason.startswith(reason)


def test_frames_that_decord_skips_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "decord", _decord_that(_LosesFrames))
    with pytest.raises(VideoError, match="use PyAV"):
        read(Clip().write(tmp_path / "clip.mp4", 10), "decord")


def _bar(moment: int) -> NDArray[np.uint8]:
    """Draw a white bar that moves by four pixels from one moment to the next."""
    pixels = np.full((128, 160, 3), 40, np.uint8)
    pixels[:, 20 + 4 * moment : 40 + 4 * moment] = 235
    return pixels


def test_of_interlaced_images_the_half_taken_first_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "fields.mp4"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 160, 128, "yuv420p"
        video.codec_context.options = {"x264-params": "tff=1", "crf": "10"}
        for number in range(12):
            woven = _bar(2 * number + 1)
            woven[1::2] = _bar(2 * number)[1::2]  # the encoder notes that these rows come first
            out.mux(video.encode(av.VideoFrame.from_ndarray(woven, format="rgb24")))
        out.mux(video.encode(None))
    pixels, time_s, summary = read(path)
    assert time_s == pytest.approx(np.arange(12) / 25)
    assert (summary.damaged_packets, summary.duplicate_frames) == (0, 0)
    for number, frame in enumerate(pixels):
        rows, columns = np.nonzero(frame[..., 1] > 130)
        for parity in (0, 1):
            middle = columns[rows % 2 == parity].mean()
            assert middle == pytest.approx(29.5 + 8 * number, abs=0.3)
