"""The first pass, with an engine that sees coloured dots."""

import numpy as np
import pytest

from tapscope.pose.survey import Survey, SurveyResult
from tests.hands import DotEngine, Shape, film, hand_shape, opening


def survey(
    frames: int, *hands: Shape, faint: Shape | None = None, engine: DotEngine | None = None
) -> SurveyResult:
    found = Survey(engine or DotEngine(faint_peak=0.25), 80)
    for batch in film(frames, *hands, faint=faint)():
        found.add(batch)
    return found.finish()


def tapping(n: int) -> np.ndarray:
    return hand_shape(220, 130, aperture=opening(n), size=90)


def test_samples_are_chosen_by_time() -> None:
    found = survey(30)
    frames = np.array(found.sample_time_s) * 30
    assert frames == pytest.approx([0, 3, 6, 8, 11, 13, 15, 18, 21, 23, 26, 28])
    assert (found.scale, found.tracks) == (1.0, [])


def test_every_hand_is_found_within_a_quarter_second() -> None:
    def later(n: int) -> np.ndarray | None:
        return hand_shape(80, 120, aperture=0.3, size=80) if n >= 13 else None

    first, second = survey(40, tapping, later).tracks
    assert len(first.views) == 16
    assert 13 <= 30 * survey(40, tapping, later).sample_time_s[second.first] <= 16


def test_small_hand_is_followed_back_to_where_it_came() -> None:
    def small(n: int) -> np.ndarray | None:
        return hand_shape(60, 60, aperture=0.3, size=40) if n >= 10 else None

    found = survey(60, tapping, small)
    assert [30 * found.sample_time_s[t.first] for t in found.tracks] == pytest.approx([0, 11])


def test_what_is_no_hand_costs_little() -> None:
    def wall(n: int) -> np.ndarray:
        return hand_shape(60, 70, aperture=0.3, size=60)

    costs = []
    for faint in (None, wall):
        engine = DotEngine(faint_peak=0.25)
        found = survey(150, tapping, faint=faint, engine=engine)
        assert len(found.tracks) == 1
        costs.append(engine.images_seen)
    assert costs[1] < costs[0] + 40  # found once, followed for a second, then rejected


def test_large_images_are_reduced() -> None:
    def large(n: int) -> np.ndarray:
        return hand_shape(110, 120, aperture=opening(n), size=90)

    found = Survey(DotEngine(), 80)
    for batch in film(8, large)():
        pixels = batch.pixels.repeat(4, axis=1).repeat(4, axis=2)
        found.add(type(batch)(pixels, batch.time_s, batch.first_frame))
    result = found.finish()
    (track,) = result.tracks
    view = track.views[0]
    assert result.scale == 2.0
    expected = 2 * (large(0) + 0.5) - 0.5
    assert np.abs(view.position_px - expected)[9:].max() < 3
