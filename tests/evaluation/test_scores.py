"""Figures of many networks: parts, seeds, tables, curves."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from tapscope.evaluation.output import latex, markdown, write_scores
from tapscope.evaluation.predict import HandError
from tapscope.evaluation.scores import Scored, in_thirds, parts, score_rows, summaries

KEYPOINTS = ("wrist", "thumb_tip", "index_tip")


def hand(tip_px: float, *, group: str = "a", luminance: float = 100.0, found: bool = True):  # type: ignore[no-untyped-def]
    error = np.array([50.0, tip_px, tip_px + 1]) if found else np.full(3, np.nan)
    return HandError(
        "set", group, error, np.array([True, True, True]), 100.0, found, luminance, float("nan")
    )


def run(name: str, seed: int, *hands: HandError, dataset: str = "set") -> Scored:
    return Scored(name, seed, f"{name}@{seed}", dataset, KEYPOINTS, hands)


ONE = run("ours", 1, hand(1), hand(8, group="b", luminance=20), hand(30), hand(2, found=False))


def test_parts_tell_tips_keypoints_groups_and_thirds_apart() -> None:
    found = {part.name: part.figures() for part in parts(ONE)}
    assert found["tips"]["n"] == 8
    assert found["tips"]["pck@5"] == pytest.approx(2 / 8)
    assert found["tips"]["found"] == 0.75
    assert found["all keypoints"]["n"] == 12
    assert found["keypoint: wrist"]["pck@20"] == 0.0
    assert found["keypoint: thumb_tip"]["pck@5"] == pytest.approx(1 / 4)
    assert found["group: b"]["pck@10"] == 1.0
    assert found["skin luminance: lowest third"]["n"] == 4  # the darkest, and one of the rest
    assert not [name for name in found if name.startswith("smear")]  # nowhere known


def test_thirds_go_by_the_measure() -> None:
    hands = [hand(1, luminance=light) for light in (9, 3, 6, 1, 8, 5)]
    light = [[h.luminance for h in third] for third in in_thirds(hands, lambda h: h.luminance)]
    assert light == [[1, 3], [5, 6], [8, 9]]


def test_seeds_are_gathered() -> None:
    every = [run("a", 1, hand(1)), run("b", 1, hand(30)), run("a", 2, hand(4.5))]
    first, second = summaries(every)
    assert (first.network, first.seeds, second.network) == ("a", (1, 2), "b")
    # Within 5 px: both tips of the first run, one of the second (4.5 and 5.5 px).
    assert first.pck[5].mean == pytest.approx(0.75)
    assert first.pck[5].sd == pytest.approx(np.std([1.0, 0.5], ddof=1))
    error, count = first.mpjpe[5]
    assert (error.mean, count.mean) == (pytest.approx((1.5 + 4.5) / 2), 1.5)
    assert np.isnan(second.pck[5].sd)


def test_rows_hold_every_figure() -> None:
    row = score_rows([ONE])[0]
    assert (row["network"], row["set"], row["part"], row["mpjpe@5_n"]) == ("ours", "set", "tips", 2)
    assert row["mpjpe@5_px"] == pytest.approx(1.5)


def test_files_are_written_and_repeat(tmp_path: Path) -> None:
    every = [run("a|x_1", 1, hand(1)), run("a|x_1", 2, hand(4.5)), run("b", 1, hand(30))]
    parameters = {"a|x_1": 2_800_000, "b": 4_000_000}
    for name in ("one", "two"):
        write_scores(tmp_path / name, every, parameters)
    names = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert names == [
        "curves-set.png", "curves-set.svg", "curves.csv", "scores.csv", "table.md", "table.tex",
    ]  # fmt: skip
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    curve = list(csv.DictReader(io.StringIO((tmp_path / "one" / "curves.csv").read_text())))
    assert [row["pck"] for row in curve if row["threshold_px"] == "6"] == ["1", "0"]
    scores = list(csv.DictReader(io.StringIO((tmp_path / "one" / "scores.csv").read_text())))
    assert {row["network"] for row in scores} == {"a|x_1", "b"}


def test_tables_escape_names() -> None:
    gathered = summaries([run("a|x_1", 1, hand(1)), run("a|x_1", 2, hand(4.5))])
    parameters = {"a|x_1": 2_784_852}
    shown = markdown(gathered, parameters)
    assert "| a\\|x_1 | 2.8 | 2 | 75.0 ± 35.4 | 100.0 ± 0.0 |" in shown
    set_in_tex = latex(gathered, parameters)
    assert r"a|x\_1 & 2.8 & 2 & 75.0 $\pm$ 35.4" in set_in_tex
    assert set_in_tex.count(r"\begin{tabular}{lrrrrrrrrr}") == 1
