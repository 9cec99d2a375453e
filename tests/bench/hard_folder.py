"""What `tapscope analyze` makes of a folder of hard cases, with the real weights.

    python -m tests.bench.hard_folder STUDY [--weights FILE] [--folder WHERE]

STUDY is a rendered study (videos/*.mp4; tests/data/clinic will do). Builds the folder from its
recordings, analyses it through the command line, prints the table, and checks: one row each, the
right status, exit code 1, good recordings equal to what they give alone, a killed and repeated run
equal to an uninterrupted one with nothing done twice, two runs equal to the byte.
"""

import argparse
import csv
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.clips import Clip, audio_only, cut, orient

GOOD = ("ok", "doubtful")


def build(folder: Path, videos: Path) -> dict[str, tuple[str, ...]]:
    """Make the hard cases; return the statuses that are right for each."""
    found = sorted(videos.glob("*.mp4"))
    even, uneven = found[0], next((v for v in found if "sub-06" in v.name), found[-1])
    (folder / "sub").mkdir(parents=True)
    shutil.copy(even, folder / "good.mp4")
    shutil.copy(found[-1], folder / "sub" / "good.mp4")
    shutil.copy(even, folder / "a name, with spaces.mp4")
    shutil.copy(uneven, folder / "variable rate.mp4")
    orient(Path(shutil.copy(even, folder / "rotated.mp4")), "90")
    (folder / "zero bytes.mp4").touch()
    (folder / "text.mp4").write_text("This is not a video.\n")
    cut(Path(shutil.copy(even, folder / "half.mp4")), 0.5)
    audio_only(folder / "sound only.mp4")
    Clip(size=(320, 240)).write(folder / "no hand.mp4", 120)
    for file in folder.rglob("*.mp4"):
        file.chmod(0o644)
    failed = dict.fromkeys(("zero bytes", "text", "sound only", "no hand"), ("failed",))
    good = ("good", "sub/good", "a name, with spaces", "variable rate", "rotated")
    return {**failed, **dict.fromkeys(good, GOOD), "half": ("doubtful", "failed")}


def analyze(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "tapscope", "analyze", *map(str, arguments)]


def rows_of(table: Path) -> dict[str, dict[str, str]]:
    with table.open(newline="") as file:
        return {row["recording"]: row for row in csv.DictReader(file)}


def check(claim: str, holds: bool) -> bool:
    print(f"{'met   ' if holds else 'MISSED'}  {claim}")
    return holds


def killed_and_repeated(folder: Path, out: Path, options: list[str | Path]) -> list[str]:
    """Run, kill once three recordings are done, run again; return what was done twice."""
    kept = out.with_suffix(".tapscope")
    with subprocess.Popen(analyze(folder, "--out", out, "--quiet", *options)) as run:
        while len(list(kept.rglob("*.row.json"))) < 3 and run.poll() is None:
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
    before = {file: file.stat().st_mtime_ns for file in kept.rglob("*.row.json")}
    subprocess.run(analyze(folder, "--out", out, "--quiet", *options), check=False)
    return [file.name for file, moment in before.items() if file.stat().st_mtime_ns != moment]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--folder", type=Path, help="Kept where given; must not exist.")
    given = parser.parse_args()
    place = given.folder or Path(tempfile.mkdtemp())
    folder, options = place / "videos", ["--weights", given.weights] if given.weights else []
    expected = build(folder, given.study / "videos")

    out = place / "first" / "features.csv"
    code = subprocess.run(analyze(folder, "--out", out, *options), check=False).returncode
    rows = rows_of(out)
    for name, row in rows.items():
        print(f"{name:22} {row['status']:9} {row['tapping_rate_hz']:8} {row['reason']}")
    print()
    met = [
        check("one row each", set(rows) == set(expected)),
        check("the right status", all(rows[n]["status"] in expected[n] for n in rows)),
        check("exit code 1", code == 1),
    ]
    alone = place / "alone" / "features.csv"
    subprocess.run(analyze(folder / "good.mp4", "--out", alone, "--quiet", *options), check=False)
    met.append(check("a good one alone gives the same", rows_of(alone)["good"] == rows["good"]))
    killed = place / "killed" / "features.csv"
    twice = killed_and_repeated(folder, killed, options)
    same = killed.read_bytes() == out.read_bytes()
    met += [
        check("killed and run again: the same table, to the byte", same),
        check("killed and run again: nothing done twice", not twice),
    ]
    second = place / "second" / "features.csv"
    subprocess.run(
        analyze(folder, "--out", second, "--quiet", "--jobs", "2", *options), check=False
    )
    met.append(check("two runs give the same bytes", second.read_bytes() == out.read_bytes()))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
