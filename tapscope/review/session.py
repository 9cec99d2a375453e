"""What the page asks for: the state of a recording for a rater, and a correction more."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from tapscope.corrections.entry import rater_id
from tapscope.corrections.in_force import Corrections, in_force
from tapscope.corrections.log import Log, append, log_path, read_log
from tapscope.errors import ConflictError, CorrectionsError, OutputError, VideoError
from tapscope.pipeline.measurement import Measurement, measurement_of
from tapscope.pipeline.tracking import Tracking
from tapscope.review.asked import entry_asked
from tapscope.review.pictures import Box, Clip, Clips, hand_box
from tapscope.review.recording_state import Seen, listed, state_of
from tapscope.review.study import Item, Study, check_video

VIEWS: Final = ("hand", "full")


class Session:
    """One study under review. Its methods may be called from several threads."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._clips = Clips()
        self._writing = threading.Lock()
        self._tracking = lru_cache(maxsize=4)(self._read_tracking)
        self._measured = lru_cache(maxsize=12)(self._measure)
        self._video_problem = lru_cache(maxsize=None)(self._check_video)

    def close(self) -> None:
        """Stop decoding."""
        self._clips.close()

    def recordings(self, rater: str) -> dict[str, Any]:
        """Return the recordings of the study, and how far a rater is with each."""
        rater = rater_id(rater)
        shown = []
        for index, item in enumerate(self.study.items):
            try:
                log = self._log(item, rater)
            except CorrectionsError as problem:
                shown.append(listed(index, item, Log(None), str(problem)))
            else:
                shown.append(listed(index, item, log, item.problem))
        return {"table": self.study.table.name, "rater": rater, "recordings": shown}

    def state(self, index: int, rater: str) -> dict[str, Any]:
        """Return everything that the page shows of a recording.

        Raises
        ------
        CorrectionsError
            It cannot be reviewed, or there is no such recording.
        """
        item = self._item(index)
        return self._state(index, item, self._seen(index, rater_id(rater)))

    def correct(self, index: int, rater: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Write a correction and return the new state of the recording.

        Parameters
        ----------
        asked
            'entries': how many entries the page knows; 'kind', 'before' and 'after' as in
            `corrections.entry.Entry`, where 'before' names the closure or the span.

        Raises
        ------
        ConflictError
            There are entries that the page does not know.
        CorrectionsError
            The correction does not fit the recording.
        OutputError
            It cannot be written.
        """
        item, rater = self._item(index), rater_id(rater)
        with self._writing:
            seen = self._seen(index, rater)
            if asked.get("entries") != len(seen.log.entries):
                raise ConflictError("this recording was corrected on another page; look again")
            least_s = self.study.protocol.taps.min_interval_s
            entry = entry_asked(asked, rater, seen, self._tracking(index).info, least_s)
            path = log_path(self.study.folder, rater, item.recording.file_stem)
            try:
                append(path, item.subject(rater), entry)
            except OSError as problem:
                raise OutputError(f"{path}: cannot be written ({problem.strerror})") from problem
            return self._state(index, item, self._seen(index, rater))

    def picture(self, index: int, frame: int, view: str) -> bytes:
        """Return a frame as JPEG.

        Raises
        ------
        CorrectionsError, VideoError
            There is no such recording or frame, or it cannot be shown.
        """
        item = self._item(index)
        if view not in VIEWS:
            raise VideoError(f"view is {view!r}; it must be one of {', '.join(VIEWS)}")
        if problem := self._video_problem(index):
            raise VideoError(problem)
        box = self._box(self._tracking(index), view)
        clip = self._clips.get((index, view), lambda: Clip(item.recording.path, box))
        return clip.picture(frame)

    def _item(self, index: int) -> Item:
        if not 0 <= index < len(self.study.items):
            raise CorrectionsError(f"there is no recording {index}")
        return self.study.items[index]

    def _log(self, item: Item, rater: str) -> Log:
        log = read_log(log_path(self.study.folder, rater, item.recording.file_stem))
        if log.subject not in (None, item.subject(rater)):
            raise CorrectionsError(
                f"{item.recording.name}: the corrections of {rater} are of another video or "
                "another slow motion; move their file away to begin anew"
            )
        return log

    def _seen(self, index: int, rater: str) -> Seen:
        item = self._item(index)
        log = self._log(item, rater)
        corrections = in_force(item.subject(rater), log.entries)
        return Seen(
            log, corrections, self._measured(index, corrections if corrections.count else None)
        )

    def _read_tracking(self, index: int) -> Tracking:
        return self.study.tracking(self.study.items[index])

    def _measure(self, index: int, corrections: Corrections | None) -> Measurement:
        recording = replace(self.study.items[index].recording, corrections=corrections)
        return measurement_of(self._tracking(index), recording, self.study.protocol)

    def _check_video(self, index: int) -> str:
        return check_video(self.study.items[index])

    def _box(self, tracking: Tracking, view: str) -> Box:
        width, height = tracking.info.width, tracking.info.height
        if view == "full":
            return Box(0, 0, width, height)
        return hand_box(tracking.keypoints.position_px, width, height)

    def _state(self, index: int, item: Item, seen: Seen) -> dict[str, Any]:
        tracking = self._tracking(index)
        return state_of(
            index,
            item,
            seen,
            self._measured(index, None),
            tracking.info,
            boxes={view: self._box(tracking, view) for view in VIEWS},
            video_problem=self._video_problem(index),
        )
