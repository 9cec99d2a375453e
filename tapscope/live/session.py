"""The threads of a live session: capture, network, reading; the recording of a test.

The capture thread never waits for the network: it notes each frame, gives it to the recorder while
a test goes on, and leaves it in the slot, from where the network takes the newest one.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tapscope.errors import VideoError
from tapscope.live.frame_slot import FrameSlot
from tapscope.live.guide import Guide, GuideRules, GuideState
from tapscope.live.names import RecordingNames
from tapscope.live.picture import DrawnFrame, draw
from tapscope.live.recent import NOTHING, Reading, Recent, Seen, brightness_of, is_at_edge
from tapscope.live.recorder import Recorder
from tapscope.live.source import CapturedFrame, Clock, FrameSource
from tapscope.live.timing import TimingLog
from tapscope.pose.detection import HandDetection
from tapscope.pose.follower import HandFollower
from tapscope.protocol.protocol import Protocol

_READ_EVERY_S: Final = 0.25
"""How often the last seconds are measured."""
_READ_PAUSE: Final = 4.0
"""The pause is at least so many times as long as measuring: the network needs the processor."""
_SEARCH_EVERY_S: Final = 1.0
"""While there is something to mend, a better hand is looked for so often."""
_SILENT_S: Final = 10.0
"""A camera without a frame for so long is lost."""
_EXIT_S: Final = 12.0
"""How long to wait for a thread to end; a driver may hold `read` for ten seconds."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A test was recorded, or a part of one."""

    recorder: Recorder
    complete: bool
    """False where the source ended or failed before the end of the test."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The source gives no more frames."""

    error: BaseException | None = None


Event = Recorded | Ended


@dataclass
class LiveSession:
    """Runs from `start` to `close`; the events say what happens on the way.

    Parameters
    ----------
    source
        Where frames come from.
    follower
        Follows the hand.
    names
        Where recordings are written.
    keypoint_names
        Those that the network places.
    protocol
        The measurement rules.
    rules
        The guided test.
    clock
        That of the source.
    """

    source: FrameSource
    follower: HandFollower
    names: RecordingNames
    keypoint_names: tuple[str, ...]
    protocol: Protocol
    rules: GuideRules
    clock: Clock = time.perf_counter
    events: "queue.SimpleQueue[Event]" = field(default_factory=queue.SimpleQueue)
    timing: TimingLog = field(default_factory=TimingLog)
    guide_state: GuideState = field(default_factory=lambda: GuideState("watching", ""))
    """Where the test stands."""
    reading: Reading = NOTHING
    """The last seconds."""
    recent: Recent = field(init=False)
    _guide: Guide = field(init=False)
    _slot: FrameSlot = field(init=False)
    _recorder: Recorder | None = None
    _drawn: DrawnFrame | None = None
    _drawn_changed: threading.Condition = field(default_factory=threading.Condition)
    _guarded: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _last_search_s: float = 0.0
    _last_frame_s: float = 0.0

    def __post_init__(self) -> None:
        self.recent = Recent(self.keypoint_names, self.protocol)
        self._guide = Guide(self.rules)
        self._slot = FrameSlot(keep_all=not self.source.is_live)

    def start(self) -> None:
        """Start the threads."""
        self._last_frame_s = self.clock()
        for run in (self._capture, self._follow, self._read):
            thread = threading.Thread(target=self._guarded_run, args=(run,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def begin_test(self, name: str = "") -> None:
        """Prepare a test; nothing if one goes on.

        Parameters
        ----------
        name
            Of the recording; '' for one made of the date and time.

        Raises
        ------
        OutputError
            The name cannot be used, or is in use.
        """
        with self._guarded:
            if self._guide.phase in ("watching", "recorded"):
                self.names.choose(name)
                self._guide.start()

    def insist(self) -> None:
        """Begin the prepared test although there is something to mend."""
        with self._guarded:
            self._guide.insist()

    def cancel_test(self) -> None:
        """Go back to watching, unless a test is being recorded."""
        with self._guarded:
            if self._guide.phase != "recording":
                self._guide.cancel()

    @property
    def dropped(self) -> int:
        """Frames that came too late, for the source or for the network, from the beginning."""
        return self.source.dropped + self._slot.replaced

    def next_event(self, timeout_s: float) -> Event | None:
        """Wait for what happens next; None after `timeout_s` without anything.

        A camera whose driver waits for a frame for ever counts as lost.
        """
        try:
            return self.events.get(timeout=timeout_s)
        except queue.Empty:
            pass
        if self.source.is_live and self.clock() - self._last_frame_s > _SILENT_S:
            self._last_frame_s = float("inf")  # said once
            self._end(
                VideoError(
                    f"{self.source.name}: gave no frame for {_SILENT_S:.0f} s; see whether its "
                    "cable is in, and start again"
                )
            )
        return None

    def drawn_after(self, number: int, timeout_s: float) -> DrawnFrame | None:
        """Wait for a drawn frame later than `number`; None if none comes within `timeout_s`."""
        with self._drawn_changed:
            is_later = self._drawn_changed.wait_for(
                lambda: self._drawn is not None and self._drawn.number > number, timeout_s
            )
            return self._drawn if is_later else None

    def close(self) -> None:
        """Stop all threads; what is being recorded comes as a last event."""
        self._stop.set()
        self.source.close()
        self._slot.close()
        for thread in self._threads:
            thread.join(_EXIT_S)
        self._hand_over(complete=False)

    def _guarded_run(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as problem:  # whatever it is, the main thread raises it
            self._end(problem)

    def _end(self, problem: BaseException | None) -> None:
        self._hand_over(complete=False)
        self.events.put(Ended(problem))

    def _capture(self) -> None:
        for frame in self.source.frames():
            if self._stop.is_set():
                return
            self._last_frame_s = self.clock()
            self.recent.captured(frame.time_s)
            self.timing.captured(frame.number, frame.time_s)
            with self._guarded:
                state = self._guide.update(frame.time_s, self.recent.signals())
            self.guide_state = state
            if state.phase == "recording":
                self._record(frame)
            elif self._recorder is not None:
                self._hand_over(complete=True)
            if state.phase != "recorded":
                self._slot.put(frame)
            while not self.source.is_live and self._is_held():
                self._stop.wait(_READ_EVERY_S)
        self._slot.close()
        self._end(None)

    def _is_held(self) -> bool:
        """Say whether a file must wait, because its recording is being measured."""
        return self._guide.phase == "recorded" and not self._stop.is_set()

    def _record(self, frame: CapturedFrame) -> None:
        if self._recorder is None:
            height, width = frame.image.shape[:2]
            self._recorder = Recorder(
                self.names.path, (height, width), keep_all=not self.source.is_live
            )
        self._recorder.add(frame)

    def _hand_over(self, *, complete: bool) -> None:
        """Give the recorder to who waits for events."""
        with self._guarded:
            recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self.events.put(Recorded(recorder, complete))

    def _follow(self) -> None:
        while (frame := self._slot.take()) is not None:
            view = self._look(frame)
            at_edge = view is not None and is_at_edge(frame.image, view)
            self.recent.add(Seen(frame.time_s, view, brightness_of(frame.image, view), at_edge))
            trail_px = self.recent.trail()
            drawn = draw(frame.number, frame.image, trail_px)
            self.timing.marked(frame.time_s, frame.captured_s, self.clock())
            with self._drawn_changed:
                self._drawn = drawn
                self._drawn_changed.notify_all()

    def _look(self, frame: CapturedFrame) -> HandDetection | None:
        state = self.guide_state
        is_due = frame.time_s - self._last_search_s >= _SEARCH_EVERY_S
        if state.phase in ("watching", "preparing") and state.advice and is_due:
            self._last_search_s = frame.time_s
            return self.follower.look_elsewhere(frame.image, frame.time_s)
        return self.follower.see(frame.image, frame.time_s)

    def _read(self) -> None:
        pause_s = _READ_EVERY_S
        while not self._stop.wait(pause_s):
            begun_s = time.perf_counter()
            self.reading = self.recent.read()
            taken_s = time.perf_counter() - begun_s
            pause_s = max(_READ_EVERY_S, _READ_PAUSE * taken_s)
