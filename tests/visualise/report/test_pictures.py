"""Pictures of the hand in the report: which moments, where from, and what they must not show."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tapscope.errors import VideoError
from tapscope.pipeline.result_reader import VideoTable, read_features
from tapscope.visualise.report.page import report_page, write_report
from tapscope.visualise.report.pictures import (
    SIDE_PX,
    Strip,
    moments,
    pictures_of,
    reachable_videos,
)
from tapscope.visualise.report.study import read_study
from tapscope.visualise.stored_recording import read_stored
from tests.filmed_study import TIMES, film, filmed_study


def pixels(picture: Strip) -> np.ndarray:
    """Return the image of a strip, BGR."""
    head, content = picture.source.split(",")
    assert head == "data:image/jpeg;base64"
    image = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def one(folder: Path) -> VideoTable:
    return read_features(filmed_study(folder))


def test_closure_and_opening_are_shown_and_nothing_but_the_hand(tmp_path: Path) -> None:
    table = one(tmp_path)
    found = pictures_of(table, table.rows[0], reachable_videos(table, None))
    assert found
    assert [(kind, round(moment_s, 2)) for kind, moment_s in found.moments] == [
        ("closure", 0.0), ("opening", 0.5)
    ]  # fmt: skip
    both = pixels(found)
    assert both.shape == (SIDE_PX, 2 * SIDE_PX, 3)
    for image in np.hsplit(both, 2):
        corner = image[:20, -20:].astype(float)
        assert corner.std(axis=(0, 1)).max() < 25  # 74 where it is not blurred
        assert image.astype(float).std() > 20
    assert len(found.source) < 16_000


def test_pictures_are_spread_over_the_taps(tmp_path: Path) -> None:
    table = one(tmp_path)
    stored = read_stored(table, table.rows[0])
    taps = stored.taps
    many = replace(
        taps,
        **{name: np.repeat(getattr(taps, name), 9) for name in (
            "amplitude", "opening_speed_mean", "opening_speed_peak", "closing_speed_mean",
            "closing_speed_peak", "flags")},
        closure_s=np.arange(9) / 9,
        next_closure_s=np.arange(1, 10) / 9,
        peak_s=(np.arange(9) + 0.5) / 9,
    )  # fmt: skip
    rows = moments(replace(stored, taps=many))
    shown_s = [float(TIMES[row]) for row in rows]
    assert shown_s == pytest.approx([0, 0.5 / 9, 4 / 9, 4.5 / 9, 8 / 9, 8.5 / 9], abs=0.04)
    assert moments(replace(stored, taps=taps.select(np.array([False])))) == {}


def test_videos_are_found_where_they_were_where_they_are_or_not_at_all(tmp_path: Path) -> None:
    table = one(tmp_path)
    run = table.folder / "run.json"
    assert list(reachable_videos(table, None)) == ["one.mp4"]
    run.write_text(json.dumps({"options": {"videos": ["videos"]}}))  # beside the table
    assert list(reachable_videos(table, None)) == ["one.mp4"]
    (tmp_path / "videos").rename(tmp_path / "moved")
    assert reachable_videos(table, None) == {}
    assert list(reachable_videos(table, tmp_path / "moved")) == ["one.mp4"]
    run.unlink()
    assert reachable_videos(table, None) == {}
    with pytest.raises(VideoError, match="no such file or folder"):
        reachable_videos(table, tmp_path / "nowhere")


def test_a_recording_without_pictures_says_why(tmp_path: Path) -> None:
    table = filmed_study(tmp_path, ["one", "two"])
    film(tmp_path / "videos" / "two.mp4", 9, seed=5)
    page = write_report(table).read_text()
    assert page.count("<img") == 1
    assert "is not the video that was analysed" in page
    (tmp_path / "videos" / "two.mp4").unlink()
    assert "the video was not found" in write_report(table).read_text()
    page = write_report(table, pictures=False).read_text()
    assert "<img" not in page
    assert "No pictures" not in page


def test_pictures_cost_little(tmp_path: Path) -> None:
    table = one(tmp_path)
    bare = len(report_page(read_study(table)))
    full = len(report_page(read_study(table, videos=reachable_videos(table, None))))
    assert 2000 < full - bare < 20_000
