"""Clips with what was measured: what they show, what they must not, and their times."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from tapscope.hand import THUMB_TIP
from tapscope.pipeline.result_reader import read_features
from tapscope.visualise.overlay.clip import CROP_PX, OverlayResult, frames_of_clip, write_overlays
from tapscope.visualise.overlay.drawing import PANEL_PX, TIP_COLOURS, draw_tips
from tapscope.visualise.pseudonyms import Pseudonyms
from tapscope.visualise.stored_recording import StoredRecording, read_stored
from tests.filmed_study import TIMES, film, filmed_study, hands, noise_image


def written(folder: Path, **options: bool) -> tuple[Path, StoredRecording]:
    """Write the clip of a study of one recording."""
    table = read_features(filmed_study(folder))
    (result,) = write_overlays(table, [folder / "videos"], folder / "clips", **options)
    assert result.path, result.problem
    return result.path, read_stored(table, table.rows[0])


def test_times_are_kept_and_sound_and_facts_are_not(tmp_path: Path) -> None:
    path, _ = written(tmp_path)
    with av.open(str(tmp_path / "videos" / "one.mp4")) as source, av.open(str(path)) as clip:
        assert len(source.streams) == 2
        assert source.metadata["title"] == "Jane Roe"
        assert [stream.type for stream in clip.streams] == ["video"]
        assert set(clip.metadata) == {"major_brand", "minor_version", "compatible_brands"}
        (video,) = clip.streams.video
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        source_s = source.streams.video[0].duration * source.streams.video[0].time_base
        assert float(video.duration * video.time_base) == pytest.approx(float(source_s), abs=1 / 15)
        times_s = [frame.time for frame in clip.decode(video)]
    assert times_s == pytest.approx(TIMES.tolist(), abs=1e-4)
    assert b"Jane" not in path.read_bytes()


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, _ = written(tmp_path)
    content = first.read_bytes()
    again, _ = written(tmp_path)
    assert again.read_bytes() == content


@pytest.mark.parametrize("full", [False, True])
def test_tips_lie_where_they_were_measured(tmp_path: Path, full: bool) -> None:
    _, stored = written(tmp_path)
    frames = list(frames_of_clip(tmp_path / "videos" / "one.mp4", stored, full=full))
    _, image = frames[10]
    size = (240, 320) if full else (CROP_PX, CROP_PX)
    assert image.shape == (size[0] + PANEL_PX, size[1], 3)
    place = hands(len(TIMES))[10, THUMB_TIP]
    if not full:
        crops = stored.crops()
        assert crops
        box = crops[10]
        place = (place - (box.x, box.y) + box.side / 2) * CROP_PX / box.side
    x, y = place.round().astype(int)
    assert np.abs(image[y, x].astype(int) - TIP_COLOURS[0]).max() < 12


def test_only_the_hand_is_told_in_the_whole_image(tmp_path: Path) -> None:
    _, stored = written(tmp_path)
    _, image = next(frames_of_clip(tmp_path / "videos" / "one.mp4", stored, full=True))
    far = image[150:230, 10:90].astype(float)
    assert noise_image()[150:230, 10:90].std() > 60
    assert far.std() < 12
    palm = image[110:130, 140:155].astype(float)
    assert palm.std() > 40


def test_a_repeated_picture_shows_the_tips_of_the_first(tmp_path: Path) -> None:
    _, stored = written(tmp_path)
    few = replace(stored, frames=np.array([0, 2, 3]))
    assert [few.row_of_frame(n) for n in range(5)] == [0, 0, 1, 2, 2]


def results(table: Path, *videos: Path, **options: Pseudonyms) -> list[OverlayResult]:
    """Write clips and return what became of them."""
    return list(write_overlays(read_features(table), videos, table.parent / "clips", **options))


def test_a_video_that_changed_gets_no_clip_and_costs_only_itself(tmp_path: Path) -> None:
    table = filmed_study(tmp_path, ["one", "two", "three"])
    film(tmp_path / "videos" / "two.mp4", 12, seed=9)
    (tmp_path / "features.tapscope" / "three.keypoints.csv").unlink()
    film(tmp_path / "videos" / "new.mp4", 3)
    found = results(table, tmp_path / "videos")
    assert [(one.shown_name, one.path is not None) for one in found[:3]] == [
        ("one", True), ("two", False), ("three", False)
    ]  # fmt: skip
    assert "is not the video that was analysed" in found[1].problem
    assert "run 'tapscope analyze'" in found[2].problem
    assert "is no recording of" in found[3].problem
    assert [path.name for path in (tmp_path / "clips").iterdir()] == ["one.overlay.mp4"]


def test_a_recording_without_a_hand_gets_no_clip(tmp_path: Path) -> None:
    table = filmed_study(tmp_path)
    file = tmp_path / "features.tapscope" / "one.keypoints.csv"
    file.write_text(file.read_text().replace("0.99", "0.01"))
    (found,) = results(table, tmp_path / "videos")
    assert "no hand was found" in found.problem


def test_pseudonyms_stand_for_names_in_files_and_messages(tmp_path: Path) -> None:
    table = filmed_study(tmp_path, ["Roe <script>", "Doe"])
    film(tmp_path / "videos" / "Doe.mp4", 12, seed=9)
    names = Pseudonyms(read_features(table))
    first, second = results(table, tmp_path / "videos", pseudonyms=names)
    assert first.path == tmp_path / "clips" / "recording-001.overlay.mp4"
    assert second.shown_name == "recording-002"
    assert second.problem
    assert "Doe" not in second.problem


def test_unknown_tips_are_not_drawn() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    draw_tips(image, np.full((2, 2), np.nan), np.full((3, 2, 2), np.nan), is_closed=True)
    assert not image.any()
