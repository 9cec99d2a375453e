"""Reports of epochs, to a checkpoint and back."""

from dataclasses import asdict
from pathlib import Path

import pytest

from tapscope.errors import WeightsError
from tapscope.training.epoch_log import EpochReport, parse_reports

REPORT = EpochReport(1, 3.0, 0.5, 0.7, 0.6, 0.4, best=True)


def test_reports_come_back() -> None:
    assert parse_reports([asdict(REPORT)], Path("w.checkpoint.safetensors")) == [REPORT]


def test_reports_of_another_version_are_refused() -> None:
    row = asdict(REPORT)
    del row["tips_area_01"]
    with pytest.raises(WeightsError, match=r"w\.checkpoint.*another version.*without --resume"):
        parse_reports([row], Path("w.checkpoint.safetensors"))
