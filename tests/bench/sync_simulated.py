"""Cycle slips in simulated pairs of recordings: python -m tests.bench.sync_simulated [PAIRS].

For each hardship alone and for all together: the share flagged, by flag, and the slips (error over
a quarter of a cycle) among the accepted ('' = r > 0.9 and margin > 0.05), among those settled by
the pattern of the taps, and among the rest.
"""

import sys
from collections import Counter

import numpy as np

from tapscope.sync.cross_correlation import synchronise
from tests.synthetic_pair import Hardship, make_pair

CASES = {
    "none": Hardship(),
    "half overlap": Hardship(overlap=0.5),
    "30 % noise": Hardship(noise=0.3),
    "5 % lost frames": Hardship(lost_frames=0.05),
    "3 ms jitter": Hardship(jitter_s=0.003),
    "all": Hardship(overlap=0.5, noise=0.3, lost_frames=0.05, jitter_s=0.003),
}


def main(pairs: int) -> None:
    """Print one line a case."""
    for name, hardship in CASES.items():
        flags: Counter[str] = Counter()
        slips: Counter[str] = Counter()
        errors_s = []
        for seed in range(pairs):
            pair = make_pair(seed, hardship)
            found = synchronise(pair.video, pair.sensor)
            error_s = abs(found.offset_s - pair.offset_s)
            flag = found.flag or "accepted"
            slipped = not error_s < 0.25 / pair.rate_hz
            flags[flag] += 1
            slips[flag] += slipped
            if not slipped:
                errors_s.append(error_s)
        shares = ", ".join(
            f"{flag} {count / pairs:.1%} ({slips[flag]} slips)"
            for flag, count in flags.most_common()
        )
        trusted = slips["accepted"] + slips["by_pattern"]
        print(
            f"{name:16} {shares}; slips unflagged {slips['accepted'] / pairs:.1%}, with by_pattern "
            f"{trusted / pairs:.1%}; median error of the others {1e3 * np.median(errors_s):.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
