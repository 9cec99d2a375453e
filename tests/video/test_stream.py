"""Streaming: every frame once, in the right place, at its true time, in bounded memory."""

import json
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import tapscope.video.batching
from tapscope.errors import VideoError
from tapscope.video.decoders import Decoder
from tapscope.video.stream import VideoStream
from tests import clips
from tests.clips import Clip, corners_of
from tests.video.reading import numbers, read

X265 = {"x265-params": "log-level=none:keyint=15:bframes=0:pools=1"}
FASTSTART = {"movflags": "faststart"}
UPRIGHT = ("red", "green", "blue", "yellow")
THOUSANDTHS = Fraction(1, 1000)


# name: how it is written, and the decoder that ends up reading it when decord is asked for
FORMATS = {
    "h264.mp4": (Clip(), "decord"),
    "h264.mov": (Clip(), "decord"),
    "h264.mkv": (Clip(), "decord"),
    "no_b_frames.mp4": (Clip(options={"bf": "0"}), "decord"),
    "gray.mp4": (Clip(pixel_format="gray"), "decord"),
    "odd.mp4": (Clip(pixel_format="yuv444p", size=(97, 65)), "decord"),
    "sound_first.mp4": (Clip(audio="first"), "decord"),
    "sound_after.mkv": (Clip(audio="after"), "decord"),
    "interlaced.mp4": (Clip(interlaced=True), "pyav"),
    "mjpeg.avi": (Clip(codec="mjpeg", pixel_format="yuvj420p"), "decord"),
    "mjpeg.mov": (Clip(codec="mjpeg", pixel_format="yuvj420p"), "decord"),
    "b_frames.avi": (Clip(), "pyav"),
    "h264.ts": (Clip(), "pyav"),
    "mpeg4.avi": (Clip(codec="mpeg4"), "pyav"),
    "hevc.mp4": (Clip(codec="libx265", options=X265), "pyav"),
    "hevc10.mov": (Clip(codec="libx265", pixel_format="yuv420p10le", options=X265), "pyav"),
    "vp9.webm": (Clip(codec="libvpx-vp9"), "pyav"),
    "av1.mp4": (Clip(codec="libsvtav1", options={"preset": "12"}), "pyav"),
    "wide_pixels.mp4": (Clip(aspect=Fraction(4, 3)), "pyav"),
}


@pytest.mark.parametrize("asked", ["auto", "decord"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_frame_comes_once_at_its_time(tmp_path: Path, name: str, asked: Decoder) -> None:
    clip, able = FORMATS[name]
    decoder = able if asked == "decord" else "pyav"
    pixels, time_s, summary = read(clip.write(tmp_path / name), asked)
    assert numbers(pixels) == list(range(30))
    assert time_s == pytest.approx(np.arange(30) / 30, abs=0.6e-3)
    if name != "gray.mp4":
        assert corners_of(pixels[0]) == UPRIGHT
    assert (summary.decoded_frames, summary.decoder) == (30, decoder)
    assert bool(summary.decoder_reason) == (decoder != asked and asked == "decord")
    assert not (summary.truncated or summary.damaged_packets or summary.backward_frames)
    assert not (summary.variable_frame_rate or summary.dropped_frames)
    assert summary.measured_fps == pytest.approx(30, rel=1e-3)
    assert summary.duration_s == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("decoder", ["decord", "pyav"])
def test_variable_frame_rate_keeps_true_times(tmp_path: Path, decoder: Decoder) -> None:
    stamps = np.cumsum([0, *[33, 40, 21, 71, 33, 28] * 5])
    path = Clip(time_base=THOUSANDTHS).write(tmp_path / "vfr.mp4", stamps.tolist())
    pixels, time_s, summary = read(path, decoder)
    assert numbers(pixels) == list(range(31))
    assert time_s == pytest.approx(stamps / 1000, abs=1e-4)
    assert summary.variable_frame_rate
    assert summary.longest_interval_s == pytest.approx(0.071, abs=1e-4)


@pytest.mark.parametrize("decoder", ["decord", "pyav"])
@pytest.mark.parametrize("name", ["late.mp4", "late.mkv"])
def test_first_frame_is_time_zero(tmp_path: Path, name: str, decoder: Decoder) -> None:
    path = Clip().write(tmp_path / name, list(range(150, 180)))
    _, time_s, summary = read(path, decoder)
    assert time_s[0] == 0
    assert time_s[-1] == pytest.approx(29 / 30, abs=1e-3)
    assert summary.first_pts_s == pytest.approx(5, abs=1e-3)


@pytest.mark.parametrize("b_frames", ["0", "3"])
def test_frames_that_an_edit_list_hides_stay_hidden(tmp_path: Path, b_frames: str) -> None:
    path = Clip(options={"bf": b_frames}).write(tmp_path / "edited.mp4", 40)
    clips.skip_start(path, 5 * 512)
    for decoder in ("auto", "decord"):
        pixels, time_s, summary = read(path, decoder)
        assert numbers(pixels) == list(range(5, 40))
        assert time_s == pytest.approx(np.arange(35) / 30)
    assert summary.decoder_reason == "decord counts 40 frames of 35"


ORIENTATIONS = {
    "90": ("decord", ("blue", "red", "yellow", "green")),
    "180": ("decord", ("yellow", "blue", "green", "red")),
    "270": ("decord", ("green", "yellow", "red", "blue")),
    "mirrored": ("pyav", ("green", "red", "yellow", "blue")),
    "mirrored90": ("pyav", ("red", "blue", "green", "yellow")),
}


@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_orientation_is_applied_once_by_both_decoders(tmp_path: Path, matrix: str) -> None:
    path = clips.orient(Clip().write(tmp_path / "turned.mp4", 5), matrix)
    expected_decoder, corners = ORIENTATIONS[matrix]
    pixels, _, summary = read(path, "decord")
    assert summary.decoder == expected_decoder
    assert pixels.shape[1:3] == ((96, 64) if "90" in matrix or matrix == "270" else (64, 96))
    assert corners_of(pixels[0]) == corners
    assert corners_of(read(path)[0][0]) == corners


@pytest.mark.parametrize("colorspace", [1, 5, None])
@pytest.mark.parametrize("color_range", [1, 2])
def test_colours_agree(tmp_path: Path, colorspace: int | None, color_range: int) -> None:
    clip = Clip(colorspace=colorspace, color_range=color_range, options={"crf": "1"})
    path = clip.write(tmp_path / "colours.mp4", 3)
    drawn = np.stack([clips.image(n) for n in range(3)]).astype(int)
    by_decord, _, summary = read(path, "decord")
    by_pyav = read(path, "pyav")[0]
    assert summary.decoder == "decord"
    assert np.abs(by_decord.astype(int) - by_pyav).mean() < 1
    assert np.median(np.abs(by_pyav - drawn)) <= 3


def test_missing_frames_are_counted(tmp_path: Path) -> None:
    stamps = [tick for tick in range(40) if tick not in (10, 20, 21)]
    _, time_s, summary = read(Clip().write(tmp_path / "gaps.mp4", stamps))
    assert time_s == pytest.approx(np.array(stamps) / 30)
    assert summary.dropped_frames == 3
    assert not summary.variable_frame_rate
    assert summary.longest_interval_s == pytest.approx(0.1)


@pytest.mark.parametrize("codec", ["ffv1", "libx264"])
def test_repeated_images_are_counted_and_kept(tmp_path: Path, codec: str) -> None:
    shown = [0, 1, 1, 2, 3, 3, 3, 4]
    path = Clip(codec=codec, options={"qp": "0"}).write(tmp_path / "twice.mkv", 8, shown)
    pixels, _, summary = read(path, batch_size=2)
    assert numbers(pixels) == shown
    assert summary.duplicate_frames == 3


def test_repeated_and_backward_stamps_are_left_out(tmp_path: Path) -> None:
    stamps = [0, 33, 66, 66, 100, 50, 133, 166]
    path = clips.restamped(tmp_path / "stamps.mkv", stamps)
    pixels, time_s, summary = read(path, "decord")
    assert numbers(pixels) == [0, 1, 2, 4, 6, 7]
    assert time_s == pytest.approx(np.array([0, 33, 66, 100, 133, 166]) / 1000)
    assert (summary.backward_frames, summary.duplicate_frames, summary.repeated_stamps) == (1, 1, 1)
    assert summary.decoder_reason == "frames repeat time stamps"


def test_cover_image_is_not_the_video(tmp_path: Path) -> None:
    pixels, _, _ = read(clips.with_cover(tmp_path / "cover.mp4"))
    assert numbers(pixels) == list(range(30))


def test_first_of_several_videos_is_taken(tmp_path: Path) -> None:
    path = clips.two_videos(tmp_path / "two.mp4")
    for decoder in ("auto", "decord"):
        pixels, _, summary = read(path, decoder)
        assert pixels.shape[1:3] == (64, 96)
        assert numbers(pixels) == list(range(30))
    assert "192 x 128" in summary.decoder_reason  # decord prefers the larger one


CUTS: dict[str, Clip] = {
    "cut.mp4": Clip(size=(320, 240), container_options=FASTSTART),
    "cut.mkv": Clip(size=(320, 240)),
    "cut.webm": Clip(size=(320, 240), codec="libvpx-vp9"),
    "cut.avi": Clip(size=(320, 240), codec="mjpeg", pixel_format="yuvj420p"),
}


@pytest.mark.parametrize("name", CUTS)
def test_a_cut_file_is_read_up_to_the_cut(tmp_path: Path, name: str) -> None:
    path = clips.cut(CUTS[name].write(tmp_path / name, 60), 0.7)
    pixels, time_s, summary = read(path, "decord")
    assert 10 < len(pixels) < 55
    assert summary.decoder == "pyav"
    assert numbers(pixels) == list(range(len(pixels)))
    assert time_s == pytest.approx(np.arange(len(pixels)) / 30, abs=0.6e-3)
    assert summary.truncated
    assert "the header announces" in summary.truncated_reason


DAMAGED: dict[str, Clip] = {
    "damaged.mp4": Clip(size=(320, 240), options={"g": "15"}, container_options=FASTSTART),
    "damaged.mov": Clip(
        size=(320, 240), codec="mjpeg", pixel_format="yuvj420p", container_options=FASTSTART
    ),
    "hevc.mp4": Clip(size=(320, 240), codec="libx265", options=X265, container_options=FASTSTART),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_in_the_middle_shifts_nothing(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = clips.damage(DAMAGED[name].write(tmp_path / name, 60), 0.55, 0.65)
    capfd.readouterr()
    pixels, time_s, summary = read(path)
    shown = np.array(numbers(pixels))
    assert shown == pytest.approx(time_s * 30 + shown[0])
    assert shown[-1] == 59
    assert 30 <= len(shown) < 60
    assert summary.damaged_packets > 0
    assert not summary.truncated
    assert summary.dropped_frames == shown[-1] - shown[0] + 1 - len(shown)
    again, _, summary_again = read(path)
    assert summary_again == summary
    assert np.array_equal(again, pixels)
    assert capfd.readouterr() == ("", "")


def test_damaged_end_counts_as_truncated(tmp_path: Path) -> None:
    clip = DAMAGED["hevc.mp4"]
    path = clips.damage(clip.write(tmp_path / "end.mp4", 60), 0.85, 1)
    pixels, _, summary = read(path)
    assert numbers(pixels) == list(range(len(pixels)))
    assert summary.truncated
    assert "could not be decoded" in summary.truncated_reason


def test_a_frame_lost_in_silence_shifts_no_time(tmp_path: Path) -> None:
    clip = Clip(codec="libx265", options=X265)
    path = clips.silence(clip.write(tmp_path / "silent.mp4", 60), 59)
    pixels, time_s, _ = read(clips.silence(path, 44))
    shown = np.array(numbers(pixels))
    assert len(shown) == 58
    assert shown == pytest.approx(time_s * 30)


@pytest.mark.parametrize("seed", range(24))
def test_any_damage_ends_in_frames_or_a_video_error(tmp_path: Path, seed: int) -> None:
    name = list(CUTS)[seed % len(CUTS)]
    path = CUTS[name].write(tmp_path / name, 20)
    first, length = np.random.default_rng(seed).uniform([0, 0.002], [0.9, 0.1])
    clips.damage(path, first, first + length, seed)
    try:
        _, time_s, summary = read(path)
    except VideoError as error:
        assert str(error).startswith(str(path))  # either end is fine
    else:
        assert summary.decoded_frames == len(time_s) <= 20


def test_nothing_decodable_is_an_error(tmp_path: Path) -> None:
    clip = Clip(codec="mjpeg", pixel_format="yuvj420p", container_options=FASTSTART)
    path = clip.write(tmp_path / "rubbish.mov", 10)
    start = path.read_bytes().index(b"mdat") / path.stat().st_size
    clips.damage(path, start + 0.001, 1)
    with pytest.raises(VideoError, match=r"rubbish\.mov: no frame could be decoded"):
        read(path)


def test_batches_are_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tapscope.video.batching, "MAX_BATCH_BYTES", 3 * 96 * 64 * 3)
    with VideoStream(Clip().write(tmp_path / "clip.mp4", 10)) as stream:
        assert [len(batch) for batch in stream] == [3, 3, 3, 1]


@pytest.mark.parametrize("decoder", ["pyav", "decord"])
def test_only_wanted_frames_are_converted(tmp_path: Path, decoder: Decoder) -> None:
    if decoder == "decord":
        pytest.importorskip("decord")
    path = Clip().write(tmp_path / "clip.mp4", 10)
    with VideoStream(path, decoder=decoder, slow_motion=2) as stream:
        every = list(stream)
        time_s = np.concatenate([batch.time_s for batch in every])
        pixels = np.concatenate([batch.pixels for batch in every])
    asked: list[float] = []

    def third(shown_s: float) -> bool:
        asked.append(shown_s)
        return len(asked) % 3 == 2

    with VideoStream(path, 2, decoder, slow_motion=2, wanted=third) as stream:
        some = list(stream)
    assert asked == time_s.tolist()
    assert [(len(batch), batch.first_frame) for batch in some] == [(2, 1), (1, 7)]
    assert np.array_equal(np.concatenate([batch.time_s for batch in some]), time_s[1::3])
    assert np.array_equal(np.concatenate([batch.pixels for batch in some]), pixels[1::3])
    assert stream.summary.decoded_frames == 10


def test_decoding_waits_for_a_slow_consumer_and_stops_with_it(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "long.mp4", 300)
    before = threading.active_count()
    with VideoStream(path, batch_size=2) as stream:
        for _ in stream:
            deadline = time.monotonic() + 10
            while stream._waiting.qsize() < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.2)
            assert stream._waiting.qsize() == 2
            assert stream._thread.is_alive()
            break
        with pytest.raises(RuntimeError, match="once all batches have been read"):
            _ = stream.summary
    assert not stream._thread.is_alive()
    assert threading.active_count() == before


def test_an_exception_in_the_consumer_stops_the_thread(tmp_path: Path) -> None:
    stream = VideoStream(Clip().write(tmp_path / "clip.mp4", 100), batch_size=1)
    with pytest.raises(KeyError), stream:
        for _ in stream:
            raise KeyError
    assert not stream._thread.is_alive()


def test_a_stream_is_read_once(tmp_path: Path) -> None:
    with VideoStream(Clip().write(tmp_path / "clip.mp4", 5)) as stream:
        list(stream)
        with pytest.raises(RuntimeError, match="read once"):
            list(stream)


def test_wrong_arguments(tmp_path: Path) -> None:
    path = Clip().write(tmp_path / "clip.mp4", 2)
    with pytest.raises(ValueError, match="batch_size"):
        VideoStream(path, batch_size=0)


def test_study_times_are_the_rendered_ones(shared_data: Path) -> None:
    for name in ("sub-06_hand-right_run-1", "sub-09_hand-right_run-1"):
        truth = json.loads((shared_data / "study" / "truth" / f"{name}.json").read_text())
        _, time_s, summary = read(shared_data / "study" / "videos" / f"{name}.mp4")
        expected = np.array(truth["frame_times_s"])
        assert time_s == pytest.approx(expected - expected[0], abs=1e-3)
        assert summary.variable_frame_rate
