"""Which fingertip is which, settled over a recording."""

import numpy as np
import pytest

from tapscope.pose.fingertip_identity import TipPeaks, assign_fingertips

HAND = 100.0
THUMB, INDEX, MIDDLE, RING, LITTLE = range(5)
Answers = dict[int, list[tuple[float, float, float]]]
"""Peaks of each finger: peak_value, x, y."""


def peaks(answers: Answers, count: int = 3) -> TipPeaks:
    position, peak_value = np.zeros((5, count, 2)), np.zeros((5, count))
    for finger, found in answers.items():
        for n, (how_high, x, y) in enumerate(sorted(found, reverse=True)):
            peak_value[finger, n], position[finger, n] = how_high, (x, y)
    return TipPeaks(position, peak_value)


def tapping(rate_hz: float, *, frames: int = 120, fps: float = 30.0) -> list[float]:
    """Return the height of the index tip above the thumb's."""
    return [25 - 25 * np.cos(2 * np.pi * rate_hz * n / fps) + 8 for n in range(frames)]


def settled(answers: list[Answers | None], *, drift: float = 0.0) -> np.ndarray:
    """Return peak_value, second_peak and place of the index tip in each frame."""
    middle = np.column_stack([drift * np.arange(len(answers)), np.zeros(len(answers))])
    moved = [
        peaks({f: [(h, x + drift * n, y) for h, x, y in p] for f, p in a.items()}) if a else None
        for n, a in enumerate(answers)
    ]
    found = assign_fingertips(moved, np.arange(len(answers)) / 30, middle, HAND)
    place = found.position_px[:, INDEX] - middle
    return np.column_stack([found.peak_value[:, INDEX], found.second_peak[:, INDEX], place])


@pytest.mark.parametrize(("rate_hz", "drift"), [(1.0, 0.0), (4.0, 0.0), (7.0, 0.0), (2.0, 1.0)])
def test_index_finger_is_not_taken_for_the_middle_finger(rate_hz: float, drift: float) -> None:
    truth = tapping(rate_hz)
    answers: list[Answers | None] = []
    for n, y in enumerate(truth):
        misled = n % 3 == 0  # the middle finger's tip looks more like an index tip than it does
        answers.append(
            {
                THUMB: [(0.8, 0, 0)],
                INDEX: [(0.3 if misled else 0.7, 10, y), (0.6 if misled else 0.1, 60, 40)],
                MIDDLE: [(0.9, 60, 40)],
            }
        )
    found = settled(answers, drift=drift)
    assert found[:, 2:] == pytest.approx(np.column_stack([np.full(len(truth), 10), truth]))
    assert found[:, 1].max() == 0.0  # the middle finger is no second_peak either


def test_finger_that_does_not_move_stays_what_it_is() -> None:
    answers: list[Answers | None] = [
        {THUMB: [(0.8, 0, 0)], INDEX: [(0.5, 10, 40), (0.3, 60, 40)], MIDDLE: [(0.4, 60, 40)]}
    ] * 60
    assert (settled(answers)[:, 2:] == [10, 40]).all()


def test_contact_is_no_exchange_of_thumb_and_index_finger() -> None:
    answers: list[Answers | None] = [
        {
            THUMB: [(0.9, 0, 0)],
            INDEX: [(0.7, 10, y)] if y > 10 else [(0.6, 2, 3), (0.1, 70, 70)],
            MIDDLE: [(0.6, 60, 60)],
        }
        for y in tapping(1.5)
    ]
    found = settled(answers)
    touching = np.array(tapping(1.5)) <= 10
    assert touching.any()
    assert (found[touching, 2:] == [2, 3]).all()


def test_blurred_tip_is_its_own_rival_only_from_afar() -> None:
    near, far = [(0.6, 10, 50), (0.5, 14, 50)], [(0.6, 10, 50), (0.5, 80, 50)]
    for own, second_peak in ((near, 0.0), (far, 0.5)):
        assert settled([{INDEX: own}])[0, 1] == second_peak


def test_what_is_not_seen_or_not_left_is_unknown() -> None:
    foreign: Answers = {INDEX: [(0.2, 60, 40)], MIDDLE: [(0.7, 60, 40)]}
    found = settled([*[foreign] * 30, None])
    assert np.isnan(found[:, 2:]).all()
    assert (found[:, 0] == 0).all()


def test_hidden_finger_that_answers_at_the_index_tip_takes_nothing() -> None:
    both: Answers = {INDEX: [(0.4, 60, 40)], MIDDLE: [(0.7, 60, 40)]}
    assert (settled([both] * 30)[:, 2:] == [60, 40]).all()


def test_tip_after_a_pause_is_voted_on_anew() -> None:
    before: Answers = {INDEX: [(0.2, 60, 40)], MIDDLE: [(0.7, 60, 40)]}
    after: Answers = {INDEX: [(0.7, 60, 40)], MIDDLE: [(0.3, 60, 40)]}
    found = settled([*[before] * 30, *[None] * 10, *[after] * 10])
    assert np.isnan(found[:30, 2]).all()
    assert (found[40:, 2] == 60).all()
