"""Clocks related by cues, or as stated."""

import numpy as np
import pytest

from tapscope.sync.clock_relation import from_cues, given_offset


def test_one_cue_gives_the_offset() -> None:
    found = from_cues([(1.5, 101.25)])
    assert (found.offset_s, found.drift_known, found.aligned_from_data) == (99.75, False, False)
    assert found.flag == ""


def test_distant_cues_give_the_drift() -> None:
    cues = [(video_s, 100 + video_s * (1 + 5e-5)) for video_s in (0.0, 50.0, 100.0)]
    found = from_cues(cues)
    assert found.drift_known
    assert found.drift_ppm == pytest.approx(50)
    assert found.offset_s == pytest.approx(100)
    assert np.isnan(from_cues(cues[::2]).drift_interval_ppm).all()
    assert not from_cues([(0.0, 100.0), (10.0, 110.2)]).drift_known


@pytest.mark.parametrize("cues", [[], [(1.0, np.nan)]])
def test_cues_must_be_times(cues: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="finite times"):
        from_cues(cues)


def test_given_offset_is_said_to_be_given() -> None:
    found = given_offset(12.5)
    assert not found.aligned_from_data
    assert np.isnan(found.r)
    assert found.to_video_time(np.array([13.5]))[0] == 1.0
