"""The guided test, from made-up signals."""

import math
from dataclasses import replace

import pytest

from tapscope.live.guide import Guide, GuideRules, GuideState, Signals, advice_for

RULES = GuideRules()
GOOD = Signals(
    frame_rate_hz=30.0,
    late_share=0.0,
    brightness=120.0,
    hand_px=100.0,
    seen_share=1.0,
    tips_share=1.0,
    edge_share=0.0,
)


def advised(**changes: float) -> list[tuple[str, str]]:
    return [(a.code, a.text) for a in advice_for(replace(GOOD, **changes), RULES)]


def test_nothing_is_to_be_mended_where_all_is_well() -> None:
    assert advised() == []


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"brightness": 20.0}, "too_dark", "More light"),
        ({"hand_px": 41.0}, "too_far", "Come nearer: the hand is 41 pixels long, 60 are needed"),
        ({"seen_share": 0.2}, "no_hand", "Hold one hand up"),
        ({"hand_px": math.nan, "seen_share": 0.0}, "no_hand", "Hold one hand up"),
        ({"tips_share": 0.4}, "tips_hidden", "both tips are in sight"),
        ({"edge_share": 0.9, "tips_share": 0.4}, "at_edge", "to the middle"),
        ({"frame_rate_hz": 14.9}, "slow", "only 15 frames a second"),
        ({"frame_rate_hz": math.nan}, "slow", "not known yet"),
        ({"late_share": 0.5}, "uneven", "unevenly"),
    ],
)
def test_each_fault_has_its_advice(changes: dict[str, float], code: str, words: str) -> None:
    ((found, text),) = advised(**changes)
    assert found == code
    assert words in text


def test_several_faults_are_all_named_light_first() -> None:
    assert [code for code, _ in advised(brightness=10, hand_px=30, frame_rate_hz=12)] == [
        "too_dark", "too_far", "slow",
    ]  # fmt: skip


def run(guide: Guide, signals: Signals, first_s: float, last_s: float) -> list[GuideState]:
    """Give the guide frames at 30 a second; return its states."""
    numbers = range(round(first_s * 30), round(last_s * 30))
    return [guide.update(number / 30, signals) for number in numbers]


def phases(states: list[GuideState]) -> list[str]:
    """Return the phases, each once."""
    return list(dict.fromkeys(state.phase for state in states))


def test_a_test_begins_only_when_asked_for() -> None:
    guide = Guide(RULES)
    assert phases(run(guide, GOOD, 0, 5)) == ["watching"]
    guide.start()
    assert phases(run(guide, GOOD, 5, 6.5)) == ["preparing", "countdown"]


def test_a_whole_test_has_its_lengths() -> None:
    guide = Guide(RULES)
    guide.start()
    states = run(guide, GOOD, 0, 20)
    assert phases(states) == ["preparing", "countdown", "recording", "recorded"]
    lengths_s = {p: sum(s.phase == p for s in states) / 30 for p in phases(states)}
    assert lengths_s["preparing"] == pytest.approx(1.0, abs=0.07)
    assert lengths_s["countdown"] == pytest.approx(3.0, abs=0.07)
    assert lengths_s["recording"] == pytest.approx(12.0, abs=0.07)
    texts = list(dict.fromkeys(s.text for s in states if s.phase == "recording"))
    assert [text.split()[0] for text in texts] == ["Recording.", "Tap:", "Stop."]
    tapping = sum("Tap:" in state.text for state in states) / 30
    assert tapping == pytest.approx(10.0, abs=0.07)
    left_s = [s.left_s for s in states if s.phase == "countdown"]
    assert left_s[0] == pytest.approx(3.0)
    assert left_s == sorted(left_s, reverse=True)


def test_it_waits_until_what_is_wrong_is_mended() -> None:
    guide = Guide(RULES)
    guide.start()
    dark = run(guide, replace(GOOD, brightness=10), 0, 30)
    assert phases(dark) == ["preparing"]
    assert dark[-1].text.startswith("More light")
    assert phases(run(guide, GOOD, 30, 30.9)) == ["preparing"]
    assert phases(run(guide, GOOD, 30.9, 31.5)) == ["preparing", "countdown"]


@pytest.mark.parametrize(
    "fault", [{"seen_share": 0.0, "hand_px": math.nan}, {"frame_rate_hz": 15.0}]
)
def test_a_lasting_fault_stops_the_countdown_a_short_one_does_not(fault: dict[str, float]) -> None:
    guide = Guide(RULES)
    guide.start()
    run(guide, GOOD, 0, 2)
    assert phases(run(guide, replace(GOOD, **fault), 2, 2.3)) == ["countdown"]
    assert phases(run(guide, GOOD, 2.3, 2.6)) == ["countdown"]
    states = run(guide, replace(GOOD, **fault), 2.6, 3.4)
    assert phases(states) == ["countdown", "preparing"]
    assert states[-1].advice
    assert phases(run(guide, GOOD, 3.4, 5)) == ["preparing", "countdown"]


def test_a_lost_hand_is_said_while_recording_and_does_not_end_it() -> None:
    guide = Guide(RULES)
    guide.start()
    run(guide, GOOD, 0, 5)
    states = run(guide, replace(GOOD, seen_share=0.1), 5, 8)
    assert phases(states) == ["recording"]
    assert [a.code for a in states[-1].advice] == ["hand_lost"]
    assert run(guide, GOOD, 8, 9)[-1].advice == ()


def test_who_insists_gets_a_test_with_faults() -> None:
    guide = Guide(RULES)
    guide.start()
    dark = replace(GOOD, brightness=10)
    assert phases(run(guide, dark, 0, 3)) == ["preparing"]
    guide.insist()
    assert phases(run(guide, dark, 3, 20)) == ["preparing", "countdown", "recording", "recorded"]
    guide.start()  # the next test is asked again
    assert phases(run(guide, dark, 20, 25)) == ["preparing"]


def test_cancelled_tests_begin_again_from_the_start() -> None:
    guide = Guide(RULES)
    guide.start()
    run(guide, GOOD, 0, 3)
    guide.cancel()
    assert phases(run(guide, GOOD, 3, 5)) == ["watching"]
    guide.start()
    assert phases(run(guide, GOOD, 5, 7)) == ["preparing", "countdown"]
    guide.start()  # nothing: one goes on
    assert guide.phase == "countdown"
