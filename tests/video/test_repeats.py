"""Repeated pictures, told from a hand that turns or rests."""

import numpy as np
import pytest

from tapscope.records import FloatArray
from tapscope.video.repeats import change, find_repeats, sample

GENERATOR_SEED = 3


def moving(pictures: int, *, rate_hz: float = 4.0, per_s: float = 30.0) -> FloatArray:
    """Return the changes of new pictures of a hand that taps, with what else moves and noise."""
    chance = np.random.default_rng(GENERATOR_SEED)
    time_s = np.arange(pictures) / per_s
    speed = np.abs(np.sin(2 * np.pi * rate_hz * time_s + 0.3))
    return 12 + 80 * speed * 30 / per_s + chance.uniform(0, 4, pictures)


def shown(changes: FloatArray, times: list[int]) -> tuple[FloatArray, list[bool]]:
    """Return the changes of frames that show each picture so many times in turn, and the truth."""
    chance = np.random.default_rng(GENERATOR_SEED)
    frames: list[float] = []
    repeats: list[bool] = []
    for n, of_picture in enumerate(changes):
        extra = times[n % len(times)] - 1
        frames += [of_picture, *chance.uniform(0.2, 1.3, extra)]
        repeats += [False] + [True] * extra
    return np.array(frames), repeats


@pytest.mark.parametrize("times", [[2], [3], [4], [8], [1, 1, 1, 2], [2, 3], [1, 2]])
def test_pictures_shown_several_times_are_found(times: list[int]) -> None:
    changes, truth = shown(moving(240), times)
    found = find_repeats(np.arange(len(changes)) / 60, changes)
    assert np.mean(found.is_repeat == truth) > 0.99
    assert found.new_share == pytest.approx(len(times) / sum(times), rel=0.02)


@pytest.mark.parametrize(
    ("rate_hz", "per_s"), [(2, 30), (4, 30), (7.3, 30), (3, 60), (6, 60), (4, 120), (4, 240)]
)
def test_a_hand_that_turns_repeats_nothing(rate_hz: float, per_s: float) -> None:
    changes = moving(8 * int(per_s), rate_hz=rate_hz, per_s=per_s)
    found = find_repeats(np.arange(len(changes)) / per_s, changes)
    assert not found.is_repeat.any()
    assert found.new_share == 1


def test_a_hand_that_alone_moves_is_not_taken_for_repeats() -> None:
    """Nothing but the finger moves, and the camera has no noise: it stands still as it turns."""
    for phase in np.linspace(0, 1, 7):
        time_s = np.arange(480) / 60
        changes = 90 * np.abs(np.sin(2 * np.pi * 3.9 * time_s + phase))
        assert find_repeats(time_s, changes).is_repeat.mean() < 0.05


def test_a_still_scene_repeats_nothing() -> None:
    """An encoder refreshes a still picture now and then."""
    changes = np.tile([1.5, 0.02, 0.4, 0.02], 100)
    assert not find_repeats(np.arange(400) / 30, changes).is_repeat.any()
    assert not find_repeats(np.arange(400) / 30, np.zeros(400)).is_repeat.any()


def test_a_rest_in_a_repeating_clip_keeps_samples() -> None:
    changes, truth = shown(moving(120), [2])
    changes = np.concatenate([changes, np.full(180, 0.5), changes])
    found = find_repeats(np.arange(len(changes)) / 60, changes)
    assert (found.is_repeat[:240] == truth).mean() > 0.99
    rest_s = np.flatnonzero(~found.is_repeat[240:420]) / 60
    assert np.diff(rest_s).max() < 0.1
    assert found.new_share == pytest.approx(0.5, rel=0.02)


def test_a_second_of_repeats_is_found_where_it_is() -> None:
    slow, _ = shown(moving(30), [2])
    changes = np.concatenate([moving(300), slow, moving(300)])
    found = find_repeats(np.arange(len(changes)) / 30, changes)
    inside = found.is_repeat[300:360]
    assert inside.sum() >= 25
    assert not found.is_repeat[:260].any()
    assert not found.is_repeat[400:].any()


def test_a_small_finger_is_a_change_and_noise_is_not() -> None:
    chance = np.random.default_rng(GENERATOR_SEED)
    still = chance.integers(95, 105, (480, 640, 3)).astype(np.uint8)
    noisy = chance.integers(95, 105, (480, 640, 3)).astype(np.uint8)
    finger = still.copy()
    finger[200:240, 300:320] += 80
    assert change(sample(still), sample(finger)) > 50
    assert change(sample(still), sample(noisy)) < 6
    assert change(sample(still), sample(still)) == 0
