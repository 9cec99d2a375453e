"""Both sides are measured the same way, and each trajectory is estimated once."""

from dataclasses import replace

import numpy as np
import pytest

from tapscope.compare.feature_pairs import feature_names, measure
from tapscope.pipeline import tapping
from tapscope.protocol.protocol import load
from tapscope.records import Taps, Trajectory
from tapscope.signal import smoothing
from tests.synthetic import filmed, reaches

PROTOCOL = load()


def sensor(before_s: float = 3.0, after_s: float = 3.0) -> Trajectory:
    """Return 3 Hz taps for 6 s between two rests, as a sensor of 100 Hz sees them."""
    motion = reaches(3.0, 6.0, lead_in_s=before_s, lead_out_s=after_s, jitter=0.04, seed=3)
    return replace(filmed(motion, 100.0, fidgets=0.02, seed=3), unit="deg", source="gyroscope")


def test_the_rests_in_a_log_are_no_part_of_what_is_measured() -> None:
    found = measure(sensor(), PROTOCOL)
    assert len(found.taps) == 18
    assert found.features["tapping_rate_hz"] == pytest.approx(3.0, rel=0.03)
    assert found.features["task_duration_s"] == pytest.approx(6.0, abs=0.2)


def test_only_taps_within_the_span_count() -> None:
    found = measure(sensor(), PROTOCOL, (4.0, 8.0))
    assert len(found.taps) == pytest.approx(11, abs=1)
    assert found.taps.closure_s[0] >= 4.0
    assert found.taps.next_closure_s[-1] <= 8.0
    assert found.features["task_start_s"] == 4.0
    assert found.features["task_end_s"] == 8.0


def test_given_taps_are_taken_as_they_are() -> None:
    own = measure(sensor(), PROTOCOL).taps
    half = Taps(
        **{name: getattr(own, name)[::2] for name in own.__slots__ if name != "unit"}, unit="deg"
    )
    assert measure(sensor(), PROTOCOL, taps=half).features["tap_count"] == 9


def test_a_trajectory_is_estimated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(*given: object) -> smoothing.Movement:
        calls.append(given)
        return smoothing.estimate(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(tapping, "estimate", counted)
    measure(sensor(), PROTOCOL, (4.0, 8.0))
    assert len(calls) == 1


def test_where_the_task_lies_in_a_log_is_not_compared() -> None:
    names = feature_names(PROTOCOL)
    assert "task_duration_s" in names
    assert not {"task_start_s", "task_end_s", "lead_in_s", "duration_s"} & set(names)
    assert np.isfinite([measure(sensor(), PROTOCOL).features[n] for n in names[:3]]).all()
