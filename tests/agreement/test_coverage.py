"""Intervals hold the truth as often as they say, in seeded simulations."""

import numpy as np
from scipy import stats

from tapscope.agreement.correlation import concordance, pearson, spearman
from tapscope.agreement.estimate import Estimate
from tapscope.agreement.icc import intraclass_correlations
from tapscope.agreement.limits_of_agreement import limits_of_agreement
from tapscope.agreement.paired_agreement import compare_paired
from tapscope.agreement.pairs import Pairs
from tapscope.agreement.regression import deming, passing_bablok
from tapscope.agreement.repeated_measures import repeated_limits

BIAS, SD = 0.3, 1.2


def covers(estimates: list[Estimate], truths: dict[str, float]) -> list[bool]:
    """Tell for each truth whether its interval holds it."""
    found = {estimate.name: estimate for estimate in estimates}
    return [found[name].low < truth < found[name].high for name, truth in truths.items()]


def assert_nominal(covered: list[list[bool]], low: float = 0.93, high: float = 0.97) -> None:
    """Check the share of simulations in which each interval holds the truth."""
    shares = np.mean(covered, axis=0)
    assert ((shares >= low) & (shares <= high)).all(), shares


def test_simple_limits() -> None:
    generator = np.random.default_rng(1)
    truths = {
        "bias": BIAS,
        "sd_difference": SD,
        "loa_lower": BIAS - 1.96 * SD,
        "loa_upper": BIAS + 1.96 * SD,
    }
    covered, content = [], []
    for _ in range(1000):
        found = limits_of_agreement(Pairs.of(generator.normal(BIAS, SD, 12), np.zeros(12)))
        covered.append(covers(found, truths))
        lower, upper = found[-2:]
        ends = stats.norm.cdf([lower.low, upper.high, lower.high, upper.low], BIAS, SD)
        content.append([ends[1] - ends[0] >= 0.95, ends[3] - ends[2] >= 0.95])
    assert_nominal(covered)
    # The pair's definition: outer ends hold 95 % of differences in 97.5 % of studies, inner ends
    # in 2.5 %.
    outer, inner = np.mean(content, axis=0)
    assert 0.96 <= outer <= 0.985
    assert 0.015 <= inner <= 0.04


def paired_normal(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two measurements with errors of SD 0.5 of values of mean 6 and SD 1."""
    truth = generator.normal(6, 1, n)
    return truth + generator.normal(0, 0.5, n), truth + generator.normal(0, 0.5, n)


def test_correlations_of_independent_pairs() -> None:
    generator = np.random.default_rng(2)
    r = 1 / 1.25
    truths = {"ccc": r, "icc_1_1": r, "icc_c_1": r, "icc_c_k": 2 * r / (1 + r)}
    truths["spearman_rho"] = 6 / np.pi * np.arcsin(r / 2)
    covered = []
    for _ in range(1000):
        video, sensor = paired_normal(generator, 40)
        found = intraclass_correlations(np.column_stack((video, sensor)))
        found += [concordance(Pairs.of(video, sensor)), spearman(Pairs.of(video, sensor))]
        covered.append(covers(found, truths))
    assert_nominal(covered)


def test_regressions_of_independent_pairs() -> None:
    generator = np.random.default_rng(3)
    truths = dict.fromkeys(("deming_slope", "passing_bablok_slope"), 1.0)
    truths |= dict.fromkeys(("deming_intercept", "passing_bablok_intercept"), 0.0)
    covered = []
    for _ in range(600):
        video, sensor = paired_normal(generator, 40)
        pairs = Pairs.of(video, sensor)
        covered.append(covers(deming(pairs) + passing_bablok(pairs), truths))
    # The intercept's interval at the ends of the slope's is conservative, as known.
    assert_nominal(covered, 0.92, 0.999)


def repeated_differences(
    generator: np.random.Generator, participants: int
) -> tuple[np.ndarray, list[str]]:
    """Return 1 to 5 differences a participant: SD 1 between, 0.8 within, mean 0.3."""
    trials = generator.integers(1, 6, participants)
    ids = [f"P{number:03d}" for number in np.repeat(np.arange(participants), trials)]
    own = np.repeat(generator.normal(BIAS, 1.0, participants), trials)
    return own + generator.normal(0, 0.8, len(ids)), ids


def test_repeated_limits() -> None:
    generator = np.random.default_rng(4)
    spread = float(np.hypot(1.0, 0.8))
    truths = {
        "bias": BIAS,
        "sd_difference": spread,
        "loa_lower": BIAS - 1.96 * spread,
        "loa_upper": BIAS + 1.96 * spread,
    }
    covered = []
    for _ in range(1000):
        difference, ids = repeated_differences(generator, 15)
        pairs = Pairs.of(difference, np.zeros(len(ids)), ids)
        covered.append(covers(repeated_limits(pairs), truths))
    assert_nominal(covered)


def test_jackknife_over_participants() -> None:
    generator = np.random.default_rng(6)
    # Each of 15 participants has a true value and a video error, the same in all four trials.
    ids = np.repeat([f"P{number}" for number in range(15)], 4).tolist()
    truths = {"pearson_r": float(1 / np.sqrt(1.25))}
    covered, naive = [], []
    for _ in range(100):
        truth = np.repeat(generator.normal(0, 1, 15), 4)
        video = truth + np.repeat(generator.normal(0, 0.5, 15), 4)
        video += generator.normal(0, 1e-3, 60)
        found = compare_paired(video, truth, ids, comparable_units=False)
        covered.append(covers(list(found), truths))
        naive.append(covers([pearson(Pairs.of(video, truth))], truths))
    assert_nominal(covered, 0.88, 0.99)
    assert np.mean(naive) < 0.8
