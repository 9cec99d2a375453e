"""Damaged files of every kind: only the program's own errors, no hang, no row lost.

    python -m tests.bench.fuzz [--minutes 60] [--videos 2000] [--analyze-every 20] [--out FOLDER]

Rounds of damaged tables, logs, protocols, cards and labels, each read as the program reads it, and
rounds of damaged videos take turns, until there were as many videos as asked for and the minutes
are over. Every video goes through `inspect`, every twentieth through `analyze`, too. Each input
depends on its target and number only. Counts are kept in FOLDER/counts.json, so that another call
goes on where the last one ended; each input that fails is kept in FOLDER/failures.
"""

import argparse
import json
import random
import re
import resource
import shutil
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tapscope.errors import TapscopeError
from tapscope.pipeline import workers
from tests.bench.fuzz_inputs import READERS, VIDEOS, Target, damage

TARGETS: Final[Mapping[str, Target]] = {**READERS, **VIDEOS}
ROUND: Final = 400
"""Inputs between two lines of counts; each round has a worker of its own."""
MEMORY_BYTES: Final = 6 * 2**30
"""A reader that asks for more gets a MemoryError, which is a failure."""
LONGEST_MESSAGE: Final = 2000


class Input(NamedTuple):
    """One damaged sample."""

    target: str
    number: int


class Outcome(NamedTuple):
    """What came of it: 'read', 'refused' or 'failed', with the trace; and the warnings."""

    kind: str
    detail: str
    warned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepare:
    """Returns, in a worker, what damages and reads a sample in `place`."""

    place: Path

    def __call__(self) -> workers.Work[Input, Outcome]:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, most))
        samples: dict[str, tuple[str, dict[str, bytes]]] = {}

        def work(given: Input, report: workers.Report) -> Outcome:
            if given.target not in samples:
                samples[given.target] = _sample(TARGETS[given.target], self.place)
            root, files = samples[given.target]
            _write_damaged(given, files, self.place)
            return _attempt(TARGETS[given.target], self.place, root)

        return work


def _sample(target: Target, place: Path) -> tuple[str, dict[str, bytes]]:
    """Return the path to read and the content of all files of a valid sample."""
    _empty(place)
    root = target.make(place)
    target.read(root)  # must be valid: this fails loudly
    _empty(place)
    root = target.make(place)
    files = {str(f.relative_to(place)): f.read_bytes() for f in place.rglob("*") if f.is_file()}
    return str(root.relative_to(place)), files


def _empty(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)


def _write_damaged(given: Input, files: Mapping[str, bytes], place: Path) -> None:
    rng = random.Random(f"{given.target} {given.number}")
    wanted = TARGETS[given.target].damages
    names = [name for name in sorted(files) if re.search(wanted, name)]
    chosen = rng.choice(names)
    _empty(place)
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(damage(content, name, rng) if name == chosen else content)


def _attempt(target: Target, place: Path, root: str) -> Outcome:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            target.read(place / root)
            kind, detail = "read", ""
        except TapscopeError as problem:
            kind, detail = "refused", str(problem)
            if len(detail) > LONGEST_MESSAGE:
                kind, detail = "failed", f"a message of {len(detail)} characters: {detail[:300]}"
            elif str(place) not in detail:
                kind, detail = "failed", f"a message that names no file: {detail}"
        except Exception:
            kind, detail = "failed", traceback.format_exc()
    warned = {f"{w.category.__name__}: {w.message}"[:200] for w in caught}
    return Outcome(kind, detail, tuple(sorted(warned)))


class Ledger:
    """Counts by target, and the failures, kept in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "counts.json"
        folder.mkdir(parents=True, exist_ok=True)
        kept = json.loads(self.file.read_text()) if self.file.is_file() else {}
        self.counts = {name: Counter(kinds) for name, kinds in kept.items()}

    def tried(self, target: str) -> int:
        """Return how many inputs of a target were tried: the number of the next one."""
        return sum(self.counts.get(target, {}).values())

    def note(self, target: str, kind: str) -> None:
        """Count an outcome."""
        self.counts.setdefault(target, Counter())[kind] += 1

    def keep(self, given: Input, detail: str, place: Path) -> None:
        """Keep an input that failed, with what happened."""
        folder = self.folder / "failures" / f"{given.target} {given.number}"
        shutil.copytree(place, folder, dirs_exist_ok=True)
        (folder / "what happened.txt").write_text(detail, errors="replace")
        print(f"FAILED {folder}\n    {detail.strip().splitlines()[-1][:300]}", flush=True)

    def show(self) -> None:
        """Write the counts to the file and the terminal."""
        self.file.write_text(json.dumps(self.counts, indent=1))
        print(time.strftime("\n%H:%M:%S"))
        for name, kinds in sorted(self.counts.items()):
            print(f"{name:28}", ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())))
        print(f"{'together':28} {sum(map(self.tried, self.counts))}", flush=True)


def try_all(inputs: Sequence[Input], ledger: Ledger, limit_s: float, warned: set[str]) -> None:
    """Read damaged inputs in a worker; count and keep what comes of them."""
    place = ledger.folder / "current"
    _empty(place)
    for event in workers.run(Prepare(place), inputs, jobs=1, time_limit_s=limit_s):
        match event:
            case workers.Finished():
                given, answer = inputs[event.index], event.answer
                ledger.note(given.target, answer.kind)
                if answer.kind == "failed":
                    ledger.keep(given, answer.detail, place)
                for text in set(answer.warned) - warned:
                    print(f"warned {given.target} {given.number}: {text}", flush=True)
                warned |= set(answer.warned)
            case workers.Lost():
                given = inputs[event.index]
                ledger.note(given.target, event.cause)
                ledger.keep(given, f"{event.cause}: {event.detail}", place)


def analyze(inputs: Sequence[Input], ledger: Ledger, limit_s: float) -> None:
    """Analyse damaged videos as a folder; each must have its row, by the program's own reasons."""
    from tapscope.cli.console.log import SilentListener  # noqa: PLC0415
    from tapscope.pipeline.analyze import Options, analyze_videos  # noqa: PLC0415

    folder, table = ledger.folder / "videos", ledger.folder / "analyzed" / "features.csv"
    _empty(folder)
    _empty(table.parent)
    samples = {}
    by_name = {}
    for given in inputs:
        if given.target not in samples:
            samples[given.target] = _sample(TARGETS[given.target], ledger.folder / "current")
        root, files = samples[given.target]
        _write_damaged(given, files, ledger.folder / "current")
        name = f"{given.target} {given.number}".replace(" ", "-")
        by_name[name] = given
        shutil.copy(ledger.folder / "current" / root, folder / f"{name}{Path(root).suffix}")
    if not inputs:
        return
    options = Options((folder,), table, device="cpu", time_limit_s=limit_s)
    result = analyze_videos(options, SilentListener(), ["tests.bench.fuzz"])
    for name, given in by_name.items():
        cached = result.results.get(name)
        flags = set() if cached is None else set(str(cached.cells["flags"]).split(";"))
        bad = {"internal_error", "crashed", "time_limit"} & flags
        status = "row lost" if cached is None else f"row {cached.cells['status']}"
        kind = min(bad, default=status)
        ledger.note("analyze", kind)
        if cached is None or bad:
            detail = "row lost" if cached is None else f"{kind}: {cached.cells['reason']}"
            _write_damaged(given, samples[given.target][1], ledger.folder / "current")
            ledger.keep(given, f"analyze: {detail}", ledger.folder / "current")


def inputs_of(targets: Mapping[str, Target], count: int, ledger: Ledger) -> list[Input]:
    """Return the next inputs, the targets in turn by their shares."""
    turns = [name for name, target in targets.items() for _ in range(target.share)]
    following = {name: ledger.tried(name) for name in targets}
    inputs = []
    for place in range(count):
        name = turns[(sum(following.values()) + 7 * place) % len(turns)]
        inputs.append(Input(name, following[name] + sum(one.target == name for one in inputs)))
    return inputs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="for all together")
    parser.add_argument("--videos", type=int, default=2000)
    parser.add_argument("--analyze-every", type=int, default=20, help="0: none is analysed")
    parser.add_argument(
        "--limit-s",
        type=float,
        default=60.0,
        help="for one reading; an analysis has 5 times as long",
    )
    parser.add_argument("--out", type=Path, default=Path("fuzz"))
    given = parser.parse_args()
    ledger, warned = Ledger(given.out), set[str]()
    end_s = time.monotonic() + 60 * given.minutes
    while time.monotonic() < end_s:
        try_all(inputs_of(READERS, ROUND, ledger), ledger, given.limit_s, warned)
        ledger.show()
        left = given.videos - sum(map(ledger.tried, VIDEOS))
        videos = inputs_of(VIDEOS, min(ROUND, left), ledger)
        try_all(videos, ledger, given.limit_s, warned)
        if given.analyze_every:
            analyze(videos[:: given.analyze_every], ledger, 5 * given.limit_s)
        ledger.show()
    failed = {"failed", "crashed", "time_limit", "internal_error", "row lost"}
    return 1 if any(failed & set(kinds) for kinds in ledger.counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
