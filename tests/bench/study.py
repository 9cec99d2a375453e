"""How near to the truth `tapscope analyze` comes on a rendered study.

    python -m tests.bench.study FOLDER [--weights FILE] [--out FEATURES.csv] [--jobs N] [--device D]

analyses FOLDER/videos and compares with FOLDER/truth. Results are kept beside --out, so that a
second call compares at once. Exit code 0 when every line of the last table is met.
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tapscope.agreement import match_events
from tapscope.cli.console import progress_listener
from tapscope.output.columns import RECORDING
from tapscope.pipeline.analyze import Options, analyze_videos
from tapscope.records import FloatArray, Trajectory
from tests.signal_path import find_taps

MATCH_S = 0.05
FASTEST_WITH_AMPLITUDE_HZ = 6.0


@dataclass(frozen=True)
class Truth:
    """What really happened in a recording."""

    contacts_s: FloatArray
    frame_times_s: FloatArray
    tips_px: FloatArray
    """Thumb, then index; shape (frames, 2, 2)."""

    @property
    def rate_hz(self) -> float:
        return (len(self.contacts_s) - 1) / float(self.contacts_s[-1] - self.contacts_s[0])


@dataclass(frozen=True)
class Found:
    """What was measured in a recording; arrays are empty where nothing was."""

    status: str
    reason: str
    rate_hz: float
    closures_s: FloatArray
    closure_pairs_s: FloatArray
    """Closure and next closure of each tap; shape (taps, 2)."""
    amplitude: FloatArray
    unit: str
    frame_times_s: FloatArray
    tips_px: FloatArray
    aperture_px: FloatArray
    aperture_hand: FloatArray


@dataclass(frozen=True)
class Scores:
    """One recording, measured against the truth."""

    name: str
    rate_hz: float
    true_rate_hz: float
    hits: int
    true_count: int
    found_count: int
    time_errors_s: FloatArray
    tip_errors_px: FloatArray
    amplitude_bias_pct: float
    reason: str

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(self.true_count + self.found_count, 1)


def read_truth(path: Path) -> Truth:
    content = json.loads(path.read_text())
    return Truth(*(np.array(content[k]) for k in ("contacts_s", "frame_times_s", "tips_px")))


def read_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def column(rows: Sequence[dict[str, str]], name: str) -> FloatArray:
    return np.array([float(row[name] or "nan") for row in rows])


def read_found(row: dict[str, str], kept: Path) -> Found:
    taps = read_rows(kept / f"{row['recording']}.taps.csv")
    tracks = read_rows(kept / f"{row['recording']}.tracks.csv")
    pairs = np.stack([column(taps, "closure_s"), column(taps, "next_closure_s")], axis=1)
    names = ("thumb_tip_x", "thumb_tip_y", "index_tip_x", "index_tip_y")
    tips = np.stack([column(tracks, name) for name in names], axis=1).reshape(-1, 2, 2)
    return Found(
        status=row["status"],
        reason=row["reason"],
        rate_hz=float(row["tapping_rate_hz"] or "nan"),
        closures_s=np.unique(pairs),
        closure_pairs_s=pairs,
        amplitude=column(taps, "amplitude"),
        unit=row.get("unit", ""),
        frame_times_s=column(tracks, "time_s"),
        tips_px=tips,
        aperture_px=column(tracks, "aperture_px"),
        aperture_hand=column(tracks, "aperture_hand"),
    )


def amplitude_bias_pct(truth: Truth, found: Found) -> float:
    """Return the median over taps of measured over true amplitude, less one, in percent.

    True amplitudes are those that the same tap code finds in the true tip pixels: the aperture is
    measured on the same frames, so that what differs is the tracking.
    """
    distance = np.linalg.norm(truth.tips_px[:, 1] - truth.tips_px[:, 0], axis=1)
    true = find_taps(Trajectory(truth.frame_times_s, distance, "px", "video"))
    if not len(true) or not len(found.amplitude):
        return float("nan")
    px_per_unit = 1.0
    if found.unit == "hand_lengths":
        px_per_unit = float(np.nansum(found.aperture_px) / np.nansum(found.aperture_hand))
    ratios = []
    for pair, amplitude in zip(found.closure_pairs_s, found.amplitude, strict=True):
        away = np.abs(true.closure_s - pair[0]) + np.abs(true.next_closure_s - pair[1])
        nearest = int(away.argmin())
        if away[nearest] < 2 * MATCH_S:
            ratios.append(amplitude * px_per_unit / true.amplitude[nearest])
    return 100 * (float(np.median(ratios)) - 1) if ratios else float("nan")


def score(name: str, truth: Truth, found: Found) -> Scores:
    errors_s = np.empty(0)
    if len(found.closures_s):
        errors_s = match_events(found.closures_s, truth.contacts_s, MATCH_S).error_s
    frames = min(len(truth.frame_times_s), len(found.frame_times_s))
    errors = np.linalg.norm(found.tips_px[:frames] - truth.tips_px[:frames], axis=2)
    return Scores(
        name=name,
        rate_hz=found.rate_hz,
        true_rate_hz=truth.rate_hz,
        hits=len(errors_s),
        true_count=len(truth.contacts_s),
        found_count=len(found.closures_s),
        time_errors_s=np.abs(errors_s),
        tip_errors_px=errors[np.isfinite(errors)],
        amplitude_bias_pct=amplitude_bias_pct(truth, found),
        reason=found.reason,
    )


def verdicts(scores: Sequence[Scores]) -> list[tuple[str, str, bool]]:
    """Return what was asked for, what was measured, and whether it is met."""
    right = sum(abs(s.rate_hz - s.true_rate_hz) <= 0.1 for s in scores)
    hits, counts = sum(s.hits for s in scores), sum(s.true_count + s.found_count for s in scores)
    f1 = 2 * hits / max(counts, 1)
    time_ms = 1000 * median([s.time_errors_s for s in scores])
    errors = np.concatenate([s.tip_errors_px for s in scores])
    middle, high = np.percentile(errors, [50, 90]) if len(errors) else (np.nan, np.nan)
    biases = [s.amplitude_bias_pct for s in scores if s.true_rate_hz <= FASTEST_WITH_AMPLITUDE_HZ]
    worst = max((abs(b) if np.isfinite(b) else np.inf) for b in biases)
    return [
        (f"rate within 0.1 Hz in all {len(scores)}", f"{right}", right == len(scores)),
        ("contacts within 50 ms: F1 at least 0.98", f"{f1:.4f}", f1 >= 0.98),
        ("contact time: median error at most 10 ms", f"{time_ms:.1f} ms", time_ms <= 10),
        ("tips: median error at most 4 px", f"{middle:.2f} px", bool(middle <= 4)),
        ("tips: 90th percentile at most 10 px", f"{high:.2f} px", bool(high <= 10)),
        ("amplitude: bias within 3 % up to 6 Hz", f"worst {worst:.1f} %", bool(worst <= 3)),
    ]


def median(parts: Sequence[FloatArray]) -> float:
    whole = np.concatenate(parts)
    return float(np.median(whole)) if len(whole) else float("nan")


def report(scores: Sequence[Scores]) -> bool:
    """Print the tables; say whether everything is met."""
    print("recording                          rate   true     F1    ms    px 50/90  amp %")
    for s in scores:
        px = np.percentile(s.tip_errors_px, [50, 90]) if len(s.tip_errors_px) else [np.nan] * 2
        print(
            f"{s.name:32} {s.rate_hz:6.3f} {s.true_rate_hz:6.3f} {s.f1:6.3f} "
            f"{1000 * median([s.time_errors_s]):5.1f} {px[0]:5.1f} {px[1]:5.1f} "
            f"{s.amplitude_bias_pct:+6.1f}  {s.reason}"
        )
    print()
    lines = verdicts(scores)
    for asked, measured, met in lines:
        print(f"{'met   ' if met else 'MISSED'}  {asked:45} {measured}")
    return all(met for _, _, met in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path, default=Path("study/features.csv"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--force", action="store_true")
    given = parser.parse_args()
    options = Options(
        [given.folder / "videos"],
        given.out,
        weights=given.weights,
        jobs=given.jobs,
        device=given.device,
        force=given.force,
    )
    with progress_listener("terminal") as listener:
        analyze_videos(options, listener, sys.argv)
    rows = read_rows(given.out)
    assert list(rows[0])[: len(RECORDING)] == list(RECORDING)
    scores = [
        score(
            row["recording"],
            read_truth(given.folder / "truth" / f"{row['recording']}.json"),
            read_found(row, given.out.with_suffix(".tapscope")),
        )
        for row in rows
    ]
    return 0 if report(scores) else 1


if __name__ == "__main__":
    sys.exit(main())
