"""Clocks of simulated pairs: right, wrong, flagged: python -m tests.bench.sync_simulated [PAIRS].

Each row is a kind of pair. Each pair is synchronised twice: as it is, and with the sign of the
sensor unknown. 'wrong' is trusted and over a quarter of a cycle from the truth, or trusted where no
offset is right (another trial, another time).
"""

import sys
from collections import Counter
from dataclasses import replace

import numpy as np

from tapscope.sync.clock_relation import Synchronisation
from tapscope.sync.cross_correlation import choose_sign, synchronise
from tests.sync.pairs import Scenario, SimulatedPair, simulate

REGULAR = Scenario(interval_cv=(0.0, 0.03))
REGULAR_2HZ = replace(REGULAR, rate_hz=2.0)
SLOWING = Scenario(interval_cv=(0.01, 0.05), slowing=0.25)
OF_TWO = Scenario(interval_cv=(0.0, 0.03), alternation=0.15)
HARD = Scenario(before_s=-5.0, after_s=5.0, noise=0.3, lost_frames=0.05, jitter_s=0.003)
SCENARIOS = {
    "irregular": Scenario(),
    "irregular, half overlap": Scenario(before_s=-5.0, after_s=5.0),
    "irregular, 30 % noise": Scenario(noise=0.3),
    "irregular, 5 % lost frames": Scenario(lost_frames=0.05),
    "irregular, 3 ms jitter": Scenario(jitter_s=0.003),
    "irregular, all of these": HARD,
    "irregular, rests": Scenario(rests=True),
    "irregular, long log": Scenario(before_s=30.0, after_s=30.0),
    "irregular, right rough offset": Scenario(rough_error_s=(0.0, 1.5)),
    "regular, 2 Hz": REGULAR_2HZ,
    "regular, 2 Hz, half overlap": replace(REGULAR_2HZ, before_s=-5.0, after_s=5.0),
    "regular, 2 Hz, even amplitude": replace(REGULAR_2HZ, width_cv=(0.0, 0.03)),
    "regular, 1 to 6 Hz": REGULAR,
    "regular, rests": replace(REGULAR, rests=True),
    "regular, pause": replace(REGULAR, pause=True),
    "slowing by 25 %": SLOWING,
    "rhythm of two": OF_TWO,
    "rhythm of two, half overlap": replace(OF_TWO, before_s=-5.0, after_s=5.0),
    "other trial": Scenario(log="other trial"),
    "other trial, 2 Hz": Scenario(log="other trial", rate_hz=2.0),
    "other trial, short overlap": Scenario(log="other trial", duration_s=5.0),
    "other trial, rests": Scenario(log="other trial", rests=True),
    "other trial, long log": Scenario(log="other trial", before_s=30.0, after_s=30.0),
    "other trial, noise": Scenario(log="other trial", noise=0.3),
    "other trial, regular": replace(REGULAR, log="other trial"),
    "other trial, regular, rests": replace(REGULAR, log="other trial", rests=True),
    "other trial, slowing": replace(SLOWING, log="other trial"),
    "other trial, rhythm of two": replace(OF_TWO, log="other trial"),
    "no overlap": Scenario(log="other time"),
    "no overlap, regular": replace(REGULAR, log="other time"),
    "rough offset 2 to 4 s off": Scenario(rough_error_s=(2.0, 4.0)),
    "rough offset 0.5 to 2 s off": Scenario(rough_error_s=(0.5, 2.0), within_s=0.5),
    "regular, rough offset off": replace(REGULAR, rough_error_s=(0.5, 2.0), within_s=0.5),
}


def found_in(pair: SimulatedPair, within_s: float, sign_known: bool) -> Synchronisation:
    """Return the relation of clocks that the program finds."""
    if sign_known:
        return synchronise(
            pair.video, pair.sensor, approximate_offset_s=pair.rough_offset_s, within_s=within_s
        )
    against = replace(pair.sensor, aperture=-pair.sensor.aperture)
    _, found = choose_sign(
        pair.video,
        (against, pair.sensor),
        approximate_offset_s=pair.rough_offset_s,
        within_s=within_s,
    )
    return found


def main(pairs: int) -> None:
    """Print one line a kind of pair."""
    print(f"{'kind':30}   sign known            sign unknown        ms (trusted, right)  flags")
    print(f"{'':30}  right wrong flagged    right wrong flagged")
    for name, scenario in SCENARIOS.items():
        counts: list[Counter[str]] = [Counter(), Counter()]
        flags: Counter[str] = Counter()
        errors_s = []
        for seed in range(pairs):
            pair = simulate(seed, scenario)
            for which, sign_known in enumerate((True, False)):
                found = found_in(pair, scenario.within_s, sign_known)
                error_s = abs(found.offset_s - pair.offset_s)
                right = error_s < 0.25 / pair.rate_hz
                trusted = found.is_trusted
                counts[which]["flagged" if not trusted else "right" if right else "wrong"] += 1
                if sign_known:
                    flags[found.flag or "accepted"] += 1
                    if trusted and right:
                        errors_s.append(error_s)
        cells = "    ".join(
            f"{count['right']:5d} {count['wrong']:5d} {count['flagged']:7d}" for count in counts
        )
        typical = f"{1e3 * np.median(errors_s):5.1f}" if errors_s else "    -"
        listed = ", ".join(f"{flag} {count}" for flag, count in sorted(flags.items()))
        print(f"{name:30}  {cells}  {typical}  {listed}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 120)
