"""The guided test: what must be mended before it, the countdown, and when to tap."""

import math
from dataclasses import dataclass
from typing import Final, Literal

Phase = Literal["watching", "preparing", "countdown", "recording", "recorded"]

Code = Literal[
    "no_hand", "hand_lost", "too_far", "at_edge", "tips_hidden", "too_dark", "slow", "uneven"
]


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of the last second of frames; NaN unknown."""

    frame_rate_hz: float = math.nan
    """One over the mean interval of the captured frames."""
    late_share: float = math.nan
    """Share of these intervals that are longer than one and a half mean ones."""
    brightness: float = math.nan
    """How light the hand is, or the image where there is none; see `recent.brightness_of`."""
    hand_px: float = math.nan
    """Length of the hand, wrist to middle knuckle, pixels; NaN without a hand."""
    seen_share: float = 0.0
    """Share of the frames in which the hand was seen."""
    tips_share: float = 0.0
    """Share of the frames with the hand in which both tips are believed."""
    edge_share: float = 0.0
    """Share of the frames with the hand in which it reaches out of the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideRules:
    """When a test can begin, and how long its parts are."""

    tapping_s: float = 10.0
    """Seconds of tapping that are asked for."""
    rest_s: float = 1.0
    """Seconds of rest that are recorded before and after it, see docs/filming.md."""
    countdown_s: float = 3.0
    ready_s: float = 1.0
    """Seconds without anything to mend before the countdown."""
    patience_s: float = 0.5
    """Seconds for which something may be wrong during the countdown."""
    min_hand_px: float = 60.0
    """As in the protocol's group `quality`."""
    min_brightness: float = 50.0
    """Level of 255 of the light parts: below, the outline is lost in the noise of the camera."""
    min_frame_rate_hz: float = 24.0
    """A camera of 30 frames a second that lacks light gives fewer."""
    max_late_share: float = 0.15
    """Share of intervals over one and a half mean ones."""
    min_seen_share: float = 0.8
    min_tips_share: float = 0.8
    max_edge_share: float = 0.3

    @property
    def recorded_s(self) -> float:
        """Seconds that are recorded."""
        return self.tapping_s + 2 * self.rest_s


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to mend."""

    code: Code
    text: str
    """What to do, and why."""


@dataclass(frozen=True, slots=True)
class GuideState:
    """Where the test stands."""

    phase: Phase
    text: str
    """What the person at the camera shall do now."""
    advice: tuple[Advice, ...] = ()
    """What to mend, the most important first."""
    left_s: float = math.nan
    """Seconds to the end of the countdown or of the recording."""


_TEXTS: Final = {
    "watching": "Start the test when you are ready.",
    "ready": "Good. Hold still, tips together.",
    "recorded": "Done. The recording is measured now.",
}


def advice_for(signals: Signals, rules: GuideRules) -> tuple[Advice, ...]:
    """Say what to mend, the most important first."""
    found: list[Advice] = []

    def add(code: Code, text: str) -> None:
        found.append(Advice(code, text))

    has_hand = signals.seen_share >= rules.min_seen_share and math.isfinite(signals.hand_px)
    if signals.brightness < rules.min_brightness:
        add("too_dark", "More light: put a lamp in front of the hand, not behind it.")
    if not has_hand:
        add("no_hand", "Hold one hand up before the camera, with thumb and index finger in sight.")
    else:
        if signals.hand_px < rules.min_hand_px:
            add(
                "too_far",
                f"Come nearer: the hand is {signals.hand_px:.0f} pixels long, "
                f"{rules.min_hand_px:.0f} are needed.",
            )
        if signals.edge_share > rules.max_edge_share:
            add("at_edge", "Move the hand to the middle: a part of it is outside the image.")
        elif signals.tips_share < rules.min_tips_share:
            add("tips_hidden", "Turn the hand until both tips are in sight.")
    if math.isnan(signals.frame_rate_hz):
        add("slow", "Wait: the frame rate is not known yet.")
    elif signals.frame_rate_hz < rules.min_frame_rate_hz:
        add(
            "slow",
            f"More light, or close other programs: only {signals.frame_rate_hz:.0f} frames a "
            f"second come, {rules.min_frame_rate_hz:.0f} are needed.",
        )
    elif signals.late_share > rules.max_late_share:
        add("uneven", "Close other programs: the frames come unevenly.")
    return tuple(found)


class Guide:
    """Goes through the phases of a test; its clock is that of the frames.

    Parameters
    ----------
    rules
        When a test can begin, and how long its parts are.
    """

    def __init__(self, rules: GuideRules) -> None:
        self.rules = rules
        self._phase: Phase = "watching"
        self._since_s = math.nan
        """Beginning of the countdown or of the recording; in 'preparing' since when all is well."""
        self._wrong_s = math.nan
        """Since when something is wrong during the countdown."""
        self._insists = False
        """Whether the test begins although there is something to mend."""

    @property
    def phase(self) -> Phase:
        """Where the test stands."""
        return self._phase

    def start(self) -> None:
        """Begin to prepare a test; nothing if one goes on."""
        if self._phase in ("watching", "recorded"):
            self._phase, self._since_s, self._insists = "preparing", math.nan, False

    def insist(self) -> None:
        """Begin the prepared test although there is something to mend; the analysis will judge."""
        self._insists = True

    def cancel(self) -> None:
        """Go back to watching."""
        self._phase = "watching"

    def update(self, time_s: float, signals: Signals) -> GuideState:
        """Return the state at a frame.

        Parameters
        ----------
        time_s
            Its time stamp.
        signals
            The last second.
        """
        if self._phase == "watching":
            return GuideState("watching", _TEXTS["watching"], advice_for(signals, self.rules))
        if self._phase == "preparing":
            return self._prepare(time_s, advice_for(signals, self.rules))
        if self._phase == "countdown":
            return self._count_down(time_s, advice_for(signals, self.rules))
        if self._phase == "recording":
            return self._record(time_s, signals)
        return GuideState("recorded", _TEXTS["recorded"])

    def _prepare(self, time_s: float, advice: tuple[Advice, ...]) -> GuideState:
        if advice and not self._insists:
            self._since_s = math.nan
            return GuideState("preparing", advice[0].text, advice)
        if not time_s - self._since_s >= 0:
            self._since_s = time_s
        if time_s - self._since_s >= self.rules.ready_s:
            self._phase, self._since_s, self._wrong_s = "countdown", time_s, math.nan
            return self._count_down(time_s, advice)
        return GuideState("preparing", _TEXTS["ready"])

    def _count_down(self, time_s: float, advice: tuple[Advice, ...]) -> GuideState:
        if not advice or self._insists:
            self._wrong_s = math.nan
        elif math.isnan(self._wrong_s):
            self._wrong_s = time_s
        if time_s - self._wrong_s >= self.rules.patience_s:
            self._phase = "preparing"
            return self._prepare(time_s, advice)
        left_s = self.rules.countdown_s - (time_s - self._since_s)
        if left_s <= 0:
            self._phase, self._since_s = "recording", time_s
            return self._record(time_s, Signals(seen_share=1.0))
        return GuideState("countdown", _TEXTS["ready"], advice, left_s)

    def _record(self, time_s: float, signals: Signals) -> GuideState:
        rules = self.rules
        past_s = time_s - self._since_s
        if past_s >= rules.recorded_s:
            self._phase = "recorded"
            return GuideState("recorded", _TEXTS["recorded"])
        if past_s < rules.rest_s:
            text = "Recording. Hold still, tips together."
        elif past_s < rules.rest_s + rules.tapping_s:
            text = "Tap: as wide and as fast as you can."
        else:
            text = "Stop. Hold still, the hand in view."
        lost = signals.seen_share < 0.5
        advice = (Advice("hand_lost", "Keep the hand in view."),) if lost else ()
        return GuideState("recording", text, advice, rules.recorded_s - past_s)
