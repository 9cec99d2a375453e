"""The comparison of raters."""

import csv
from pathlib import Path

import pytest

from tapscope.corrections.log import log_path
from tapscope.errors import CorrectionsError
from tapscope.review.raters import RaterAgreement, compare_raters, write_raters
from tapscope.review.study import Study, open_study
from tests.cli.runner import run
from tests.corrections.made import entry, write
from tests.review.discs import made_study

OUT = entry(1, "recording", after="sleeve over the hand")
SIGN = entry(1, "sign")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return four recordings that two raters signed; in one of them they differ by a closure."""
    folder = tmp_path_factory.mktemp("raters")
    rates_hz = {"a": 2.0, "b": 3.0, "c": 4.0, "d": 2.5}
    study = open_study(made_study(folder, rates_hz), [folder / "videos"])
    reviewed(study, "AB", "d", OUT, SIGN)
    reviewed(study, "CD", "d", OUT, SIGN)
    for name in "abc":
        reviewed(study, "AB", name, SIGN)
    for name in "bc":
        reviewed(study, "CD", name, SIGN)
    closures = closures_of(study, "a")
    fewer = entry(1, "tap", before=closures[2], closures_s=(*closures[:2], *closures[3:]))
    reviewed(study, "CD", "a", fewer, SIGN)
    reviewed(study, "EF", "a", OUT)  # not signed
    return study


def closures_of(study: Study, name: str) -> tuple[float, ...]:
    with (study.folder / f"{name}.taps.csv").open(newline="") as file:
        taps = list(csv.DictReader(file))
    return tuple(sorted({float(tap[k]) for tap in taps for k in ("closure_s", "next_closure_s")}))


def reviewed(study: Study, rater: str, name: str, *entries: object) -> None:
    item = next(item for item in study.items if item.recording.name == name)
    path = log_path(study.folder, rater, item.recording.file_stem)
    write(path, item.subject(rater), *entries)  # type: ignore[arg-type]


def by_name(rows: tuple[RaterAgreement, ...]) -> dict[tuple[str, str], RaterAgreement]:
    return {(row.about, row.estimate.name): row for row in rows}


def test_raters_are_compared_in_what_both_signed(study: Study) -> None:
    rows = compare_raters(study)
    assert {row.raters for row in rows} == {("AB", "CD")}
    found = by_name(rows)
    kappa = found["excluded", "kappa"].estimate
    assert (kappa.value, kappa.n) == (1.0, 4)
    counts = [len(closures_of(study, name)) for name in "abc"]
    matched = sum(counts) - 1
    f1 = found["closures", "f1"].estimate
    assert found["closures", "matched"].estimate.value == matched
    assert f1.value == pytest.approx(2 * matched / (2 * sum(counts) - 1))
    assert "video" not in f1.method
    icc = found["tap_count", "icc_a_1"].estimate
    assert icc.n == 3
    assert 0.5 < icc.value < 1.0
    assert found["amplitude_median", "icc_a_1"].estimate.value <= 1.0


def test_the_comparison_is_written_and_shown(study: Study) -> None:
    result = run("review", study.table, "--videos", study.table.parent / "videos", "--compare")
    assert result.exit_code == 0, result.output
    assert "kappa" in result.output
    path = study.table.with_name("features.raters.csv")
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert {(line["rater_1"], line["rater_2"]) for line in lines} == {("AB", "CD")}
    assert lines[0]["value"] == "1"
    rows = compare_raters(study)
    first = path.read_bytes()
    assert write_raters(rows, study.table).read_bytes() == first
    assert len(lines) == len(rows)


def test_one_rater_alone_cannot_be_compared(tmp_path: Path, study: Study) -> None:
    for path in (study.folder / "corrections" / "CD").glob("*"):
        path.rename(tmp_path / path.name)
    with pytest.raises(CorrectionsError, match=r"signed by AB\); let a second rater"):
        compare_raters(study)
