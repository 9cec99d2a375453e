"""The labels of one image as a rater corrects them: both tips, the box of the hand, a decision."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast

from tapscope.errors import CorrectionsError
from tapscope.hand import TIPS

Visibility = Literal[0, 1, 2]
"""As in COCO: 0 no label, 1 hidden by something (its place is a guess), 2 in sight. See
`datasets.annotations.load` for what training makes of them."""
NO_LABEL: Final = 0
HIDDEN: Final = 1
IN_SIGHT: Final = 2

Status = Literal["to do", "accepted", "skipped"]


@dataclass(frozen=True, slots=True)
class TipLabel:
    """Where a fingertip is; x and y are 0 without a label, as in COCO."""

    x: float
    y: float
    """Pixels of the image, centre of the top left pixel = 0."""
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class ImageLabels:
    """The labels of one image, and whether they are right."""

    thumb_tip: TipLabel
    index_tip: TipLabel
    box_px: tuple[float, float, float, float]
    """Left, top, right, bottom of the whole hand."""
    corrected: bool
    """Whether a rater accepted the labels: only then training learns from the image."""
    skipped: bool
    """Whether a rater decided that the image shall not be learned from."""

    @property
    def status(self) -> Status:
        """Return what a rater decided."""
        if self.corrected:
            return "accepted"
        return "skipped" if self.skipped else "to do"

    def tip(self, name: str) -> TipLabel:
        """Return a tip by its name."""
        return cast(TipLabel, getattr(self, name))

    def plain(self) -> dict[str, Any]:
        """Return the labels as plain values, as the log and the page hold them."""
        return {
            **{name: [(t := self.tip(name)).x, t.y, t.visibility] for name in TIPS},
            "box": list(self.box_px),
            "corrected": self.corrected,
            "skipped": self.skipped,
        }


def labels_of(content: Mapping[str, Any]) -> ImageLabels:
    """Return labels from plain values; the inverse of `ImageLabels.plain`.

    Raises
    ------
    CorrectionsError
        A part is missing or is not what it should be.
    """
    corrected, skipped = content.get("corrected"), content.get("skipped")
    if not isinstance(corrected, bool) or not isinstance(skipped, bool):
        raise CorrectionsError("it does not say whether the labels are right")
    thumb, index = (tip_of(content.get(name), name) for name in TIPS)
    return ImageLabels(thumb, index, box_of(content.get("box")), corrected, skipped)


def tip_of(value: object, name: str) -> TipLabel:
    """Return a tip from x, y and visibility.

    Raises
    ------
    CorrectionsError
        It is something else.
    """
    x, y, visibility = _numbers(value, name, 3)
    if visibility not in (NO_LABEL, HIDDEN, IN_SIGHT):
        raise CorrectionsError(f"{name}: the visibility is {visibility:g}; it must be 0, 1 or 2")
    if visibility == NO_LABEL:
        return TipLabel(0.0, 0.0, NO_LABEL)
    return TipLabel(x, y, cast(Visibility, int(visibility)))


def box_of(value: object) -> tuple[float, float, float, float]:
    """Return a box from left, top, right and bottom.

    Raises
    ------
    CorrectionsError
        It is something else, or holds nothing.
    """
    left, top, right, bottom = _numbers(value, "box", 4)
    if not (left < right and top < bottom):
        raise CorrectionsError("the box of the hand must be wider and higher than 0")
    return left, top, right, bottom


def check_within(labels: ImageLabels, width: int, height: int) -> None:
    """Check that labels lie within the image.

    Raises
    ------
    CorrectionsError
        A tip or a corner of the box lies outside.
    """
    places = [(t.x, t.y) for t in map(labels.tip, TIPS) if t.visibility]
    places += [labels.box_px[:2], labels.box_px[2:]]
    if not all(0 <= x <= width - 1 and 0 <= y <= height - 1 for x, y in places):
        raise CorrectionsError("a tip or the box must lie within the image")


def changed(labels: ImageLabels, kind: str, after: object) -> ImageLabels:
    """Return labels after a rater's change.

    Parameters
    ----------
    kind
        'thumb_tip', 'index_tip', 'box', 'accept' or 'skip'.
    after
        Of a tip x, y and visibility; of the box left, top, right, bottom; else not used.

    Raises
    ------
    CorrectionsError
        The change is none of these.
    """
    if kind == "thumb_tip":
        return replace(labels, thumb_tip=tip_of(after, kind))
    if kind == "index_tip":
        return replace(labels, index_tip=tip_of(after, kind))
    if kind == "box":
        return replace(labels, box_px=box_of(after))
    if kind in ("accept", "skip"):
        return replace(labels, corrected=kind == "accept", skipped=kind == "skip")
    raise CorrectionsError(f"kind is {kind!r}; it must be a tip, box, accept or skip")


def _numbers(value: object, name: str, count: int) -> list[float]:
    """Return numbers with two decimals, as `tapscope frames` writes them."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
        raise CorrectionsError(f"{name} is {value!r:.80}; it must be {count} numbers")
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each):
            raise CorrectionsError(f"{name} holds {each!r:.80}; it must hold numbers")
    return [round(float(each), 2) + 0.0 for each in value]  # no negative zero
