"""A live session from its first frame to the measured test; what `tapscope live` does."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from tapscope.errors import OutputError, TapscopeError, VideoError
from tapscope.live.recorder import Recording
from tapscope.live.results import (
    Analyse,
    MeasuredTest,
    how_to_measure,
    summary_line,
    write_record,
)
from tapscope.live.session import Ended, LiveSession, Recorded
from tapscope.live.timing import LiveTiming

_WAIT_S: Final = 0.25
_LINE_EVERY_S: Final = 1.0
_LAST_MARK_S: Final = 2.0
"""How long to wait for the marks of the last frame of a test."""

Say = Callable[[str], None]


class LiveRun:
    """Watches a session; measures what it has recorded.

    Parameters
    ----------
    session
        Not started yet.
    analyse
        Measures the folder of recordings.
    say
        Receives what happens, line by line.
    """

    def __init__(self, session: LiveSession, analyse: Analyse, say: Say) -> None:
        self.session = session
        self.result: MeasuredTest | None = None
        """The last test."""
        self.problem = ""
        """Why there are no more frames; '' if there are."""
        self._analyse = analyse
        self._unmeasured: Recorded | None = None
        self._say = say
        self._said = ""
        self._said_s = -math.inf

    def run_test(self) -> MeasuredTest:
        """Record one test, measure it and return it.

        Raises
        ------
        VideoError
            The source failed, or ended before a test could be recorded.
        OutputError
            The recording cannot be written.
        """
        try:
            self._start()
            self.session.begin_test(self.session.names.given)
            while True:
                event = self.session.next_event(_WAIT_S)
                if isinstance(event, Recorded):
                    return self._measured(event, self._problem_after(event))
                if isinstance(event, Ended):
                    raise event.error or self._too_short()
                self._tell(repeat=True)
        finally:
            self.session.close()

    def run_tests(self) -> None:
        """Measure every test that is recorded, until Ctrl-C.

        Raises
        ------
        VideoError
            The camera failed.
        OutputError
            A recording cannot be written.
        """
        try:
            self._start()
            while True:
                event = self.session.next_event(_WAIT_S)
                if isinstance(event, Recorded):
                    self._measured(event, self._problem_after(event))
                    self.session.cancel_test()
                if isinstance(event, Ended):
                    if event.error:
                        raise event.error
                    self._file_ended()
                if not self.problem:
                    self._tell(repeat=False)
        finally:
            self.session.close()

    def interrupted(self) -> str:
        """Return, after Ctrl-C, what was kept and how to go on."""
        event = self._unmeasured
        while event is None and (following := self.session.next_event(0)) is not None:
            event = following if isinstance(following, Recorded) else None
        if event is None:
            return "nothing was being recorded; start again when you are ready"
        return f"the test is kept in {self._kept(event)}"

    def _start(self) -> None:
        session = self.session
        height, width = session.source.size
        self._say(f"{session.source.name}: {width} x {height} pixels; preparing the network")
        session.follower.warm_up(np.zeros((max(height, 1), max(width, 1), 3), np.uint8))
        session.start()

    def _problem_after(self, event: Recorded) -> BaseException | None:
        """Return the fault that cut a test short, if one did."""
        self._unmeasured = event
        if event.complete:
            return None
        following = self.session.next_event(_WAIT_S)
        if isinstance(following, Ended) and following.error is None:
            self._file_ended()
        return following.error if isinstance(following, Ended) else None

    def _file_ended(self) -> None:
        self.problem = f"{self.session.source.name}: has ended"
        self._say(self.problem)

    def _kept(self, event: Recorded) -> str:
        """Close the file of a test that is not measured; return where it is and how to go on."""
        recording, _ = self._written(event)
        return (
            f"{recording.path} ({recording.duration_s:.1f} s); measure it with: "
            f"{how_to_measure(recording.path)}"
        )

    def _written(self, event: Recorded) -> tuple[Recording, LiveTiming]:
        """Close the file of a test and write its record."""
        try:
            recording = event.recorder.finish()
        except OutputError as problem:
            path = event.recorder.recording.path
            raise OutputError(
                f"{problem}; what was written before is kept: {how_to_measure(path)}"
            ) from problem
        first_s, last_s = recording.time_s[0], recording.time_s[-1]
        self.session.timing.wait_for(last_s, _LAST_MARK_S)
        timing = self.session.timing.between(first_s, last_s)
        write_record(recording, timing, self.session.source, complete=event.complete)
        return recording, timing

    def _measured(self, event: Recorded, problem: BaseException | None) -> MeasuredTest:
        """Close the file of a test and measure it.

        A test that a fault cut short is kept, but not measured without being asked: somebody must
        see that it is not whole.
        """
        if isinstance(problem, TapscopeError):
            raise type(problem)(f"{problem}; the test is kept in {self._kept(event)}") from problem
        if problem is not None:
            raise problem
        recording, timing = self._written(event)
        if not event.complete:
            wanted_s = self.session.rules.recorded_s
            self._say(f"the source ended after {recording.duration_s:.1f} of {wanted_s:.0f} s")
        self._say(summary_line(recording, timing, is_live=self.session.source.is_live))
        result = MeasuredTest(recording, timing, self._analyse(recording.path.parent))
        self.result = result
        if result.batch.interrupted:
            raise KeyboardInterrupt
        self._unmeasured = None
        return result

    def _too_short(self) -> VideoError:
        advice = self.session.guide_state.advice
        last = f" (last: {advice[0].text})" if advice else ""
        return VideoError(
            f"{self.session.source.name}: ended before a test could be recorded{last}; give a "
            "longer video in which the hand is in view"
        )

    def _tell(self, *, repeat: bool) -> None:
        """Say where the session stands when that changes; with `repeat` once a second, too."""
        session, state = self.session, self.session.guide_state
        now_s = session.clock()
        # the text of an advice holds a number that changes
        what = f"{state.phase} {state.advice[0].code if state.advice else state.text}"
        is_due = repeat and now_s - self._said_s >= _LINE_EVERY_S
        if what == self._said and not is_due:
            return
        self._said, self._said_s = what, now_s
        rate = session.reading.rate_hz
        taps = f"  {rate:.1f} taps/s" if math.isfinite(rate) else ""
        left = f"  {state.left_s:.0f} s left" if math.isfinite(state.left_s) else ""
        shown_hz = session.timing.now_hz()
        speed = f"  {shown_hz:.0f} frames/s" if math.isfinite(shown_hz) else ""
        dropped = f"  {session.dropped} dropped"
        self._say(f"{state.phase}: {state.text}{left}{speed}{dropped}{taps}")
