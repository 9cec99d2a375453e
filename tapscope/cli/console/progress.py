"""Progress bars."""

from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from tapscope.cli.console.summary import STYLES
from tapscope.cli.console.time_left import TimeLeft, clock_text
from tapscope.pipeline.cache import CachedResult
from tapscope.pipeline.recordings import Recording


class _Bar:
    """A progress bar that disappears at the end; not drawn where stderr is no terminal."""

    def __init__(self, console: Console, *columns: str | ProgressColumn) -> None:
        self._console = console
        self._progress = Progress(
            *columns,
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, note="")

    def __enter__(self) -> Self:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        self._progress.stop()


class BatchBar(_Bar):
    """Shows a batch as one bar, with a line for each recording that is not ok."""

    def __init__(self, console: Console) -> None:
        super().__init__(console, SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
        self._time_left = TimeLeft()
        self._count = 0
        self._progress.update(self._task, description="looking for completed recordings")

    def planned(self, recordings: Sequence[Recording], todo: Sequence[Recording]) -> None:
        """Show how many recordings there are to analyse."""
        self._count = len(todo)
        self._time_left.sizes = {r.name: _size(r) for r in todo}
        reused = len(recordings) - len(todo)
        if reused:
            self._console.print(
                f"{reused} completed before from the same inputs, {len(todo)} to analyse"
            )
        self._show()

    def started(self, recording: Recording) -> None:
        """Start the clock."""
        self._time_left.begin()
        self._show()

    def progressed(self, recording: Recording, done: int, total: int | None) -> None:
        """Move the bar."""
        self._time_left.advance(recording.name, done, total)
        self._show()

    def finished(self, recording: Recording, cached: CachedResult, seconds: float) -> None:
        """Count a recording; report at once if it is not ok."""
        self._time_left.finish(recording.name, cached.frames)
        status = str(cached.cells["status"])
        if status != "ok":
            style, reason = STYLES[status], escape(str(cached.cells["reason"]))
            self._console.print(f"[{style}]{status}[/] {escape(recording.name)}: {reason}")
        self._show()

    def _show(self) -> None:
        time_left = self._time_left
        rate = time_left.frames_per_second
        speed = "" if rate is None else f"{rate:.0f} frames/s"
        left = time_left.seconds_left
        self._progress.update(
            self._task,
            description=f"{len(time_left.completed)} of {self._count} recordings",
            completed=sum(time_left.done.values()),
            total=time_left.total_frames,
            note=f"{speed}  about {clock_text(left)} left" if left is not None else speed,
        )


def _size(recording: Recording) -> int:
    try:
        return recording.path.stat().st_size
    except OSError:
        return 0  # deleted since it was found; its row will report that


class CountingBar(_Bar):
    """Counts how many of a known number of things are done."""

    def __init__(self, console: Console, things: str) -> None:
        super().__init__(
            console,
            TextColumn(things),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("about"),
            TimeRemainingColumn(),
            TextColumn("left "),
        )

    def step(self, done: int, total: int, note: str = "") -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done, total=total, note=note)

    def line(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text)
