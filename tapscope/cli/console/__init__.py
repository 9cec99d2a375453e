"""What the terminal shows: rich tables, progress bars and the log.

Functions here take results and print them. They compute nothing that is not shown.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.markup import escape

from tapscope.cli.console.log import JsonLog, SilentListener
from tapscope.cli.console.progress import BatchBar, CountingBar
from tapscope.cli.console.summary import (
    STYLES,
    TRAINING_TITLE,
    count_of,
    counts_text,
    facts_table,
    figures_table,
    inspection_table,
    scores_table,
    speed_facts,
    speed_table,
    summary_table,
    training_table,
)
from tapscope.pipeline.batch import BatchResult, ProgressListener
from tapscope.pipeline.merge import Merged
from tapscope.video.inspection import Inspection

if TYPE_CHECKING:  # the first imports OpenCV, the others torch
    from tapscope.datasets.convert import Converted
    from tapscope.evaluation.benchmark import TrainingRun
    from tapscope.evaluation.scores import Scored
    from tapscope.evaluation.speed import Speed
    from tapscope.training.epoch_log import EpochReport
    from tapscope.training.run import Trained

Mode = Literal["terminal", "quiet", "json"]


@contextmanager
def progress_listener(mode: Mode) -> Iterator[ProgressListener]:
    """Provide a listener for a batch: a bar on stderr, nothing, or a log on stderr."""
    if mode == "terminal":
        with BatchBar(Console(stderr=True)) as bar:
            yield bar
    else:
        yield JsonLog() if mode == "json" else SilentListener()


def counting(things: str) -> CountingBar:
    """Return a bar on stderr that counts, for example, images."""
    return CountingBar(Console(stderr=True), things)


def print_summary(result: BatchResult, out: Path) -> None:
    """Print the summary of a batch."""
    console = Console()
    console.print(summary_table(result))
    if result.interrupted:
        console.print(
            "[yellow]interrupted[/]: the table holds the recordings completed so far; run the same "
            "command again to go on"
        )
    for note in result.notes:
        console.print(f"[yellow]note[/]: {escape(note)}")
    console.print(f"{counts_text(result)}; table: {escape(str(out))}")


def print_merged(merged: Merged, out: Path) -> None:
    """Print the result of a merge."""
    console = Console()
    for note in merged.notes:
        console.print(f"[yellow]note[/]: {escape(note)}")
    counts = ", ".join(f"{merged.statuses[s]} {s}" for s in STYLES if merged.statuses.get(s))
    recordings = count_of(sum(merged.statuses.values()), "recording")
    console.print(
        f"{count_of(merged.shards, 'shard')}, {recordings}: {counts or 'none'}; "
        f"table: {escape(str(out))}"
    )


def print_inspection(inspection: Inspection, protocol: str, *, as_json: bool) -> None:
    """Print the content of a video file and whether it suits a protocol."""
    if as_json:
        print(json.dumps(inspection_facts(inspection), indent=1))
        return
    console = Console()
    console.print(escape(str(inspection.info.path)), soft_wrap=True)
    console.print(inspection_table(inspection))
    for finding in inspection.findings:
        style = "red" if finding.serious else "yellow"
        console.print(f"[{style}]{finding.code}[/]: {escape(finding.text)}")
    verdict = "[green]suits[/]" if inspection.suitable else "[red]does not suit[/]"
    console.print(f"The recording {verdict} the protocol {escape(protocol)}.")


def inspection_facts(inspection: Inspection) -> dict[str, object]:
    """Return an inspection as plain values, unknown ones as None."""
    facts = asdict(inspection.info) | asdict(inspection.summary)
    plain: dict[str, object] = {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in facts.items()
    }
    del plain["repeats"]  # hundreds of numbers; duplicate_frames counts them
    plain["path"] = str(inspection.info.path)
    plain["findings"] = [asdict(finding) for finding in inspection.findings]
    plain["suitable"] = inspection.suitable
    return plain


def print_names(rows: Sequence[tuple[str, str]]) -> None:
    """Print names and their descriptions."""
    Console().print(facts_table(rows))


def print_trained(trained: "Trained") -> None:
    """Print the result of a training run."""
    console = Console()
    console.print(TRAINING_TITLE)
    console.print(training_table(trained))
    console.print(
        f"{count_of(trained.training_images, 'image')} for training, "
        f"{trained.validation_images} for validation; weights: {escape(str(trained.out))}"
    )
    if trained.result.kept_start:
        console.print("no epoch was better than the initial weights, which were written again")


def print_converted(done: "Converted", out: Path) -> None:
    """Print the result of converting labels."""
    rows = [
        ("labels", done.format),
        ("written", f"{count_of(done.hands, 'hand')} in {count_of(done.images, 'image')}: {out}"),
        ("keypoints", ", ".join(done.keypoints)),
        ("dropped", ", ".join(done.dropped) or "none"),
        ("left out", f"{count_of(done.unlabelled, 'image')} without labels of these keypoints"),
    ]
    Console().print(facts_table(rows))


def print_scores(scored: Sequence["Scored"], out: Path | None) -> None:
    """Print the scores of an evaluation: all of them for one set of weights, else a table."""
    console = Console()
    if len(scored) == 1:
        console.print(escape(f"{scored[0].weights} on {scored[0].dataset}"))
        console.print(figures_table(scored[0]))
    else:
        console.print(scores_table(scored))
    if out:
        console.print(f"scores, curves and tables: {escape(str(out))}")


@contextmanager
def saying() -> Iterator[Callable[[str], None]]:
    """Provide a function that shows on stderr what is done now."""
    with Console(stderr=True).status("") as status:
        yield lambda what: status.update(escape(what))


def print_speed(speed: "Speed") -> None:
    """Print how fast the parts of the analysis are."""
    console = Console()
    console.print(speed_table(speed))
    console.print(facts_table(speed_facts(speed)))


class TrainingBar(CountingBar):
    """Shows a training run: a bar that counts steps and one line per epoch."""

    def __init__(self) -> None:
        super().__init__(Console(stderr=True), "steps")
        self.epochs = 0
        """Number of epochs finished."""

    def loss(self, step: int, steps: int, loss: float) -> None:
        """Move the bar."""
        self.step(step, steps, f"loss {loss:.4f}")

    def epoch(self, report: "EpochReport") -> None:
        """Print the line of an epoch."""
        self.epochs += 1
        best = "  best so far" if report.best else ""
        self.line(
            f"epoch {report.epoch}: loss {report.loss:.4f}, validation tips within "
            f"0.05 / 0.1 of the hand {report.tips_pck_005:.3f} / {report.tips_pck_01:.3f}, "
            f"all keypoints within 0.1 {report.keypoints_pck_01:.3f}{best}"
        )


class TableBar(TrainingBar):
    """Shows a benchmark: one line per training run and a bar that counts its steps."""

    def run(self, run: "TrainingRun", what: str) -> None:
        """Print the line of a run."""
        self.line(f"{escape(run.entry.name)}, seed {run.seed}: {what}")
