"""docs/features.md says what the code does: features, units, limits, numbers of the drawings."""

import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from html import unescape
from itertools import combinations, pairwise
from pathlib import Path
from statistics import mean, median, quantiles, stdev

import pytest

from tapscope.features import FEATURES, Feature
from tests.bench import feature_scenes
from tests.bench.feature_figures import DRAWINGS, drawn

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGE = (DOCS / "features.md").read_text(encoding="utf-8")


def sections(text: str, level: int) -> dict[str, str]:
    """Return the text under each heading of a level, by heading, in order."""
    parts = re.split(rf"^{'#' * level} (.+)$", text, flags=re.MULTILINE)
    ends = rf"^#{{1,{level}}} "
    return {
        title: re.split(ends, body, maxsplit=1, flags=re.MULTILINE)[0]
        for title, body in zip(parts[1::2], parts[2::2], strict=True)
    }


EXPLAINED = sections(PAGE, 3)


def test_the_page_explains_the_registrys_features_in_its_order() -> None:
    assert list(EXPLAINED) == [feature.name for feature in FEATURES]


def test_each_feature_stands_under_its_domain() -> None:
    found = {title: list(sections(body, 3)) for title, body in sections(PAGE, 2).items()}
    domains = dict.fromkeys(feature.domain for feature in FEATURES)
    wanted = {d: [f.name for f in FEATURES if f.domain == d] for d in domains}
    assert {title: names for title, names in found.items() if names} == wanted


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_has_its_unit_a_formula_and_what_is_unknown(feature: Feature) -> None:
    text = EXPLAINED[feature.name]
    (unit,) = re.findall(r"^Unit: (.+?)\. ", text, re.MULTILINE)
    assert unit == feature.unit.replace("{unit}", "*u*")
    assert re.search(r"^ {4}\S", text, re.MULTILINE)
    assert re.search(r"\bEmpty\b|\b0 (where|without|if|with)\b", text)
    for doi in re.findall(r"doi:\S+?(?=[)\s]|$)", feature.formula):
        assert doi in text


def test_limits_named_on_the_page_are_those_of_the_default_protocol() -> None:
    default = (ROOT / "protocols" / "mds-updrs-3.4.toml").read_text(encoding="utf-8")
    rules = tomllib.loads(default)
    named = re.findall(r"`(\w+)\.(\w+)` = ([\d.]+\d)", PAGE)
    assert len(named) > 10
    for group, key, value in named:
        assert rules[group][key] == float(value), f"{group}.{key}"
    keys = re.findall(r"`(\w+)\.(\w+)`", PAGE)
    assert [f"{group}.{key}" for group, key in keys if key not in rules.get(group, {})] == []


def test_every_drawing_is_on_the_page() -> None:
    assert sorted(re.findall(r"\]\((feature-.+?\.svg)\)", PAGE)) == sorted(DRAWINGS)


@pytest.mark.parametrize("name", sorted(DRAWINGS))
def test_a_drawing_shows_what_the_code_finds_today(name: str) -> None:
    content, numbers = drawn(name)
    kept = (DOCS / name).read_text(encoding="utf-8")
    (described,) = re.findall(r"<dc:description>(.*?)</dc:description>", kept, re.DOTALL)
    remedy = "draw again: python -m tests.bench.feature_figures"
    assert json.loads(unescape(described)) == pytest.approx(dict(numbers), rel=1e-3), remedy
    assert content.startswith(b"<?xml")
    assert len(content) < 300_000


def slope_pct(values: Sequence[float]) -> float:
    pairs = combinations(enumerate(values), 2)
    return 100 * median((b - a) / (j - i) for (i, a), (j, b) in pairs) / median(values)


def test_the_formulas_of_the_page_give_the_features() -> None:
    scene = feature_scenes.fading()
    taps = scene.tapping.taps
    a, i, v, p = (
        column.tolist()
        for column in (taps.amplitude, taps.interval_s, taps.opening_speed_mean, taps.peak_s)
    )
    third = len(a) // 3
    shares = [n / len(i) for n in Counter(round(10 * each / median(i)) for each in i).values()]
    small = [each < 0.8 * mean(a[:3]) for each in a]
    quarter, _, three_quarters = quantiles(i, n=4, method="inclusive")
    by_the_page = {
        "tap_count": len(i),
        "tapping_rate_hz": len(i) / sum(i),
        "amplitude_mean": mean(a),
        "amplitude_median": median(a),
        "amplitude_cv": stdev(a) / mean(a),
        "amplitude_max": max(a),
        "opening_speed_mean": mean(v),
        "opening_speed_peak_mean": mean(taps.opening_speed_peak.tolist()),
        "closing_speed_mean": mean(taps.closing_speed_mean.tolist()),
        "closing_speed_peak_mean": mean(taps.closing_speed_peak.tolist()),
        "speed_cv": stdev(v) / mean(v),
        "cycle_speed": mean(width / time for width, time in zip(a, i, strict=True)),
        "inter_tap_interval_mean_s": mean(i),
        "inter_tap_interval_sd_s": stdev(i),
        "inter_tap_interval_cv": stdev(i) / mean(i),
        "inter_tap_interval_median_s": median(i),
        "inter_tap_interval_iqr_s": three_quarters - quarter,
        "rhythm_entropy": -sum(share * math.log2(share) for share in shares),
        "amplitude_slope_pct_per_tap": slope_pct(a),
        "speed_slope_pct_per_tap": slope_pct(v),
        "interval_slope_pct_per_tap": slope_pct(i),
        "amplitude_decrement_ratio": mean(a[-third:]) / mean(a[:third]),
        "decrement_onset_tap": 1 + next(n for n in range(len(a)) if all(small[n : n + 3])),
        "peak_rate_hz": 1 / mean(after - before for before, after in pairwise(p)),
        "robust_interval_cv": 1.4826 * median(abs(each - median(i)) for each in i) / median(i),
        "task_duration_s": scene.numbers["task_end_s"] - scene.numbers["task_start_s"],
    }
    assert {name: scene.numbers[name] for name in by_the_page} == pytest.approx(by_the_page)
