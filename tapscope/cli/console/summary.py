"""Tables and texts that summarise results."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table

from tapscope.pipeline.batch import BatchResult
from tapscope.pipeline.cache import CachedResult
from tapscope.video.inspection import Inspection

if TYPE_CHECKING:  # they import torch
    from tapscope.evaluation.scores import Scored
    from tapscope.evaluation.speed import Speed
    from tapscope.training.run import Trained

TRAINING_TITLE: Final = "share of validation keypoints within 0.1 of the hand"
STYLES: Final = {"ok": "green", "doubtful": "yellow", "failed": "red"}
MAX_ROWS: Final = 30
"""A summary of more recordings than this lists only those that are not ok."""
MAX_NAME: Final = 40
"""Longest name of a recording that is kept on one line; longer ones are folded, none is cut."""


def summary_table(result: BatchResult) -> Table:
    """Return a table of the recordings; of many recordings only those that are not ok."""
    many = len(result.results) > MAX_ROWS
    fits = max(map(len, result.results), default=0) <= MAX_NAME
    table = Table(title="Not ok" if many else None, box=None, pad_edge=False)
    table.add_column("recording", overflow="fold", no_wrap=fits)
    table.add_column("status", no_wrap=True)
    table.add_column("taps", justify="right", no_wrap=True)
    table.add_column("rate, Hz", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for name, cached in result.results.items():
        status = str(cached.cells["status"])
        if many and status == "ok":
            continue
        table.add_row(
            escape(name),
            f"[{STYLES[status]}]{status}[/]",
            _number(cached, "tap_count", ".0f"),
            _number(cached, "tapping_rate_hz", ".2f"),
            escape(str(cached.cells["reason"])),
        )
    return table


def _number(cached: CachedResult, column: str, form: str) -> str:
    value = cached.cells.get(column)
    return format(value, form) if isinstance(value, int | float) else ""


def counts_text(result: BatchResult) -> str:
    """Return '3 recordings: 2 ok, 1 failed (1 from before)'."""
    counts = result.counts()
    parts = [f"{counts[status]} {status}" for status in STYLES if counts[status]]
    before = f" ({result.reused} from before)" if result.reused else ""
    counted = count_of(len(result.results), "recording")
    return f"{counted}: {', '.join(parts) or 'none completed'}{before}"


def count_of(count: int, thing: str) -> str:
    """Return '1 recording', '2 recordings'."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def facts_table(rows: Iterable[tuple[str, str]]) -> Table:
    """Return names and values side by side."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in rows:
        table.add_row(escape(name), escape(value))
    return table


def inspection_table(inspection: Inspection) -> Table:
    """Return the content of a video file; the caller prints its path above, which may be long."""
    info, summary = inspection.info, inspection.summary
    rate = f"{summary.measured_fps:.2f} frames per second"
    if summary.repeats:
        rate = f"{summary.measured_fps:.2f} new pictures of {summary.shown_fps:.2f} per second"
    turned = f", turned by {info.rotation_deg} degrees" if info.rotation_deg else ""
    return facts_table(
        [
            ("codec", f"{info.codec} ({info.pixel_format}) in {info.container}"),
            ("image", f"{info.width} x {info.height} px{turned}"),
            ("frame rate", rate + (", variable" if summary.variable_frame_rate else "")),
            ("in the header", f"{info.nominal_fps:.2f} frames per second"),
            ("duration", f"{summary.duration_s:.3f} s, {summary.decoded_frames} frames"),
            ("dropped frames", str(summary.dropped_frames)),
            ("duplicate frames", str(summary.duplicate_frames)),
            ("decoder", summary.decoder + (f" ({r})" if (r := summary.decoder_reason) else "")),
        ]
    )


def figures_table(scored: "Scored") -> Table:
    """Return the scores of one set of weights on one set of images: tips, and all keypoints."""
    from tapscope.evaluation.scores import all_of, tips_of

    table = Table(box=None, pad_edge=False)
    for heading in ("", "tips", "all keypoints"):
        table.add_column(heading, justify="right" if heading else "left")
    every = all_of(scored).figures()
    for name, value in tips_of(scored).figures().items():
        table.add_row(name, _figure(value), _figure(every[name]))
    return table


def scores_table(scored: Sequence["Scored"]) -> Table:
    """Return the scores of several networks or sets for the tips: mean over seeds, SD if known."""
    from tapscope.evaluation.scores import summaries

    table = Table(box=None, pad_edge=False)
    headings = ("set", "network", "seeds", "within 5 px, %", "10 px, %", "20 px, %", "found, %")
    for heading in headings:
        is_name = heading in ("set", "network")
        table.add_column(heading, justify="left" if is_name else "right", overflow="fold")
    for one in summaries(scored):
        texts = [spread.text() for spread in (*(one.pck[t] for t in (5, 10, 20)), one.found)]
        table.add_row(escape(one.dataset), escape(one.network), str(len(one.seeds)), *texts)
    return table


def speed_table(speed: "Speed") -> Table:
    """Return frames a second for each video, and their ratios."""
    has_mediapipe = any(video.mediapipe for video in speed.videos)
    table = Table(title="frames a second", box=None, pad_edge=False, title_justify="left")
    table.add_column("video", overflow="fold")
    headings = ["frames", "decode only", "whole job", "job / decode"]
    for heading in headings + ["MediaPipe", "job / MediaPipe"] * has_mediapipe:
        table.add_column(heading, justify="right")
    for video in speed.videos:
        cells = [
            str(video.frames),
            f"{video.decode:.1f}",
            f"{video.analyze:.1f}",
            f"{video.analyze / video.decode:.3g}",
        ]
        if video.mediapipe:
            cells += [f"{video.mediapipe:.1f}", f"{video.analyze / video.mediapipe:.3g}"]
        table.add_row(escape(video.video.name), *cells)
    return table


def speed_facts(speed: "Speed") -> list[tuple[str, str]]:
    """Return the figures of a benchmark that concern all videos."""
    job = median(video.analyze for video in speed.videos)
    memory = "not counted by this system" if speed.peak_mib is None else f"{speed.peak_mib:.0f} MiB"
    beside = ""
    if speed.mediapipe is not None:
        beside = (
            f"; MediaPipe, one video after another, {speed.mediapipe:.1f} "
            f"(batch / MediaPipe {speed.batch / speed.mediapipe:.3g})"
        )
    return [
        ("engine", speed.engine),
        (
            "network only",
            f"{speed.network:.1f} crops of {speed.crop_px} px a second "
            f"(median whole job / network {job / speed.network:.3g})",
        ),
        ("command", f"{speed.command:.1f} frames a second over all videos, start-up included"),
        ("batch", f"{speed.batch:.1f} frames a second without the start-up{beside}"),
        (
            "first row",
            f"{speed.first_row_s:.2f} s after the start of the process, of which start-up "
            f"{speed.start_up_s:.2f} s",
        ),
        ("peak memory", f"{memory} in the largest process"),
    ]


def _figure(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{_figure(value['error_px'])} px over {value['count']}"
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def training_table(trained: "Trained") -> Table:
    """Return the share of keypoints within a tenth of the hand, per set, before and after.

    The caller prints `TRAINING_TITLE` above it: a table's own title is wrapped to its width.
    """
    result = trained.result
    table = Table(
        box=None,
        pad_edge=False,
    )
    table.add_column("set", overflow="fold")
    if result.before:
        table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    for name, share in result.after.items():
        before = [f"{result.before[name]:.3f}"] if result.before else []
        table.add_row(escape(name), *before, f"{share:.3f}")
    return table
