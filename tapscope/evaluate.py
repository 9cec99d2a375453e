"""Measure weights on labelled pictures: whole picture in, joints out, figures of the paper."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tapscope.annotations import LabelledHand, LabelledImage, LabelledSet, load
from tapscope.engine import Engine
from tapscope.errors import AnnotationError
from tapscope.hand import JOINTS
from tapscope.locate import HandView, find_hands, look, window_around
from tapscope.metrics import summary
from tapscope.records import FloatArray

TIPS = ("thumb_tip", "index_tip")


@dataclass(frozen=True, slots=True)
class HandError:
    """How far the joints of one labelled hand were placed from their labels."""

    group: str
    error_px: FloatArray
    """Shape (joints,); NaN where the hand was not found or the joint has no label."""
    labelled: NDArray[np.bool_]
    """Shape (joints,)."""
    hand_px: float
    found: bool


def place_joints(engine: Engine, picture: NDArray[np.uint8]) -> list[HandView]:
    """Find the hands of a still picture and place their joints as well as can be.

    A still has no neighbours in time to lean on, so each hand is seen twice, once mirrored.
    """
    size = engine.card.input_size_px * 4 // 3 // 16 * 16
    found = find_hands(engine, picture, size)
    windows = [
        window_around(hand.position_px, hand.height, hand.measured) or hand.window for hand in found
    ]
    if not windows:
        return []
    hands = look(engine, [picture] * len(windows), windows, size, twice=True)
    return sorted(hands, key=lambda hand: -hand.score)


def match(labels: Sequence[LabelledHand], found: Sequence[HandView]) -> list[HandView | None]:
    """Give each labelled hand the nearest hand found, each at most once, surest first.

    In a picture with a single label the surest hand is taken wherever it lies: a hand found in
    the wrong place is an error, not a hand that was not found.
    """
    if len(labels) == 1:
        return [found[0] if found else None]
    taken: dict[int, HandView] = {}
    for view in found:
        centre = np.array([view.window.x, view.window.y])
        free = [n for n in range(len(labels)) if n not in taken]
        if free:
            away = {
                n: float(np.linalg.norm((labels[n].box_px[:2] + labels[n].box_px[2:]) / 2 - centre))
                for n in free
            }
            nearest = min(free, key=lambda n: away[n])
            if away[nearest] < labels[nearest].size_px:
                taken[nearest] = view
    return [taken.get(n) for n in range(len(labels))]


def evaluate_set(
    engine: Engine,
    images: LabelledSet,
    on_image: Callable[[int, int], None] = lambda done, total: None,
) -> list[HandError]:
    """Place joints in every picture and compare them with the labels."""
    unknown = set(images.joints) - set(engine.card.joints)
    if unknown:
        raise AnnotationError(
            f"the weights place no {', '.join(sorted(unknown))}; evaluate weights that were "
            "trained for these joints"
        )
    order = [engine.card.joints.index(name) for name in images.joints]
    errors: list[HandError] = []
    for done, image in enumerate(images.images, start=1):
        found = place_joints(engine, image.pixels())
        errors += [
            _error(image, hand, view, order)
            for hand, view in zip(image.hands, match(image.hands, found), strict=True)
        ]
        on_image(done, len(images))
    return errors


def _error(
    image: LabelledImage, hand: LabelledHand, view: HandView | None, order: list[int]
) -> HandError:
    error = np.full(len(order), np.nan)
    if view is not None:
        error = np.linalg.norm(view.position_px[order] - hand.position_px, axis=1)
    return HandError(image.group, error, hand.visibility > 0, hand.size_px, view is not None)


def figures(errors: Sequence[HandError], joints: Sequence[str]) -> dict[str, object]:
    """Gather the figures of `tapscope evaluate --json`.

    Returns
    -------
    dict
        Thumb and index tips at the top level, every joint under "all_joints", the tips of each
        group under "groups".
    """
    names = joints or JOINTS
    tips = [n for n, name in enumerate(names) if name in TIPS]
    row = _summary(errors, tips)
    row["all_joints"] = _summary(errors, list(range(len(names))))
    row["groups"] = {
        group: _summary([e for e in errors if e.group == group], tips)
        for group in sorted({e.group for e in errors})
    }
    return row


def _summary(errors: Sequence[HandError], members: list[int]) -> dict[str, object]:
    distances, sizes = [], []
    for hand in errors:
        labelled = [m for m in members if hand.labelled[m]]
        distances += [hand.error_px[m] for m in labelled]
        sizes += [hand.hand_px] * len(labelled)
    return summary(
        np.array(distances, dtype=float),
        np.array(sizes, dtype=float),
        np.array([hand.found for hand in errors]),
    )


def evaluate_folder(
    folder: Path,
    engine: Engine,
    *,
    split: str | None = None,
    on_image: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, object]:
    """Evaluate weights on a folder of labelled frames.

    Parameters
    ----------
    folder, split
        See `annotations.load`.
    on_image
        Called after each picture with how many are done and how many there are.

    Raises
    ------
    AnnotationError
        The folder cannot be used, or has joints that the weights do not place.
    """
    images = load(folder, split=split)
    return figures(evaluate_set(engine, images, on_image), images.joints)
