"""Taps that were widest while the tips were hidden: they count, but have no amplitude or speed."""

from dataclasses import replace

import numpy as np
import pytest

from tapscope.features import Context, compute
from tapscope.pipeline.tapping import context_of, find_tapping
from tapscope.protocol.protocol import load
from tests.synthetic import Reach, filmed, reaches

HIDDEN = (4, 7, 8, 9, 10)
MEASURED = ("amplitude", "opening_speed_mean", "opening_speed_peak", "closing_speed_mean",
            "closing_speed_peak")  # fmt: skip


def context(motion: Reach) -> Context:
    protocol = load()
    return context_of(find_tapping(filmed(motion, 60.0), protocol), protocol)


def hide(context: Context, taps: tuple[int, ...] = HIDDEN) -> Context:
    """Return a context in which some taps have no numbers, as `taps.measured` leaves them."""
    unknown = np.isin(np.arange(len(context.taps)), taps)
    columns = {name: np.where(unknown, np.nan, getattr(context.taps, name)) for name in MEASURED}
    return replace(context, taps=replace(context.taps, **columns))


def test_a_halt_among_taps_of_unknown_amplitude_is_seen() -> None:
    seen = context(reaches(2.0, 10, halts={8: 1.2}))
    numbers, hidden = compute(seen), compute(hide(seen))
    assert numbers["halt_count"] == 1
    for name in ("halt_count", "longest_halt_s", "freeze_share", "hesitation_count"):
        assert hidden[name] == pytest.approx(numbers[name]), name


@pytest.mark.parametrize(
    "name",
    ["amplitude_mean", "opening_speed_mean", "opening_speed_peak_mean", "closing_speed_mean",
     "closing_speed_peak_mean", "cycle_speed"],
)  # fmt: skip
def test_means_are_those_of_the_known_taps(name: str) -> None:
    seen = context(reaches(2.0, 10, spread=0.1))
    known = ~np.isin(np.arange(len(seen.taps)), HIDDEN)
    others = compute(replace(seen, taps=seen.taps.select(known)))
    assert compute(hide(seen))[name] == pytest.approx(others[name])


def test_speed_varies_as_among_the_known_taps() -> None:
    seen = context(reaches(2.0, 10, spread=0.1))
    known = ~np.isin(np.arange(len(seen.taps)), HIDDEN)
    others = compute(replace(seen, taps=seen.taps.select(known)))
    assert compute(hide(seen))["speed_cv"] == pytest.approx(others["speed_cv"])


@pytest.mark.parametrize("name", ["amplitude_slope_pct_per_tap", "speed_slope_pct_per_tap"])
def test_a_slope_per_tap_counts_the_taps_between(name: str) -> None:
    fading = context(reaches(2.0, 10, decrement_to=0.5))
    every_second = tuple(range(1, len(fading.taps), 2))
    found, hidden = compute(fading)[name], compute(hide(fading, every_second))[name]
    assert found < -1
    assert hidden == pytest.approx(found, rel=0.1)


def test_the_onset_of_a_decrement_has_the_number_of_its_tap() -> None:
    seen = context(reaches(2.0, 10, decrement_to=0.5))
    found, hidden = compute(seen), compute(hide(seen, (3, 4)))
    assert found["decrement_onset_tap"] > 5
    assert hidden["decrement_onset_tap"] == found["decrement_onset_tap"]


def test_speeds_are_unknown_where_no_tap_has_one() -> None:
    seen = context(reaches(2.0, 10))
    hidden = compute(hide(seen, tuple(range(len(seen.taps)))))
    assert np.isnan([hidden["amplitude_mean"], hidden["opening_speed_mean"], hidden["cycle_speed"],
                     hidden["speed_slope_pct_per_tap"]]).all()  # fmt: skip
    assert hidden["halt_count"] == 0
