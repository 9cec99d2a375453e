"""Which offsets are trusted, and the reason why not."""

from dataclasses import replace

import numpy as np
import pytest

from tapscope.records import Trajectory
from tapscope.sync.cross_correlation import choose_sign, synchronise
from tapscope.sync.trust import FLAG_MEANINGS, TRUSTED_FLAGS, Support, flag_of
from tests.sync.pairs import Scenario, simulate

GOOD = Support(
    r=0.95,
    margin=0.1,
    evidence=50.0,
    at_search_edge=False,
    taps=20,
    interval_cv=0.08,
    tap_evidence=20.0,
)
REGULAR = Scenario(interval_cv=(0.0, 0.03), rate_hz=2.0)


@pytest.mark.parametrize(
    ("support", "flag"),
    [
        (GOOD, ""),
        (replace(GOOD, margin=0.02), "by_pattern"),
        (replace(GOOD, r=0.85), "by_pattern"),
        (replace(GOOD, at_search_edge=True), "search_edge"),
        (replace(GOOD, r=0.8), "low_correlation"),
        (replace(GOOD, taps=5), "few_taps"),
        (replace(GOOD, margin=0.02, evidence=10.0), "cycle_ambiguous"),
        (replace(GOOD, margin=0.02, interval_cv=0.029), "regular_taps"),
        (replace(GOOD, margin=0.02, interval_cv=float("nan")), "regular_taps"),
        (replace(GOOD, interval_cv=0.02), ""),
        (replace(GOOD, tap_evidence=3.0), "taps_unconfirmed"),
        (replace(GOOD, margin=0.02, tap_evidence=3.0), "taps_unconfirmed"),
    ],
)
def test_each_reason_has_its_flag(support: Support, flag: str) -> None:
    assert flag_of(support) == flag


def test_what_is_not_trusted_says_what_settles_it() -> None:
    for flag, meaning in FLAG_MEANINGS.items():
        if flag not in TRUSTED_FLAGS:
            assert "--sync-cue" in meaning or "--offset" in meaning or "right log" in meaning


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_the_edge_of_the_search_is_not_trusted_and_not_extrapolated(side: float) -> None:
    time_s = np.arange(0, 12, 1 / 100)
    wave = np.sin(2 * np.pi * 1.5 * time_s) * np.exp(-((time_s - 6) ** 2) / 8)
    video = Trajectory(time_s, wave, "px", "video")
    # The right offset, 0, lies 0.04 s beyond the edge of what is searched.
    found = synchronise(video, video, approximate_offset_s=side * 0.24, within_s=0.2)
    assert found.flag == "search_edge"
    assert found.offset_s == pytest.approx(side * 0.04, abs=1e-9)
    assert 0.8 < found.r < 0.99


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(log="other trial", rate_hz=2.0),
        Scenario(log="other trial", rests=True),
        Scenario(log="other time"),
        Scenario(rough_error_s=(0.5, 2.0), within_s=0.4, rate_hz=3.0),
        replace(REGULAR, log="other time"),
        replace(REGULAR, width_cv=(0.0, 0.03)),
        replace(REGULAR, log="other trial", rests=True),
    ],
)
def test_no_wrong_offset_is_trusted(scenario: Scenario) -> None:
    for seed in range(200, 208):
        pair = simulate(seed, scenario)
        against = replace(pair.sensor, aperture=-pair.sensor.aperture)
        for found in (
            synchronise(
                pair.video,
                pair.sensor,
                approximate_offset_s=pair.rough_offset_s,
                within_s=scenario.within_s,
            ),
            choose_sign(
                pair.video,
                (against, pair.sensor),
                approximate_offset_s=pair.rough_offset_s,
                within_s=scenario.within_s,
            )[1],
        ):
            is_right = abs(found.offset_s - pair.offset_s) < 0.25 / pair.rate_hz
            assert is_right or not found.is_trusted


@pytest.mark.parametrize("scenario", [Scenario(), Scenario(rests=True)])
def test_irregular_taps_are_trusted_and_right(scenario: Scenario) -> None:
    trusted = 0
    for seed in range(200, 210):
        pair = simulate(seed, scenario)
        found = synchronise(pair.video, pair.sensor)
        if found.is_trusted:
            assert found.offset_s == pytest.approx(pair.offset_s, abs=0.005)
            trusted += 1
    assert trusted >= 9
