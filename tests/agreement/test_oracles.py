"""Other libraries agree on random data."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.weightstats import ttost_paired

from tapscope.agreement.correlation import pearson, spearman
from tapscope.agreement.diagnostics import heteroscedasticity, normality, proportional_bias
from tapscope.agreement.equivalence import equivalence
from tapscope.agreement.events import match_events
from tapscope.agreement.kappa import cohen_kappa
from tapscope.agreement.limits_of_agreement import one_sided_factor, two_sided_factor
from tapscope.agreement.pairs import Pairs
from tapscope.agreement.regression import deming, passing_bablok

SEEDS = range(5)


def random_pairs(seed: int, n: int = 25) -> tuple[np.ndarray, np.ndarray]:
    """Return two noisy measurements of the same values, with a bias."""
    generator = np.random.default_rng(seed)
    truth = generator.uniform(1, 8, n)
    return truth + generator.normal(0.1, 0.3, n), truth + generator.normal(0, 0.2, n)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("margin", [0.05, 0.2, 1.0])
def test_equivalence_against_statsmodels(seed: int, margin: float) -> None:
    video, sensor = random_pairs(seed)
    expected, _, _ = ttost_paired(video, sensor, -margin, margin)
    found = equivalence(Pairs.of(video, sensor), margin)
    assert found.p_value == pytest.approx(expected, rel=1e-9)
    inside = -margin < found.low and found.high < margin
    assert inside == (found.p_value < 0.05)
    assert found.confidence_level == pytest.approx(0.9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ratio", [0.25, 1.0, 3.0])
def test_deming_against_orthogonal_distance_regression(seed: int, ratio: float) -> None:
    odrpack = pytest.importorskip("odrpack")
    video, sensor = random_pairs(seed)
    fit = odrpack.odr_fit(
        lambda x, beta: beta[0] * x + beta[1],
        sensor,
        video,
        np.array([1.0, 0.0]),
        weight_x=1.0,
        weight_y=1 / ratio,
        diff_scheme="central",
        maxit=1000,
        sstol=1e-14,
        partol=1e-14,
    )
    slope, intercept = deming(Pairs.of(video, sensor), error_variance_ratio=ratio)
    np.testing.assert_allclose([slope.value, intercept.value], fit.beta, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", [3, 5, 17, 60])
@pytest.mark.parametrize("confidence", [0.025, 0.95, 0.975])
def test_factors_against_toleranceinterval(n: int, confidence: float) -> None:
    twoside = pytest.importorskip("toleranceinterval.twoside")
    oneside = pytest.importorskip("toleranceinterval.oneside")
    expected = float(np.squeeze(twoside.normal_factor(n, 0.95, confidence, method="exact")))
    assert two_sided_factor(n, 0.95, confidence) == pytest.approx(expected, rel=1e-6)
    sample = random_pairs(1, n)[0]
    upper = float(np.squeeze(oneside.normal(sample, 0.95, confidence)))
    factor = (upper - sample.mean()) / sample.std(ddof=1)
    quantile = float(stats.norm.ppf(0.95))
    assert one_sided_factor(n, quantile, confidence) == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_matching_against_mir_eval(seed: int) -> None:
    mir_eval_util = pytest.importorskip("mir_eval.util")
    generator = np.random.default_rng(seed)
    sensor = np.sort(generator.uniform(0, 5, 30))
    video = np.sort(np.concatenate((sensor[::2] + generator.normal(0, 0.08, 15), [1.0, 2.0])))
    expected = mir_eval_util.match_events(sensor, video, 0.1)
    found = match_events(video, sensor, 0.1)
    assert found.matched == len(expected)
    total = sum(abs(sensor[reference] - video[estimate]) for reference, estimate in expected)
    assert np.abs(found.error_s).sum() <= total + 1e-12


@pytest.mark.parametrize("seed", SEEDS)
def test_tests_and_correlations_against_scipy(seed: int) -> None:
    video, sensor = random_pairs(seed)
    line = stats.linregress((video + sensor) / 2, video - sensor)
    found = proportional_bias(Pairs.of(video, sensor))
    assert (found.value, found.p_value) == pytest.approx((line.slope, line.pvalue))
    residual = np.abs(video - sensor - line.intercept - line.slope * (video + sensor) / 2)
    glejser = stats.linregress((video + sensor) / 2, residual)
    spread = heteroscedasticity(Pairs.of(video, sensor))
    assert (spread.value, spread.p_value) == pytest.approx((glejser.slope, glejser.pvalue))
    shapiro = stats.shapiro(video - sensor)
    assert normality(Pairs.of(video, sensor)).p_value == pytest.approx(shapiro.pvalue, rel=1e-6)
    product = stats.pearsonr(video, sensor)
    interval = product.confidence_interval(0.95)
    r = pearson(Pairs.of(video, sensor))
    expected = (product.statistic, interval.low, interval.high, product.pvalue)
    assert (r.value, r.low, r.high, r.p_value) == pytest.approx(expected)
    ranks = stats.spearmanr(np.round(video), np.round(sensor))
    rho = spearman(Pairs.of(np.round(video), np.round(sensor)))
    assert (rho.value, rho.p_value) == pytest.approx((ranks.statistic, ranks.pvalue))


@pytest.mark.parametrize("seed", SEEDS)
def test_passing_bablok_against_its_definition(seed: int) -> None:
    generator = np.random.default_rng(seed)
    # Whole numbers make ties, vertical pairs and slopes of exactly -1.
    sensor = generator.integers(0, 9, 13).astype(float)
    video = sensor + generator.integers(-2, 3, 13)
    slopes = []
    for i in range(13):
        for j in range(i):
            run, rise = sensor[i] - sensor[j], video[i] - video[j]
            if run == 0 and rise == 0:
                continue
            slope = rise / run if run else np.copysign(np.inf, rise)
            if slope != -1:
                slopes.append(slope)
    slopes.sort()
    shift, count = sum(slope < -1 for slope in slopes), len(slopes)
    if count % 2:
        expected = slopes[(count + 1) // 2 + shift - 1]
    else:
        expected = (slopes[count // 2 + shift - 1] + slopes[count // 2 + shift]) / 2
    assert passing_bablok(Pairs.of(video, sensor))[0].value == pytest.approx(expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("choices", [2, 4])
def test_kappa_against_statsmodels(seed: int, choices: int) -> None:
    generator = np.random.default_rng(seed)
    one = generator.integers(0, choices, 60)
    other = np.where(generator.uniform(size=60) < 0.6, one, generator.integers(0, choices, 60))
    table = np.zeros((choices, choices))
    np.add.at(table, (one, other), 1)
    expected = cohens_kappa(table)
    found = cohen_kappa(one, other)
    assert found.value == pytest.approx(expected.kappa)
    assert (found.low, found.high) == pytest.approx((expected.kappa_low, expected.kappa_upp))
    assert found.n == 60
