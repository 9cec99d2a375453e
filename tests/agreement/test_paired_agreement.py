"""The choice of form, properties that hold for any data, and data that define nothing."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tapscope.agreement.correlation import concordance, pearson, spearman
from tapscope.agreement.diagnostics import heteroscedasticity, normality, proportional_bias
from tapscope.agreement.equivalence import equivalence
from tapscope.agreement.error_magnitude import error_magnitudes, share_within
from tapscope.agreement.estimate import Estimate
from tapscope.agreement.icc import intraclass_correlations
from tapscope.agreement.limits_of_agreement import limits_of_agreement
from tapscope.agreement.paired_agreement import PairedAgreement, compare_paired
from tapscope.agreement.pairs import Pairs
from tapscope.agreement.regression import deming, passing_bablok
from tapscope.agreement.repeated_measures import repeated_limits
from tapscope.errors import ComparisonError

SIMPLE = {
    "bias",
    "sd_difference",
    "loa_lower",
    "loa_upper",
    "loa_lower_pair",
    "loa_upper_pair",
    "sem",
    "mdc95",
    "shapiro_wilk_w",
    "proportional_bias_slope",
    "heteroscedasticity_slope",
    "icc_1_1",
    "icc_a_1",
    "icc_c_1",
    "icc_1_k",
    "icc_a_k",
    "icc_c_k",
    "ccc",
    "pearson_r",
    "spearman_rho",
    "deming_slope",
    "deming_intercept",
    "passing_bablok_slope",
    "passing_bablok_intercept",
    "passing_bablok_linearity",
    "rmse",
    "mae",
    "mape_pct",
}

QUICK = [Phase.explicit, Phase.generate]
"""Shrinking a failure of all statistics at once takes minutes."""

values = st.floats(-1e6, 1e6, allow_subnormal=False) | st.just(np.nan)
whole = st.integers(-3, 3).map(float)


def study(seed: int = 3, participants: int = 8, trials: int = 1) -> tuple[np.ndarray, ...]:
    """Return video and sensor rates in Hz, and participants."""
    generator = np.random.default_rng(seed)
    truth = generator.uniform(1, 7, participants * trials)
    noise = generator.normal(0.02, 0.1, truth.size)
    ids = np.repeat([f"P{number}" for number in range(participants)], trials)
    return truth + noise, truth + generator.normal(0, 0.05, truth.size), ids


def compare(*columns: np.ndarray, **options: object) -> PairedAgreement:
    """Compare the columns of a study."""
    video, sensor, ids = columns
    return compare_paired(video, sensor, ids.tolist(), **options)  # type: ignore[arg-type]


def test_simple_form_gives_every_statistic_once() -> None:
    found = compare(*study(), margin=0.2, tolerances=(0.5, 0.1))
    names = [estimate.name for estimate in found]
    assert len(names) == len(set(names))
    extra = {"tost_mean_difference", "share_within_0.5", "share_within_0.1"}
    assert set(names) == SIMPLE | extra
    assert found.form == "simple"
    assert found.note == "8 participants with 8 pairs: simple form"
    assert all(np.isfinite(estimate.value) for estimate in found)
    with pytest.raises(KeyError):
        found["kappa"]


def test_several_trials_choose_the_repeated_form() -> None:
    found = compare(*study(trials=3), margin=0.2, tolerances=(0.1,))
    assert found.form == "repeated"
    assert "repeated form" in found.note
    assert (found.n_participants, found.n_pairs) == (8, 24)
    assert "MOVER" in found["loa_upper"].method
    assert "loa_upper_pair" not in {estimate.name for estimate in found}
    assert found["tost_mean_difference"].n == found["shapiro_wilk_w"].n == 8
    for name in ("ccc", "icc_a_1", "deming_slope", "rmse", "proportional_bias_slope"):
        assert "jackknife over participants" in found[name].method
        assert found[name].low < found[name].value < found[name].high
    assert np.isnan(found["passing_bablok_linearity"].p_value)
    assert 0 < found["proportional_bias_slope"].p_value <= 1
    assert found["mdc95"].high == pytest.approx(1.96 * found["sd_difference"].high)


def test_balanced_trials_agree_with_the_analysis_of_variance() -> None:
    found = compare(*study(participants=30, trials=4))
    for name in ("loa_lower", "loa_upper"):
        # They differ by rounding alone unless a component is cut at 0.
        assert found[name].value == pytest.approx(found[f"{name}_anova"].value, rel=0.02)
    assert found["bias"].value == pytest.approx(found["bias_all_pairs"].value)


def test_unlike_units_give_correlation_and_ranks_only() -> None:
    video, sensor, ids = study()
    found = compare(video * 40, sensor, ids, comparable_units=False, margin=1.0)
    assert [estimate.name for estimate in found] == ["pearson_r", "spearman_rho"]
    assert "unlike units" in found.note
    assert "no equivalence test" in found.note
    assert "no equivalence" not in compare(video, sensor, ids, comparable_units=False).note


def test_missing_sides_are_dropped_and_counted() -> None:
    video, sensor, ids = study()
    whole_study = compare(video, sensor, ids)
    holes = [np.append(video, [np.nan, 1.0, np.inf]), np.append(sensor, [1.0, np.nan, 2.0])]
    found = compare(*holes, np.append(ids, ["P0", "P1", "P9"]))
    assert (found.n_pairs, found.form) == (8, "simple")
    for one, other in zip(found, whole_study, strict=True):
        assert one.n_dropped == 3
        assert (one.value, one.low, one.high) == (other.value, other.low, other.high)


def test_unknown_participants_are_their_own() -> None:
    video, sensor, _ = study()
    ids = ["", "", "A", "B", "", "C", "D", "E"]
    found = compare_paired(video, sensor, ids)
    assert (found.form, found.n_participants) == ("simple", 8)
    assert "3 pairs without a participant" in found.note
    assert compare_paired(video, sensor, None).n_participants == 8


def test_direction_is_video_minus_sensor() -> None:
    bias, *_ = limits_of_agreement(Pairs.of([2.0, 3.0, 5.0], [1.0, 2.0, 3.0]))
    assert bias.value == pytest.approx(4 / 3)
    slope, intercept = deming(Pairs.of([1.0, 3.0, 5.0, 7.0], [0.0, 1.0, 2.0, 3.0]))
    assert (slope.value, intercept.value) == pytest.approx((2, 1))


def every_estimate(video: np.ndarray, sensor: np.ndarray) -> list[Estimate]:
    """Return every statistic there is, in simple and in repeated form."""
    ids = [f"P{place // 2}" for place in range(len(video))]
    return [
        *compare_paired(video, sensor, None, margin=1.0, tolerances=(0.5,)),
        *compare_paired(video, sensor, ids, margin=1.0, tolerances=(0.5,)),
        *repeated_limits(Pairs.of(video, sensor, ids)),
    ]


@settings(max_examples=60, phases=QUICK)
@given(
    arrays(np.float64, st.shared(st.integers(0, 12), key="n"), elements=values | whole),
    arrays(np.float64, st.shared(st.integers(0, 12), key="n"), elements=values | whole),
)
def test_any_data_give_numbers_or_nan_with_a_reason(video: np.ndarray, sensor: np.ndarray) -> None:
    for estimate in every_estimate(video, sensor):
        assert not np.isinf([estimate.value, estimate.low, estimate.high]).any(), estimate
        if np.isnan(estimate.value):
            assert "undefined" in estimate.method, estimate
        assert not estimate.p_value < 0
        assert not estimate.p_value > 1
        if not np.isnan(estimate.low) and estimate.name != "passing_bablok_intercept":
            slack = 1e-9 * max(1.0, abs(estimate.value))
            assert estimate.low - slack <= estimate.value <= estimate.high + slack, estimate


@settings(max_examples=40)
@given(
    arrays(np.float64, 9, elements=st.floats(0.5, 100)),
    arrays(np.float64, 9, elements=st.floats(-5, 5)),
    st.sampled_from([0.001, 0.5, 40.0, 1e5]),
)
def test_a_change_of_unit_changes_only_the_unit(
    sensor: np.ndarray, noise: np.ndarray, factor: float
) -> None:
    # Away from rounding, where whether values vary at all depends on the last bit.
    noise, sensor = np.round(noise, 3), np.round(sensor, 3)
    one = compare_paired(sensor + noise, sensor, None)
    other = compare_paired(factor * (sensor + noise), factor * sensor, None)
    in_unit = {"bias", "sd_difference", "sem", "mdc95", "rmse", "mae"}
    for name in SIMPLE - {"passing_bablok_linearity"}:
        scaled = name in in_unit or name.startswith("loa") or name.endswith("intercept")
        expected = one[name].value * (factor if scaled else 1)
        atol = 1e-7 * (factor * 100 if scaled else 1)
        np.testing.assert_allclose(other[name].value, expected, rtol=1e-5, atol=atol)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_exchanging_the_methods(seed: int) -> None:
    video, sensor, _ = study(seed, participants=9)
    one, other = compare_paired(video, sensor, None), compare_paired(sensor, video, None)
    assert other["bias"].value == pytest.approx(-one["bias"].value)
    mirrored = (-one["loa_upper"].high, -one["loa_upper"].low)
    assert (other["loa_lower"].low, other["loa_lower"].high) == pytest.approx(mirrored)
    for name in ("ccc", "pearson_r", "spearman_rho", "icc_a_1", "icc_c_k", "rmse", "sem"):
        assert other[name].value == pytest.approx(one[name].value)
    assert other["deming_slope"].value == pytest.approx(1 / one["deming_slope"].value)
    # 36 slopes between nine points: the median is a mean of two, whose inverse is not exact.
    inverse = 1 / one["passing_bablok_slope"].value
    assert other["passing_bablok_slope"].value == pytest.approx(inverse, rel=0.02)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.permutations(range(12)))
def test_order_does_not_matter(seed: int, order: list[int]) -> None:
    video, sensor, ids = study(seed, participants=4, trials=3)
    one = compare(video, sensor, ids, margin=0.1)
    other = compare(video[order], sensor[order], ids[order], margin=0.1)
    for before, after in zip(one, other, strict=True):
        found, expected = (after.value, after.low, after.high), (before.value, before.low)
        np.testing.assert_allclose(found[:2], expected, rtol=1e-6, atol=1e-9)


def test_identical_methods() -> None:
    same = np.array([1.0, 2.5, 3.0, 4.5, 7.0, 2.0])
    found = compare_paired(same, same, None, margin=0.1, tolerances=(0.1,))
    for name in ("bias", "loa_lower", "loa_upper", "rmse", "mae", "sem", "tost_mean_difference"):
        assert found[name].value == 0
        assert np.isnan(found[name].low)
        assert "do not vary" in found[name].method
    for name in ("ccc", "pearson_r", "spearman_rho", "icc_a_1", "deming_slope"):
        assert found[name].value == pytest.approx(1)
    assert np.isnan(found["pearson_r"].low) and np.isnan(found["ccc"].low)
    assert np.isnan(found["icc_c_1"].low)
    assert np.isnan(found["shapiro_wilk_w"].value)
    assert found["passing_bablok_linearity"].value == 0
    assert (found["share_within_0.1"].value, found["share_within_0.1"].high) == (1, 1)


def test_a_constant_offset_is_no_spread() -> None:
    # 0.1 added to decimal numbers leaves differences that vary in the last bit only.
    sensor = np.array([0.3, 1.7, 2.9, 5.3, 4.1, 3.3])
    ids = ["A", "A", "B", "B", "C", "C"]
    for participants in (None, ids):
        found = compare_paired(sensor + 0.1, sensor, participants, margin=0.2)
        assert found["bias"].value == pytest.approx(0.1)
        assert np.isnan(found["loa_lower"].low)
        assert np.isnan(found["proportional_bias_slope"].value)
        assert np.isnan(found["shapiro_wilk_w"].p_value)
        assert np.isnan(found["tost_mean_difference"].p_value)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_pairs_give_nan_and_a_reason(n: int) -> None:
    video, sensor = np.arange(n) + 0.5, np.arange(n) * 1.5
    for estimate in compare_paired(video, sensor, None, margin=1.0):
        assert np.isnan([estimate.value, estimate.low, estimate.high]).all()
        assert "undefined: fewer than 3" in estimate.method


def test_too_few_participants_for_repeated_limits() -> None:
    video, sensor, ids = study(participants=2, trials=4)
    found = compare(video, sensor, ids, margin=1.0)
    assert "undefined: fewer than 3 participants" in found["loa_lower"].method
    assert np.isnan(found["loa_lower"].value)
    assert np.isfinite(found["pearson_r"].value) and np.isnan(found["pearson_r"].low)
    assert "too few participants" in found["pearson_r"].method
    single = repeated_limits(Pairs.of([1.0, 2.0, 4.0], [1.0, 2.0, 3.0], ["A", "B", "C"]))
    assert "no participant has two trials" in single[0].method


def test_a_constant_side_has_no_correlation() -> None:
    for video, sensor in (([1.0, 2, 3, 4], [2.0, 2, 2, 2]), ([2.0, 2, 2, 2], [1.0, 2, 3, 4])):
        pairs = Pairs.of(video, sensor)
        found = [pearson(pairs), spearman(pairs), concordance(pairs)]
        found += [*deming(pairs), *passing_bablok(pairs)]
        assert all(np.isnan(estimate.value) for estimate in found)
        assert all("do not vary" in estimate.method for estimate in found)
    against = {e.name: e for e in intraclass_correlations([[1.0, 3.1], [2.0, 2.0], [3.0, 1.0]])}
    assert against["icc_a_1"].value < -0.99
    flat = intraclass_correlations([[1.0, 2.0], [2.0, 1.0], [1.5, 1.5]])
    assert "targets do not differ" in flat[0].method
    opposite = np.array([1.0, 2.0, 3.0, 4.0])
    assert "means do not vary" in proportional_bias(Pairs.of(opposite, 5 - opposite)).method
    assert "means do not vary" in heteroscedasticity(Pairs.of(opposite, 5 - opposite)).method


def test_regressions_say_what_they_cannot() -> None:
    square = ([0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0])
    assert "do not covary" in deming(Pairs.of(*square))[0].method
    assert "no positive association" in passing_bablok(Pairs.of(*square))[0].method
    falling = passing_bablok(Pairs.of([4.0, 3.0, 2.0, 0.5], [1.0, 2.0, 3.0, 4.0]))
    assert "no positive association" in falling[0].method
    three = passing_bablok(Pairs.of([1.0, 2.1, 2.9], [1.0, 2.0, 3.0]))
    assert np.isfinite(three[0].value) and "too few pairs" in three[0].method
    corner = deming(Pairs.of([0.0, 0.0, 1.0], [0.0, 0.0, 1.0]))
    assert corner[0].value == pytest.approx(1)
    assert "without one pair there is no line" in corner[0].method
    vertical = passing_bablok(Pairs.of([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 0, 0, 0, 0, 1]))
    assert "vertical" in vertical[0].method


def test_linearity_test_sees_a_bend() -> None:
    sensor = np.linspace(0, 10, 60)
    noise = np.random.default_rng(8).normal(0, 0.2, 60)
    assert passing_bablok(Pairs.of(sensor + noise, sensor))[2].p_value > 0.1
    assert passing_bablok(Pairs.of(sensor**2 / 10 + noise, sensor))[2].p_value < 0.01


def test_three_pairs_have_a_correlation_without_interval() -> None:
    found = pearson(Pairs.of([1.0, 2.0, 2.5], [1.0, 2.5, 2.4]))
    assert np.isfinite(found.value) and np.isnan(found.low)
    assert "needs 4 pairs" in found.method


def test_differences_on_a_line_have_no_test_of_the_slope() -> None:
    sensor = np.array([1.0, 2.0, 4.0, 8.0])
    found = proportional_bias(Pairs.of(2 * sensor, sensor))
    assert found.value == pytest.approx(2 / 3)
    assert "points lie on the line" in found.method


def test_percentages_leave_out_zero() -> None:
    found = {
        e.name: e for e in error_magnitudes(Pairs.of([1.0, 1.1, 2.4, 4.0], [0.0, 1.0, 2.0, 4.0]))
    }
    assert found["mape_pct"].value == pytest.approx(10)
    assert found["mape_pct"].n == 3
    assert "1 pairs with sensor 0 left out" in found["mape_pct"].method


def test_share_within_a_tolerance() -> None:
    sensor = np.array([1.0, 2.0, 3.0, 4.0])
    video = sensor + np.array([0.1, -0.1, 0.4, -0.6])
    found = share_within(Pairs.of(video, sensor), 0.1)
    assert found.value == 0.5
    trials = ["A", "A", "B", "B"]
    clustered = share_within(Pairs.of(video, sensor, trials), 0.1)
    assert clustered.high - clustered.low > found.high - found.low
    assert "design effect" in clustered.method
    assert np.isnan(share_within(Pairs.of([], []), 0.1).value)


def test_normality_of_very_many_pairs_is_not_claimed() -> None:
    many = np.random.default_rng(1).normal(size=5001)
    assert "more than 5000" in normality(Pairs.of(many, np.zeros(5001))).method


def test_refusals() -> None:
    with pytest.raises(ComparisonError, match="2 video values against 3"):
        compare_paired([1, 2], [1, 2, 3], None)
    with pytest.raises(ComparisonError, match="1 participants for 2 pairs"):
        compare_paired([1, 2], [1, 2], ["A"])
    with pytest.raises(ComparisonError, match="one list"):
        pearson(Pairs.of([[1, 2]], [[1, 2]]))
    with pytest.raises(ComparisonError, match="confidence level"):
        compare_paired([1, 2, 3], [1, 2, 4], None, confidence_level=95)
    with pytest.raises(ComparisonError, match="margin"):
        compare_paired([1, 2, 3], [1, 2, 4], None, margin=-1.0)
    with pytest.raises(ComparisonError, match="tolerance"):
        compare_paired([1, 2, 3], [1, 2, 4], None, tolerances=(0.0,))
    with pytest.raises(ComparisonError, match="ratio"):
        deming(Pairs.of([1, 2, 3], [1, 2, 4]), error_variance_ratio=0)
    with pytest.raises(ComparisonError, match="table"):
        intraclass_correlations([1.0, 2.0])
    with pytest.raises(ValueError, match="reversed"):
        Estimate("bias", 0.0, 1.0, -1.0, 0.95, "made up", 3)
    assert "50 %" in equivalence(Pairs.of([1, 2, 3], [1, 2, 4]), 1.0, confidence_level=0.4).method
