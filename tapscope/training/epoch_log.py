"""What a training run says after each epoch, and by what the best one is chosen."""

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
"""Share of the hand up to which errors decide which epoch is best; further off is wrong anyhow."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One line of the training log."""

    epoch: int
    loss: float
    """Mean training loss; 1 is what answering zero everywhere would cost without supervision.
    It means something else from the epoch on in which the foreground weight changes."""
    tips_pck_005: float
    """Share of validation thumb and index tips within 0.05 of the hand's longer side; of all
    keypoints where the tips are not among them."""
    tips_pck_01: float
    """The same within 0.1."""
    keypoints_pck_01: float
    """Share of all validation keypoints within 0.1."""
    tips_area_01: float
    """Area under the tips' PCK curve from 0 to 0.1, over 0.1; the best epoch is chosen by it."""
    best: bool
    """The weights kept are those of this epoch, until a later one is kept."""


def validation_score(tips: FloatArray) -> float:
    """Return what the best epoch has most of, from the validation tips' errors."""
    return area_within(tips, SCORE_MAX_ERROR)


def make_report(
    epoch: int, loss: float, error: FloatArray, leading: Sequence[int], best_score: float
) -> EpochReport:
    """Sum up an epoch (from 0) whose validation errors are given."""
    tips = error[:, leading]
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
    """Return the epochs that a checkpoint tells of.

    Raises
    ------
    WeightsError
        They were written by a version that measured something else.
    """
    try:
        return [EpochReport(**row) for row in rows]
    except TypeError as problem:
        raise WeightsError(
            f"{file}: written by another version of tapscope; start without --resume"
        ) from problem


def log_csv(reports: Sequence[EpochReport]) -> bytes:
    """Write the training log as CSV, a line an epoch."""
    text = io.StringIO()
    rows = [asdict(r) for r in reports]
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
