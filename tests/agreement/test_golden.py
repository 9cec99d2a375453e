"""Published figures, reproduced to the printed digit."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tapscope.agreement.correlation import concordance, pearson, spearman
from tapscope.agreement.diagnostics import proportional_bias
from tapscope.agreement.equivalence import equivalence
from tapscope.agreement.error_magnitude import error_magnitudes
from tapscope.agreement.estimate import Estimate
from tapscope.agreement.icc import intraclass_correlations
from tapscope.agreement.limits_of_agreement import limits_of_agreement, one_sided_factor
from tapscope.agreement.paired_agreement import compare_paired
from tapscope.agreement.pairs import Pairs
from tapscope.agreement.regression import deming, passing_bablok
from tapscope.agreement.repeated_measures import OneWay, repeated_limits

# Peak expiratory flow, first readings: Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8.
LARGE_METER = "494 395 516 434 476 557 413 442 650 433 417 656 267 478 178 423 427"
MINI_METER = "512 430 520 428 500 600 364 380 658 445 432 626 260 477 259 350 451"
# Six targets rated by four judges: Shrout & Fleiss 1979, doi:10.1037/0033-2909.86.2.420.
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def flow() -> tuple[np.ndarray, np.ndarray]:
    """Return the large and the mini meter's readings."""
    return np.array(LARGE_METER.split(), float), np.array(MINI_METER.split(), float)


def named(estimates: list[Estimate]) -> dict[str, Estimate]:
    """Return the estimates by their names, which must be unique."""
    found = {estimate.name: estimate for estimate in estimates}
    assert len(found) == len(estimates)
    return found


def printed(value: float, digits: int) -> str:
    """Return the number as a paper prints it."""
    return f"{value:.{digits}f}"


@pytest.fixture(scope="session")
def golden(shared_data: Path) -> dict[str, object]:
    """Return the method comparison data sets."""
    text = (shared_data / "golden" / "method_comparison.json").read_text(encoding="utf-8")
    found: dict[str, object] = json.loads(text)
    return found


def test_peak_flow_bias_and_limits() -> None:
    found = named(limits_of_agreement(Pairs.of(*flow())))
    assert printed(found["bias"].value, 4) == "-2.1176"
    assert printed(found["sd_difference"].value, 4) == "38.7651"
    assert [printed(v, 3) for v in (found["bias"].low, found["bias"].high)] == [
        "-22.049",
        "17.814",
    ]
    assert printed(found["loa_lower"].value, 3) == "-78.097"
    assert printed(found["loa_upper"].value, 3) == "73.862"
    pair = found["loa_lower_pair"], found["loa_upper_pair"]
    assert [printed(v, 3) for limit in pair for v in (limit.low, limit.high)] == [
        "-121.608",
        "-59.877",
        "55.642",
        "117.372",
    ]


def test_peak_flow_other_statistics() -> None:
    large, mini = flow()
    assert printed(pearson(Pairs.of(large, mini)).value, 4) == "0.9433"
    assert printed(spearman(Pairs.of(large, mini)).value, 4) == "0.8995"
    sizes = named(error_magnitudes(Pairs.of(large, mini)))
    assert printed(sizes["rmse"].value, 3) == "37.667"
    assert printed(sizes["mae"].value, 3) == "28.941"
    slope = proportional_bias(Pairs.of(large, mini))
    assert (printed(slope.value, 4), printed(slope.p_value, 3)) == ("0.0287", "0.749")
    assert printed(equivalence(Pairs.of(large, mini), margin=20).p_value, 4) == "0.0377"
    ccc = concordance(Pairs.of(large, mini))
    assert printed(ccc.value, 5) == "0.94274"
    assert (printed(ccc.low, 4), printed(ccc.high, 4)) == ("0.8505", "0.9787")


def test_peak_flow_typed_here_is_the_shared_data(golden: dict[str, dict[str, list]]) -> None:
    rows = np.array(golden["pefr_1986"]["rows"], float)
    np.testing.assert_array_equal(np.column_stack(flow()), rows[:, [0, 2]])
    assert golden["shrout_fleiss_1979"] == JUDGES


@pytest.mark.parametrize(("n", "factor"), [(10, "2.911"), (20, "2.396"), (30, "2.220")])
def test_one_sided_factors(n: int, factor: str) -> None:
    assert printed(one_sided_factor(n, float(stats.norm.ppf(0.95)), 0.95), 3) == factor


def test_judges() -> None:
    found = named(intraclass_correlations(JUDGES))
    single = {
        "icc_1_1": ("0.1657", ("-0.133", "0.723"), 3),
        "icc_a_1": ("0.2898", ("0.0188", "0.7611"), 4),
        "icc_c_1": ("0.7148", ("0.3425", "0.9459"), 4),
    }
    for name, (value, ends, digits) in single.items():
        assert printed(found[name].value, 4) == value
        assert (printed(found[name].low, digits), printed(found[name].high, digits)) == ends
    averages = [printed(found[name].value, 3) for name in ("icc_1_k", "icc_a_k", "icc_c_k")]
    assert averages == ["0.443", "0.620", "0.909"]


def cardiac(golden: dict[str, dict[str, list]]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return both methods and the subjects of Bland & Altman 2007."""
    rows = np.array(golden["bland_altman_2007_cardiac"]["rows"])
    return rows[:, 1], rows[:, 2], [f"{subject:g}" for subject in rows[:, 0]]


def test_cardiac_output_components(golden: dict[str, dict[str, list]]) -> None:
    pairs = Pairs.of(*cardiac(golden))
    table = OneWay.of(pairs.difference, pairs.participant)
    assert (pairs.n_participants, len(pairs)) == (12, 60)
    assert printed(table.mean_square_within, 6) == "0.170714"
    assert printed(table.mean_square_between, 6) == "4.209086"
    assert printed(table.divisor, 6) == "4.981818"


def test_cardiac_output_limits(golden: dict[str, dict[str, list]]) -> None:
    found = named(repeated_limits(Pairs.of(*cardiac(golden))))
    assert printed(found["bias_all_pairs"].value, 6) == "0.602167"
    assert printed(found["sd_difference_anova"].value, 6) == "0.990624"
    assert printed(found["loa_lower_anova"].value, 5) == "-1.33946"
    assert printed(found["loa_upper_anova"].value, 5) == "2.54379"
    assert compare_paired(*cardiac(golden)).form == "repeated"


def test_cardiac_output_mover_intervals(golden: dict[str, dict[str, list]]) -> None:
    first, second, subjects = cardiac(golden)
    four = np.array([subject in {"1", "2", "3", "4"} for subject in subjects])
    kept = [subject for subject in subjects if subject in {"1", "2", "3", "4"}]
    found = named(repeated_limits(Pairs.of(first[four], second[four], kept)))
    lower, upper = found["loa_lower"], found["loa_upper"]
    assert printed(found["bias"].value, 4) == "0.7255"
    assert (printed(lower.value, 2), printed(upper.value, 2)) == ("-2.14", "3.59")
    # The printed ends, -9.83 -0.33 1.77 11.27, lie symmetrically about 0.72, the bias cut to two
    # digits: shifted by what was cut they are reproduced to the digit.
    cut = 0.72 - found["bias"].value
    ends = [printed(v + cut, 2) for v in (lower.low, lower.high, upper.low, upper.high)]
    assert ends == ["-9.83", "-0.33", "1.77", "11.27"]
    assert abs(cut) < 0.006


def test_deming_of_ncss(golden: dict[str, dict]) -> None:
    data, expected = golden["ncss_deming"], golden["ncss_deming"]["expected"]
    ratio = 1 / expected["variance_ratio_x_over_y"]
    found = named(deming(Pairs.of(data["y"], data["x"]), error_variance_ratio=ratio))
    slope, intercept = found["deming_slope"], found["deming_intercept"]
    quantile = stats.t.ppf(0.975, len(data["x"]) - 2)
    assert round(slope.value, 4) == expected["slope"]
    assert round(intercept.value, 4) == expected["intercept"]
    assert round((slope.high - slope.value) / quantile, 4) == expected["se_slope"]
    assert round((intercept.high - intercept.value) / quantile, 3) == expected["se_intercept"]


def test_passing_bablok_of_ncss(golden: dict[str, dict]) -> None:
    data, expected = golden["ncss_passing_bablok"], golden["ncss_passing_bablok"]["expected"]
    found = named(passing_bablok(Pairs.of(data["y"], data["x"])))
    slope = found["passing_bablok_slope"]
    assert round(slope.value, 4) == expected["slope"]
    assert [round(slope.low, 4), round(slope.high, 4)] == expected["slope_ci"]
    assert round(found["passing_bablok_intercept"].value, 4) == expected["intercept"]


def test_giavarina(golden: dict[str, dict]) -> None:
    data, expected = golden["giavarina_2015"], golden["giavarina_2015"]["expected"]
    limits = named(limits_of_agreement(Pairs.of(data["a"], data["b"])))
    assert round(limits["bias"].value, 3) == expected["bias"]
    found = [round(limits[name].value, 3) for name in ("loa_lower", "loa_upper")]
    assert found == expected["limits"]
    line = named(passing_bablok(Pairs.of(data["b"], data["a"])))
    assert round(line["passing_bablok_slope"].value, 4) == expected["passing_bablok_slope"]
    assert round(line["passing_bablok_intercept"].value, 4) == expected["passing_bablok_intercept"]
