"""Divide the recordings of a study among machines: shard i of N.

Nothing heavy is imported here: the command line reads `Shard` from its options.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from tapscope.pipeline.recordings import Recording


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` equal parts of the sorted recordings."""

    number: int
    """From 1 to `count`, as in a Slurm array `1-N`."""
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ValueError(f"{self} is no shard; the first of four is 1/4, the last 4/4")

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 'i/N'.

        Raises
        ------
        ValueError
            It is something else.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text.strip(), re.ASCII)
        if not found:
            raise ValueError(f"{text!r} is no shard; the first of four is 1/4, the last 4/4")
        return cls(int(found[1]), int(found[2]))

    def select(self, recordings: Sequence[Recording]) -> list[Recording]:
        """Return this shard's recordings: every `count`-th of them.

        Neighbours in the sorted list, often one long visit, are thus spread over all shards.
        """
        return list(recordings[self.number - 1 :: self.count])

    def table(self, out: Path) -> Path:
        """Return the table of this shard: 'features.shard-1-of-4.csv' beside 'features.csv'.

        So that the same command in each job can never overwrite the results of another.
        """
        return out.with_name(f"{out.stem}.shard-{self.number}-of-{self.count}{out.suffix}")


def division(shard: Shard, recordings: Sequence[Recording]) -> dict[str, int | str]:
    """Return what a shard's run.json says about the whole study, so that a merge can check it.

    Parameters
    ----------
    shard
        The shard.
    recordings
        All recordings of the study, as described; each shard must have seen the same.
    """
    described = [{**asdict(each), "path": None} for each in recordings]
    return {
        "shard": shard.number,
        "shards": shard.count,
        "recordings": len(recordings),
        "sha256": hashlib.sha256(json.dumps(described).encode()).hexdigest(),
    }
