"""The training log, one report per epoch, and the score that chooses the best epoch."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tapscope.errors import WeightsError
from tapscope.records import FloatArray
from tapscope.training.validation import area_within, share_within

SCORE_MAX_ERROR = 0.1
"""Errors above this share of the hand all count the same in the score: they are wrong anyway."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One line of the training log."""

    epoch: int
    loss: float
    """Mean training loss; all-zero heatmaps without deep supervision would cost 1. Not comparable
    between epochs with different foreground weights."""
    tips_pck_005: float
    """Share of validation thumb and index tips within 0.05 of the hand's longer side; of all
    keypoints where neither tip is among them."""
    tips_pck_01: float
    """The same within 0.1."""
    keypoints_pck_01: float
    """Share of all validation keypoints within 0.1."""
    tips_area_01: float
    """Area under the tips' PCK curve from 0 to 0.1, over 0.1; it chooses the best epoch."""
    best: bool
    """Whether this epoch's weights replaced those kept so far."""


def validation_score(tips: FloatArray) -> float:
    """Return the score of an epoch from the errors of its validation tips; higher is better."""
    return area_within(tips, SCORE_MAX_ERROR)


def make_report(
    epoch: int, loss: float, error: FloatArray, tip_indices: Sequence[int], best_score: float
) -> EpochReport:
    """Summarise an epoch (counted from 0) from its validation errors."""
    tips = error[:, tip_indices]
    score = validation_score(tips)
    return EpochReport(
        epoch=epoch + 1,
        loss=loss,
        tips_pck_005=share_within(tips, 0.05),
        tips_pck_01=share_within(tips, 0.1),
        keypoints_pck_01=share_within(error, 0.1),
        tips_area_01=score,
        best=score > best_score,
    )


def parse_reports(rows: Sequence[Mapping[str, Any]], file: Path) -> list[EpochReport]:
    """Return the epoch reports that a checkpoint holds.

    Raises
    ------
    WeightsError
        They were written by a version with other report fields.
    """
    try:
        return [EpochReport(**row) for row in rows]
    except TypeError as problem:
        raise WeightsError(
            f"{file}: written by another version of tapscope; start without --resume"
        ) from problem


def log_csv(reports: Sequence[EpochReport]) -> bytes:
    """Return the training log as CSV, one line per epoch."""
    text = io.StringIO()
    rows = [asdict(r) for r in reports]
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
