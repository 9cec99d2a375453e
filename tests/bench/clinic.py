"""How near to the truth a table of rendered clinic recordings comes.

    tapscope analyze FOLDER/videos --out FEATURES.csv
    python -m tests.bench.clinic FOLDER FEATURES.csv

FOLDER holds truth/NAME.json for each recording: contacts, task, tips and their visibility in each
frame. Prints a line for each recording and the totals.

- rate: taps per second against the true contacts.
- closures: those between the first and the last true contact, matched within 50 ms.
- task: start and end against the first opening and the last closing.
- tips: error of both tips where they are visible, within the true task.
- known: frames with a visible hand, within the true task, whose tips are known.
"""

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tapscope.agreement import match_events
from tapscope.records import FloatArray
from tests.bench.study import column, read_rows

MATCH_S = 0.05
RATE_HZ = 0.1
TASK_S = 0.25


@dataclass(frozen=True)
class Scores:
    """One recording against its truth."""

    name: str
    status: str
    reason: str
    rate_hz: float
    true_rate_hz: float
    hits: int
    closures: int
    """Found and true ones together."""
    time_error_s: FloatArray
    task_error_s: FloatArray
    """Of start and end."""
    tip_error_px: FloatArray
    known: int
    asked: int
    """Frames whose tips could be known."""

    @property
    def is_right(self) -> bool:
        return abs(self.rate_hz - self.true_rate_hz) <= RATE_HZ

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(self.closures, 1)


def score(row: dict[str, str], truth: Path, results: Path) -> Scores:
    """Return the scores of one row of the table."""
    name = row["recording"]
    true = json.loads((truth / f"{name}.json").read_text())
    contacts_s = np.array(true["contacts_s"])
    taps = read_rows(results / f"{name}.taps.csv")
    closures_s = np.unique(
        np.concatenate([column(taps, c) for c in ("closure_s", "next_closure_s")])
    )
    first_s, last_s = contacts_s[0] - MATCH_S, contacts_s[-1] + MATCH_S
    closures_s = closures_s[(closures_s >= first_s) & (closures_s <= last_s)]
    errors_s = match_events(closures_s, contacts_s, MATCH_S).error_s
    tracks = read_rows(results / f"{name}.tracks.csv")
    axes = ("thumb_tip_x", "thumb_tip_y", "index_tip_x", "index_tip_y")
    tips_px = np.stack([column(tracks, axis) for axis in axes], axis=1).reshape(-1, 2, 2)
    known = np.isfinite(column(tracks, "aperture_px")) if tracks else np.zeros(0, dtype=bool)
    time_s = np.array(true["frame_times_s"])
    frames = min(len(time_s), len(tips_px))
    visible = np.array(true["tips_visible"], dtype=bool)[:frames]
    in_task = (time_s >= true["task_s"][0]) & (time_s <= true["task_s"][1])
    wanted = in_task[:frames, None] & visible
    error_px = np.linalg.norm(tips_px[:frames] - np.array(true["tips_px"])[:frames], axis=2)
    both = in_task[:frames] & visible.any(axis=1)
    task = np.array([float(row.get(k) or "nan") for k in ("task_start_s", "task_end_s")])
    return Scores(
        name=name,
        status=row["status"],
        reason=row["reason"],
        rate_hz=float(row["tapping_rate_hz"] or "nan"),
        true_rate_hz=(len(contacts_s) - 1) / float(contacts_s[-1] - contacts_s[0]),
        hits=len(errors_s),
        closures=len(closures_s) + len(contacts_s),
        time_error_s=np.abs(errors_s),
        task_error_s=task - np.array(true["task_s"]),
        tip_error_px=error_px[wanted & np.isfinite(error_px)],
        known=int((known[:frames] & both).sum()),
        asked=int(both.sum()),
    )


def report(scores: list[Scores]) -> None:
    """Print the tables."""
    print("recording               status     rate   true    F1    ms  task, s  px 50/90  known")
    for s in scores:
        middle, high = (
            np.percentile(s.tip_error_px, [50, 90]) if len(s.tip_error_px) else (np.nan,) * 2
        )
        time_ms = 1000 * float(np.median(s.time_error_s)) if len(s.time_error_s) else np.nan
        start, end = s.task_error_s
        print(
            f"{s.name:23} {s.status:8} {s.rate_hz:6.3f} {s.true_rate_hz:6.3f} {s.f1:6.3f} "
            f"{time_ms:5.1f} {start:+6.2f} {end:+6.2f}  {middle:5.1f} {high:5.1f} "
            f"{100 * s.known / max(s.asked, 1):6.1f}  {s.reason}"
        )
    ok = [s for s in scores if s.status == "ok"]
    unsure = [s for s in scores if s.status == "doubtful"]
    errors_s = np.concatenate([s.time_error_s for s in scores])
    tips = np.concatenate([s.tip_error_px for s in scores])
    f1 = 2 * sum(s.hits for s in scores) / max(sum(s.closures for s in scores), 1)
    task = sum(bool((np.abs(s.task_error_s) <= TASK_S).all()) for s in scores)
    known = 100 * sum(s.known for s in scores) / max(sum(s.asked for s in scores), 1)
    print(f"\nrates within {RATE_HZ} Hz: {sum(s.is_right for s in scores)} of {len(scores)}")
    print(f"ok: {len(ok)}, of which right {sum(s.is_right for s in ok)}")
    print(f"doubtful: {len(unsure)}, of which right {sum(s.is_right for s in unsure)}")
    print(f"closures within 50 ms: F1 {f1:.4f}, median error {1000 * np.median(errors_s):.1f} ms")
    print(f"task start and end within {TASK_S} s: {task} of {len(scores)}")
    middle, high = np.percentile(tips, [50, 90])
    far = 100 * np.mean(tips > 20)
    print(f"visible tips in the task: median {middle:.2f} px, 90th percentile {high:.2f} px, "
          f"over 20 px {far:.1f} %")  # fmt: skip
    print(f"frames of the task with known tips: {known:.1f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("features", type=Path)
    options = parser.parse_args()
    with options.features.open(newline="") as file:
        rows = list(csv.DictReader(file))
    results = options.features.with_suffix(".tapscope")
    report([score(row, options.folder / "truth", results) for row in rows])


if __name__ == "__main__":
    main()
