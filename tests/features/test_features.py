"""Features, their registry, and the verdict on a recording."""

from dataclasses import replace

import numpy as np
import pytest

from tapscope.features import (
    FEATURES,
    Acquisition,
    Context,
    Expected,
    compute,
    data_dictionary,
    in_task,
    quality_status,
)
from tapscope.protocol.rules import QualityRules
from tapscope.records import Trajectory
from tests.signal_path import path_of
from tests.synthetic import Motion, frames, sampled, tapping

RULES = QualityRules()


def context_of(trajectory: Trajectory, **more: object) -> Context:
    found = path_of(trajectory)
    return in_task(trajectory, found.movement, found.task, found.taps, **more)


def features_of(motion: Motion, noise: float = 0.01) -> dict[str, float]:
    return compute(context_of(sampled(motion, frames(), noise=noise)))


@pytest.fixture(scope="module")
def steady() -> dict[str, float]:
    return features_of(tapping(3.0, phase=0.2))


@pytest.fixture(scope="module")
def halted() -> dict[str, float]:
    return features_of(tapping(3.0, phase=0.2, halts={9: 1.0}))


@pytest.fixture(scope="module")
def fading() -> dict[str, float]:
    return features_of(tapping(3.0, phase=0.2, decrement=0.05))


def test_steady_taps_have_the_numbers_of_a_raised_cosine(steady: dict[str, float]) -> None:
    expected = {
        "tapping_rate_hz": 3.0,
        "spectral_rate_hz": 3.0,
        "amplitude_mean": 1.0,
        "amplitude_median": 1.0,
        "range": 0.98,
        "opening_speed_peak_mean": np.pi * 3.0,
        "closing_speed_peak_mean": np.pi * 3.0,
        "cycle_speed": 3.0,
        "inter_tap_interval_mean_s": 1 / 3,
        "inter_tap_interval_median_s": 1 / 3,
        "amplitude_decrement_ratio": 1.0,
        "autocorrelation_peak": 1.0,
        "tracked_frames_pct": 100.0,
        "sampling_rate_hz": 30.0,
    }
    for name, value in expected.items():
        assert steady[name] == pytest.approx(value, rel=0.04), name
    # 80 % of the rise within the phases that sin² spends between 10 and 90 %
    rise_s = (np.arcsin(np.sqrt(0.9)) - np.arcsin(np.sqrt(0.1))) / (np.pi * 3.0)
    assert steady["opening_speed_mean"] == pytest.approx(0.8 / rise_s, rel=0.04)
    assert steady["closing_speed_mean"] == pytest.approx(0.8 / rise_s, rel=0.04)
    assert steady["amplitude_cv"] < 0.03
    assert steady["inter_tap_interval_cv"] < 0.03
    assert steady["noise"] == pytest.approx(0.01, rel=0.4)
    assert -2.5 < steady["sparc"] < -1


def test_steady_taps_neither_halt_nor_hesitate_nor_fade(steady: dict[str, float]) -> None:
    for name in ("hesitation_count", "halt_count", "longest_halt_s", "freeze_share"):
        assert steady[name] == 0, name
    assert np.isnan(steady["decrement_onset_tap"])
    for name in ("amplitude_slope_pct_per_tap", "interval_slope_pct_per_tap"):
        assert abs(steady[name]) < 0.2, name


def test_a_halt_shows_in_halts_and_in_the_variation_alike(
    steady: dict[str, float], halted: dict[str, float]
) -> None:
    assert halted["halt_count"] == 1
    assert halted["longest_halt_s"] == pytest.approx(1.0, abs=0.2)
    assert halted["freeze_share"] == pytest.approx(1 / 7.5, abs=0.04)
    assert halted["hesitation_count"] == 1
    assert halted["inter_tap_interval_cv"] > 0.2
    assert steady["inter_tap_interval_cv"] < 0.05
    assert halted["rhythm_entropy"] > steady["rhythm_entropy"]
    assert halted["spectral_entropy"] > steady["spectral_entropy"]
    assert halted["inter_tap_interval_sd_s"] > 0.05


def test_a_decrement_shows_in_the_sequence(fading: dict[str, float]) -> None:
    third = fading["tap_count"] // 3
    assert fading["amplitude_decrement_ratio"] == pytest.approx(0.95 ** (2 * third), rel=0.08)
    assert fading["amplitude_slope_pct_per_tap"] < -3
    assert fading["speed_slope_pct_per_tap"] < -3
    assert fading["decrement_onset_tap"] == pytest.approx(6, abs=1)
    assert fading["halt_count"] == 0


def test_slow_wide_taps_do_not_count_as_halts() -> None:
    assert features_of(tapping(0.7))["halt_count"] == 0


def test_units_of_the_same_motion_scale_and_sources_agree() -> None:
    plain = sampled(tapping(2.5, seed=3, jitter=0.05, spread=0.1), frames())
    video = compute(context_of(replace(plain, source="video")))
    sensor = compute(context_of(replace(plain, source="gyroscope")))
    assert video == pytest.approx(sensor, nan_ok=True)
    scaled = compute(context_of(replace(plain, aperture=50 * plain.aperture, unit="px")))
    for feature in FEATURES:
        factor = 50 if "{unit}" in feature.unit else 1
        assert scaled[feature.name] == pytest.approx(
            factor * video[feature.name], rel=1e-3, abs=1e-6, nan_ok=True
        ), feature.name


def test_pixels_are_kept_beside_any_unit() -> None:
    trajectory = sampled(tapping(3.0), frames())
    found = compute(context_of(trajectory, acquisition=Acquisition(px_per_unit=120, hand_px=120)))
    assert found["amplitude_median_px"] == pytest.approx(120 * found["amplitude_median"])
    assert found["hand_px"] == 120


def test_no_taps_give_unknown_numbers_and_a_failure_with_its_reason() -> None:
    time_s = frames()
    still = compute(context_of(Trajectory(time_s, np.full(len(time_s), np.nan), "px", "video")))
    assert still["tap_count"] == 0
    assert still["longest_gap_s"] == pytest.approx(np.ptp(time_s))
    unknown = {name for name, value in still.items() if np.isnan(value)}
    assert {"tapping_rate_hz", "amplitude_mean", "inter_tap_interval_cv", "sparc"} <= unknown
    verdict = quality_status(still, RULES)
    assert verdict.status == "failed"
    assert verdict.flags[:2] == ("untracked", "too_few_taps")
    assert "0 taps found" in verdict.reason


def test_an_empty_trajectory_has_no_features() -> None:
    empty = compute(context_of(Trajectory(np.zeros(0), np.zeros(0), "px", "video")))
    assert {name for name, value in empty.items() if value == 0} == {
        "tap_count",
        "hesitation_count",
        "halt_count",
        "other_bouts_s",
        "suspected_missed_taps",
        "open_closures",
    }


def test_very_few_taps_leave_spread_unknown() -> None:
    time_s = frames(1.2)
    found = compute(context_of(sampled(tapping(1.0, phase=0.0), time_s, noise=0.005)))
    assert found["tap_count"] == 1
    for name in ("inter_tap_interval_sd_s", "amplitude_cv", "amplitude_decrement_ratio"):
        assert np.isnan(found[name]), name


def test_a_good_recording_is_ok(steady: dict[str, float]) -> None:
    verdict = quality_status(steady, RULES)
    assert (verdict.status, verdict.reason, verdict.flags) == ("ok", "", ())


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"tracked_frames_pct": 80.0}, "partly_untracked"),
        ({"longest_gap_s": 1.0}, "long_gap"),
        ({"median_confidence": 0.4}, "low_confidence"),
        (
            {
                "tapping_rate_hz": 8.5,
                "spectral_rate_hz": 8.5,
                "inter_tap_interval_median_s": 1 / 8.5,
                "peak_rate_hz": 8.5,
            },
            "rate_near_nyquist",
        ),
        ({"spectral_rate_hz": 6.0}, "rate_disagrees"),
        ({"task_duration_s": 2.0, "tap_count": 6}, "short_task"),
        ({"suspected_missed_taps": 1}, "missed_taps"),
        ({"peak_rate_hz": 3.2}, "closures_disagree"),
        ({"peak_rate_hz": 3.2, "halt_count": 1, "longest_halt_s": 0.4}, "closures_disagree"),
        ({"second_rate_hz": 3.2}, "keypoints_disagree"),
        ({"other_bouts_s": 6.0}, "several_bouts"),
        ({"hand_px": 30.0}, "small_hand"),
        ({"mirror_agreement_pct": 40.0}, "tips_disputed"),
        ({"noise": 0.3, "amplitude_median": 1.0}, "noisy"),
        ({"metronome_rate_error_hz": -0.5}, "off_metronome"),
    ],
)
def test_each_doubt_is_raised_and_explained(
    steady: dict[str, float], change: dict[str, float], flag: str
) -> None:
    verdict = quality_status(steady | change, RULES)
    assert verdict.status == "doubtful"
    assert verdict.flags == (flag,)
    assert verdict.reason


def test_reasons_name_the_value_and_its_limit(steady: dict[str, float]) -> None:
    verdict = quality_status(steady | {"tracked_frames_pct": 89.7}, RULES)
    assert verdict.reason == "the tips are known in 89.7 % of the task's frames (limit 90 %)"


@pytest.mark.parametrize(
    ("spread", "spectral_rate_hz", "flags"),
    [(0.05, 3.6, ("rate_disagrees",)), (0.25, 3.6, ()), (0.25, 4.5, ("rate_disagrees",))],
)
def test_an_irregular_rhythm_may_differ_from_its_strongest_line(
    steady: dict[str, float], spread: float, spectral_rate_hz: float, flags: tuple[str, ...]
) -> None:
    change = {"robust_interval_cv": spread, "spectral_rate_hz": spectral_rate_hz}
    assert quality_status(steady | change, RULES).flags == flags


def test_what_concerns_the_tapper_is_noticed_but_no_doubt(steady: dict[str, float]) -> None:
    stopped = quality_status(steady, RULES, "stopped_early")
    assert (stopped.status, stopped.flags) == ("ok", ("stopped_early",))
    shown_how = quality_status(steady | {"other_bouts_s": 2.0}, RULES)
    assert (shown_how.status, shown_how.flags) == ("ok", ("several_bouts",))
    lost = quality_status(steady, RULES, "hand_lost", Expected(taps=10))
    assert (lost.status, lost.flags) == ("doubtful", ("hand_lost",))


def test_ten_fast_taps_are_enough_however_short(steady: dict[str, float]) -> None:
    short = {"task_duration_s": 2.0}
    assert quality_status(steady | short | {"tap_count": 10}, RULES).status == "ok"
    assert quality_status(steady | short | {"tap_count": 9}, RULES).flags == ("short_task",)


def test_taps_that_are_none_raise_the_rate_and_a_doubt_halts_only_lower_it(
    steady: dict[str, float],
) -> None:
    rate_hz = steady["spectral_rate_hz"]
    more = {"tapping_rate_hz": 1.15 * rate_hz, "peak_rate_hz": 1.15 * rate_hz}
    added = quality_status(steady | more, RULES)
    fewer = {"tapping_rate_hz": 0.8 * rate_hz, "halt_count": 1, "longest_halt_s": 2.0}
    halted = quality_status(steady | fewer, RULES)
    assert added.flags == ("rate_disagrees",)
    assert halted.status == "ok"


def test_the_metronome_is_held_against_the_rate() -> None:
    found = compute(
        context_of(sampled(tapping(2.0), frames()), expected=Expected(metronome_rate_hz=2.5))
    )
    assert found["metronome_rate_error_hz"] == pytest.approx(-0.5, abs=0.02)


def test_the_data_dictionary_describes_every_feature_in_its_unit() -> None:
    rows = data_dictionary("hand_lengths")
    assert [row["name"] for row in rows] == [feature.name for feature in FEATURES]
    assert len({row["name"] for row in rows}) == len(rows)
    assert all(row["formula"] and row["domain"] and row["unit"] for row in rows)
    units = {row["name"]: row["unit"] for row in rows}
    assert units["opening_speed_mean"] == "hand_lengths/s"
    assert units["amplitude_median_px"] == "px"
    assert [row["name"] for row in data_dictionary("px", ["range", "tap_count"])] == [
        "tap_count",
        "range",
    ]


def test_a_value_never_looks_the_same_as_its_limit(steady: dict[str, float]) -> None:
    near = steady | {"tracked_frames_pct": 89.97, "hand_px": 59.6}
    verdict = quality_status(near, RULES)
    assert verdict.status == "doubtful"
    assert "known in 89.97 % of the task's frames (limit 90 %)" in verdict.reason
    assert "59.6 px long (limit 60 px)" in verdict.reason
