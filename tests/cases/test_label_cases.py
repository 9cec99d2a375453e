"""Labels as other tools leave them, from the folder of shared cases."""

import json
from pathlib import Path

from tests.cli.runner import run


def test_a_hand_with_one_labelled_tip_is_measured(shared_data: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores.json"
    done = run(
        "evaluate", "--data", shared_data / "cases" / "evaluate-one-tip-labelled" / "data",
        "--device", "cpu", "--json", scores,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    tips = json.loads(scores.read_text())
    assert (tips["n"], tips["found"]) == (1, 1)
    assert tips["median_error_px"] < 5
    assert tips["pck@0.1"] is None  # with one point, the size of the hand is not known
