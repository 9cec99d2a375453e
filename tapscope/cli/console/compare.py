"""Tables of a comparison."""

import math
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tapscope.cli.console.summary import count_of
from tapscope.compare.records import Comparison
from tapscope.compare.report.html import between, number, with_interval

_SHOWN: Final = (
    "tapping_rate_hz",
    "inter_tap_interval_median_s",
    "inter_tap_interval_cv",
    "amplitude_median",
    "amplitude_cv",
    "amplitude_decrement_ratio",
    "halt_count",
    "tap_interval_s",
    "tap_amplitude_centred",
)


def print_comparison(found: Comparison, out: Path) -> None:
    """Print the compared recordings, their agreement, and what was left out."""
    console = Console()
    console.print(_flow(found))
    console.print(_agreement(found))
    for line in _closing(found):
        console.print(line)
    console.print(f"report: {escape(str(out / 'report.html'))}")


def _flow(found: Comparison) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("step", "participants", "recordings", "taps"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for step in found.flow:
        counts = (step.n_participants, step.n_recordings, step.n_video_taps)
        table.add_row(step.step, *(str(count) for count in counts))
    return table


def _agreement(found: Comparison) -> Table:
    table = Table(title="video minus sensor", box=None, pad_edge=False, title_justify="left")
    table.add_column("feature", no_wrap=True)
    for heading in ("n", "bias [95 %]", "limits"):
        table.add_column(heading, justify="right", no_wrap=heading == "n", overflow="fold")
    for feature in _SHOWN:
        row = found.row(feature)
        if row is None:
            continue
        lower, upper = row.estimate("loa_lower"), row.estimate("loa_upper")
        r = row.estimate("pearson_r")
        if lower is not None and upper is not None:
            limits = between(lower.value, upper.value, 2)
        else:
            limits = f"unlike, r {number(math.nan if r is None else r.value, 2)}"
        table.add_row(
            feature,
            str(row.n_taps if row.level == "tap" else row.n_recordings),
            with_interval(row.estimate("bias"), 2),
            limits,
        )
    return table


def _closing(found: Comparison) -> list[str]:
    lines = []
    taps = found.row("tap_closure_time")
    if taps is not None:
        lines.append(
            f"closures within {found.settings['event tolerance']}: "
            f"F1 {with_interval(taps.estimate('f1'))} in "
            f"{count_of(taps.n_recordings, 'recording')} "
            f"({taps.note})"
        )
    alone = len(found.recordings) - len(found.on_one_clock)
    if alone:
        lines.append(
            f"counts and durations: not compared in {alone} of "
            f"{count_of(len(found.recordings), 'recording')}, whose clocks are not known to agree"
        )
    flagged = [each for each in found.exclusions if each.step == "synchronisation"]
    if flagged:
        lines.append(
            f"[yellow]compared by features only[/]: {len(flagged)} of "
            f"{count_of(len(found.recordings), 'recording')}, because their clocks could not be "
            f"aligned ({escape(flagged[0].recording)}: {escape(flagged[0].reason)} ...)"
        )
    lost = [each for each in found.exclusions if each.step != "synchronisation"]
    for each in lost[:10]:
        name = escape(each.recording or each.sensor_file)
        lines.append(f"[yellow]left out[/] {name}: {escape(each.reason)}")
    if len(lost) > 10:
        lines.append(f"... and {len(lost) - 10} more, see exclusions.csv")
    return lines
