"""How often taps that look small, because a tip was lost, draw the rest into the task.

    python -m tests.bench.lost_tips [SEED] [COUNT]

Each of COUNT simulated recordings (2 to 6 taps a second, some with a decrement) has one to four of
its last four taps reduced to 0.15 to 0.5 of their height, and a restless hand at rest afterwards.
Prints how many rates are off by over 5 %, and how many tasks end over 0.3 s late. The rules were
set on seed 0.
"""

import sys
from dataclasses import replace

import numpy as np

from tests.signal_path import path_of
from tests.synthetic import filmed, reaches


def main() -> None:
    """Print the counts."""
    seed, count = (int(text) for text in (*sys.argv[1:], *("0", "200")[len(sys.argv) - 1 :]))
    wrong = late = 0
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        rate_hz = rng.uniform(2, 6)
        motion = reaches(
            rate_hz,
            8.0,
            lead_in_s=1.0,
            lead_out_s=rng.uniform(1, 3),
            decrement_to=float(rng.choice([1.0, 0.6])),
            seed=number,
        )
        plain = filmed(motion, fidgets=rng.uniform(0.005, 0.03), noise=0.01, seed=number)
        aperture = plain.aperture.copy()
        for place in rng.permutation(4)[: rng.integers(1, 5)]:
            opens_s, _, closes_s, _ = motion.taps[-1 - int(place)]
            inside = (plain.time_s >= opens_s) & (plain.time_s <= closes_s)
            aperture[inside] *= rng.uniform(0.15, 0.5)
        found = path_of(replace(plain, aperture=aperture))
        found_hz = len(found.taps) / float(found.taps.interval_s.sum())
        wrong += abs(found_hz / rate_hz - 1) > 0.05
        late += found.task.end_s - motion.task_s[1] > 0.3
    print(f"of {count}: {wrong} rates off by over 5 %, {late} tasks end over 0.3 s late")


if __name__ == "__main__":
    main()
